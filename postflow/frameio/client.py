"""The client: every operation that PostFlow asks of Frame.io.

Thin on purpose: `requests` and `review_requests` know the paths, `connection` knows how to
send, `downloads` and `uploader` move bytes.
"""

from __future__ import annotations

from pathlib import Path

from postflow.frameio.downloads import DownloadedFile, download
from postflow.frameio.file_operations import FileOperations
from postflow.frameio.review_operations import ReviewOperations


class FrameioClient(FileOperations, ReviewOperations):
    """Everything PostFlow asks of Frame.io; see the two halves for the operations."""

    async def download_original(self, file_id: str, to: Path) -> DownloadedFile:
        """Fetch the original of a file to `to`, which appears complete or not at all."""
        return await download(self, file_id=file_id, to=to)
