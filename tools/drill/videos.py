"""Tiny real videos, each with bytes of its own; encoded once, then only told apart."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from postflow.delivery.encoding import find_ffmpeg

_PICTURE = ("-f", "lavfi", "-i", "testsrc=d=1:s=160x90")
_SOUND = ("-f", "lavfi", "-i", "sine=d=1")


def make_videos(folder: Path, names: Sequence[str]) -> None:
    """Write one second of test picture with sound under each name."""
    folder.mkdir(parents=True)
    source = folder / ".source.mp4"
    command = [find_ffmpeg(), "-loglevel", "error", *_PICTURE, *_SOUND, "-pix_fmt", "yuv420p"]
    subprocess.run([*command, str(source)], check=True)  # noqa: S603 - our own ffmpeg, and no shell
    picture = source.read_bytes()
    source.unlink()
    for name in names:
        (folder / name).write_bytes(picture + _free_box(name.encode()))


def _free_box(content: bytes) -> bytes:
    """Return a box that every player skips; it may stand at the end of an mp4."""
    return (8 + len(content)).to_bytes(4, "big") + b"free" + content
