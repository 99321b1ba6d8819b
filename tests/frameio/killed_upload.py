"""A process that uploads with a journal on disk, made to be killed by a test.

Usage: python -m tests.frameio.killed_upload ADDRESS FOLDER VIDEO JOURNAL
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import httpx

from postflow.frameio.chunks import Placeholder, parse_placeholder, render_placeholder
from postflow.frameio.client import FrameioClient
from postflow.frameio.tokens import FixedToken
from postflow.frameio.uploader import UploadedFile, upload_file
from tests.frameio.storage import MemoryJournal


class DiskJournal(MemoryJournal):
    """A journal in one JSON file, replaced at once; questions stay in memory."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def load(self) -> Placeholder | None:
        """Return what was recorded."""
        return parse_placeholder(self._path.read_text()) if self._path.exists() else None

    def placeholder_created(self, placeholder: Placeholder) -> None:
        """Write it down."""
        unfinished = self._path.with_suffix(".new")
        unfinished.write_text(render_placeholder(placeholder))
        unfinished.replace(self._path)

    def part_finished(self, number: int) -> None:
        """Write the number down."""
        recorded = self.load()
        assert recorded is not None
        self.placeholder_created(recorded.with_finished(number))

    def discarded(self) -> None:
        """Forget it."""
        self._path.unlink(missing_ok=True)


async def upload(address: str, folder_id: str, video: Path, journal: Path) -> UploadedFile:
    """Upload as PostFlow's user."""
    async with httpx.AsyncClient(trust_env=False) as http:
        client = FrameioClient(http, token=FixedToken("postflow"), base_url=address)
        return await upload_file(
            client, path=video, folder_id=folder_id, journal=DiskJournal(journal), parallel=2
        )


if __name__ == "__main__":
    asyncio.run(upload(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])))
