"""Tiny real videos, each with bytes of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tools.drill.videos import video_bytes


@dataclass(frozen=True)
class Videos:
    """A folder of test videos."""

    folder: Path

    def make(self, name: str, *, folder: Path | None = None) -> Path:
        """Write a video whose bytes no other one has."""
        path = (folder or self.folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(video_bytes(uuid4().bytes))
        return path
