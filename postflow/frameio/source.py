"""The local file of an upload, which must stay as it was first seen.

What is not in memory is read in threads: a slow disk must not stop the other uploads. Memory is
one chunk per part in flight, whatever the size of the file.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from postflow.errors import UploadError
from postflow.frameio.chunks import Fingerprint, Part

# Measured over loopback: half of it costs a fifth more time, twice of it gains little, and on a
# slow line a chunk must leave within the stall timeout.
CHUNK = 512 * 1024
HASH_CHUNK = 256 * 1024  # fits the processor's cache
HASH_STRETCH = 8 * 1024 * 1024  # hashed per trip to a thread

if sys.platform == "linux":

    def _read_if_cached(descriptor: int, buffer: memoryview, offset: int) -> int | None:
        """Read what is in memory already; None where the disk would have to be waited for."""
        try:
            return os.preadv(descriptor, [buffer], offset, os.RWF_NOWAIT)
        except OSError:  # would wait, or a file system that cannot tell; reading says which
            return None
else:  # pragma: no cover

    def _read_if_cached(descriptor: int, buffer: memoryview, offset: int) -> int | None:
        """Return None: only Linux tells whether the disk would have to be waited for."""
        del descriptor, buffer, offset


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
        offset, end = part.offset, part.offset + part.size
        buffer = memoryview(bytearray(min(CHUNK, part.size)))
        file = self._open()
        try:
            while offset < end:
                wanted = buffer[: end - offset]
                size = _read_if_cached(file.fileno(), wanted, offset)
                if size is None:
                    size = await asyncio.to_thread(self._read, file, wanted, offset)
                if not size:
                    raise self._changed()
                offset += size
                yield bytes(wanted[:size])
        finally:
            file.close()

    async def sha256(self) -> str:
        """Read the file once, in order, and return the digest of all its bytes."""
        digest = hashlib.sha256()
        buffer = memoryview(bytearray(HASH_CHUNK))
        file = self._open()
        try:
            for start in range(0, self.fingerprint.size, HASH_STRETCH):
                end = min(start + HASH_STRETCH, self.fingerprint.size)
                await asyncio.to_thread(self._digest, file, buffer, start, end, digest)
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

    def _read(self, file: FileIO, buffer: memoryview, offset: int) -> int:
        try:
            file.seek(offset)
            return file.readinto(buffer)
        except OSError as error:
            raise _unreadable(self.path, error) from error

    def _digest(
        self, file: FileIO, buffer: memoryview, start: int, end: int, digest: hashlib._Hash
    ) -> None:
        while start < end:
            size = self._read(file, buffer[: end - start], start)
            if not size:
                raise self._changed()
            digest.update(buffer[:size])
            start += size

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
