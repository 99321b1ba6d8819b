"""Tiny real videos, each with bytes of its own; encoded once, then only told apart."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import imageio_ffmpeg  # type: ignore[import-untyped]  # it has no types


@dataclass(frozen=True)
class Videos:
    """A folder of test videos."""

    folder: Path

    def make(self, name: str, *, folder: Path | None = None) -> Path:
        """Write a video whose bytes no other one has."""
        path = (folder or self.folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(video_bytes() + _free_box(uuid4().bytes))
        return path


@functools.cache
def video_bytes() -> bytes:
    """Return one second of test picture with sound, as an mp4."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "test.mp4"
        picture = ("-f", "lavfi", "-i", "testsrc=d=1:s=160x90")
        sound = ("-f", "lavfi", "-i", "sine=d=1")
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *picture, *sound]
        subprocess.run([*command, "-pix_fmt", "yuv420p", str(path)], check=True)  # noqa: S603 - ffmpeg, no shell
        return path.read_bytes()


def _free_box(content: bytes) -> bytes:
    """Return a box that every player skips; it may stand at the end of an mp4."""
    return (8 + len(content)).to_bytes(4, "big") + b"free" + content
