"""The local file of an upload, which must stay as it was first seen.

It is read in threads: a slow disk must not stop the other uploads. Memory is one chunk per part in
flight, whatever the size of the file.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import Generator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from postflow.errors import UploadError
from postflow.frameio.chunks import Fingerprint, Part

# Measured over loopback: a quarter of it costs a tenth more, twice of it gains nothing; and on a
# slow line a chunk must leave within the stall timeout.
CHUNK = 256 * 1024
HASH_CHUNK = 256 * 1024  # fits the processor's cache
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

    def chunks_of(self, part: Part) -> Generator[bytes]:
        """Yield the bytes of a part; UploadError where the file does not hold them.

        For a thread: each chunk waits for the disk.
        """
        offset, end = part.offset, part.offset + part.size
        with self._open() as file:
            while offset < end:
                chunk = self._read_at(file, min(CHUNK, end - offset), offset)
                offset += len(chunk)
                yield chunk

    async def sha256(self) -> str:
        """Read the file once, in order, and return the digest of all its bytes."""
        digest = hashlib.sha256()
        file = self._open()
        try:
            for start in range(0, self.fingerprint.size, HASH_STRETCH):
                end = min(start + HASH_STRETCH, self.fingerprint.size)
                await asyncio.to_thread(self._digest, file, start, end, digest)
        finally:
            file.close()
        return digest.hexdigest()

    def _open(self) -> FileIO:
        # Not in a thread: a cancelled task could not close what the thread opens after it.
        try:
            file = FileIO(self.path)
        except OSError as error:
            raise _unreadable(self.path, error) from error
        if _fingerprint_of(os.fstat(file.fileno())) != self.fingerprint:
            file.close()
            raise self._changed()
        return file

    def _read_at(self, file: FileIO, size: int, offset: int) -> bytes:
        try:
            file.seek(offset)
            chunk = file.read(size)
        except OSError as error:
            raise _unreadable(self.path, error) from error
        if not chunk:
            raise self._changed()
        return chunk

    def _digest(self, file: FileIO, start: int, end: int, digest: hashlib._Hash) -> None:
        while start < end:
            chunk = self._read_at(file, min(HASH_CHUNK, end - start), start)
            digest.update(chunk)
            start += len(chunk)

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
