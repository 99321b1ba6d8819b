"""Tiny real videos, each with bytes of its own; encoded once, then only told apart."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from postflow.delivery.encoding import find_ffmpeg

_PICTURE = ("-f", "lavfi", "-i", "testsrc=d=1:s=160x90")
_SOUND = ("-f", "lavfi", "-i", "sine=d=1")


def make_videos(folder: Path, names: Sequence[str]) -> None:
    """Write one second of test picture with sound under each name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(video_bytes(name.encode()))


def video_bytes(mark: bytes) -> bytes:
    """Return an mp4 whose bytes no video with another mark has."""
    return _encode() + _free_box(mark)


@functools.cache
def _encode() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "test.mp4"
        command = [find_ffmpeg(), "-loglevel", "error", *_PICTURE, *_SOUND]
        subprocess.run([*command, "-pix_fmt", "yuv420p", str(path)], check=True)  # noqa: S603 - our own ffmpeg, and no shell
        return path.read_bytes()


def _free_box(content: bytes) -> bytes:
    """Return a box that every player skips; it may stand at the end of an mp4."""
    return (8 + len(content)).to_bytes(4, "big") + b"free" + content
