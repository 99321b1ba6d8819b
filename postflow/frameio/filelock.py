"""A lock between processes that ends with the process that holds it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from postflow.errors import ConfigurationError

PAUSE = 0.02  # seconds between two looks; a lock is held for one token request

if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _take(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@asynccontextmanager
async def locked(path: Path) -> AsyncIterator[None]:
    """Hold the lock of this file, waiting for whoever holds it; closing it is letting go.

    Raises ConfigurationError where the file cannot be made.
    """
    descriptor = _open(path)
    try:
        while not _is_taken(descriptor):  # noqa: ASYNC110 -- no event crosses processes
            await asyncio.sleep(PAUSE)
        yield
    finally:
        os.close(descriptor)


def try_lock(path: Path) -> int | None:
    """Return the open file that holds the lock until it is closed; None where another holds it."""
    descriptor = _open(path)
    if _is_taken(descriptor):
        return descriptor
    os.close(descriptor)
    return None


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written ({error.strerror}); let PostFlow's user write into that "
            "folder, or set another one."
        ) from error


def _is_taken(descriptor: int) -> bool:
    try:
        _take(descriptor)
    except (BlockingIOError, PermissionError):  # the second is Windows' word for it
        return False
    return True
