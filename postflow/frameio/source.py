"""The local file of an upload, which must stay as it was first seen.

Reading happens in threads: a slow disk must not stop the other uploads. Memory is one chunk per
part in flight, whatever the size of the file.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from postflow.errors import UploadError
from postflow.frameio.chunks import Fingerprint, Part

CHUNK = 512 * 1024  # larger reads gain nothing measurable, and every part in flight holds one
HASH_STRETCH = 8 * 1024 * 1024  # hashed per trip to a thread


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file with the fingerprint that it had when the upload began."""

    path: Path
    fingerprint: Fingerprint

    def check(self) -> None:
        """Raise UploadError if the file is gone or no longer the one first seen."""
        if look_at(self.path).fingerprint != self.fingerprint:
            raise self._changed()

    async def chunks_of(self, part: Part) -> AsyncGenerator[bytes]:
        """Yield the bytes of a part; UploadError where the file does not hold them."""
        left = part.size
        file = await asyncio.to_thread(self._open_at, part.offset)
        try:
            while left:
                chunk = await asyncio.to_thread(self._read, file, min(CHUNK, left))
                left -= len(chunk)
                yield chunk
        finally:
            file.close()

    async def sha256(self) -> str:
        """Read the file once, in order, and return the digest of all its bytes."""
        digest = hashlib.sha256()
        left = self.fingerprint.size
        file = await asyncio.to_thread(self._open_at, 0)
        try:
            while left:
                stretch = min(HASH_STRETCH, left)
                await asyncio.to_thread(self._digest, file, stretch, digest)
                left -= stretch
        finally:
            file.close()
        return digest.hexdigest()

    def _open_at(self, offset: int) -> BinaryIO:
        try:
            file = self.path.open("rb", buffering=0)
        except OSError as error:
            raise _unreadable(self.path, error) from error
        if _fingerprint_of(os.fstat(file.fileno())) != self.fingerprint:
            file.close()
            raise self._changed()
        file.seek(offset)
        return file

    def _read(self, file: BinaryIO, size: int) -> bytes:
        try:
            chunk = file.read(size)
        except OSError as error:
            raise _unreadable(self.path, error) from error
        if not chunk:
            raise self._changed()
        return chunk

    def _digest(self, file: BinaryIO, stretch: int, digest: hashlib._Hash) -> None:
        while stretch:
            chunk = self._read(file, min(CHUNK, stretch))
            digest.update(chunk)
            stretch -= len(chunk)

    def _changed(self) -> UploadError:
        return UploadError(
            f"{self.path} changed while it was uploaded; let it be written to its end, "
            "then upload it again."
        )


def look_at(path: Path) -> SourceFile:
    """Take the fingerprint of a file; UploadError where it cannot be uploaded as it is."""
    try:
        # Asked first: opening a pipe would wait for its writer.
        if not stat.S_ISREG(path.stat().st_mode):
            raise UploadError(f"{path} is no regular file; give the path of a video file.")
        with path.open("rb") as file:
            seen = os.fstat(file.fileno())
    except OSError as error:
        raise _unreadable(path, error) from error
    if seen.st_size == 0:
        raise UploadError(f"{path} is empty; wait until it is written, then upload it.")
    return SourceFile(path=path, fingerprint=_fingerprint_of(seen))


def _fingerprint_of(seen: os.stat_result) -> Fingerprint:
    return Fingerprint(size=seen.st_size, mtime_ns=seen.st_mtime_ns, inode=seen.st_ino)


def _unreadable(path: Path, error: OSError) -> UploadError:
    return UploadError(
        f"{path} cannot be read ({error.strerror}); check that it is there and readable."
    )
