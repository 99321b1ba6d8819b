"""One machine per folder of logs: a second one would write the same files and take the same ports."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from postflow.errors import ConfigurationError
from postflow.frameio.filelock import try_lock


@contextmanager
def only_start(logs: Path, address: str) -> Iterator[None]:
    """Be the only machine with these logs until the block ends, or the process does.

    Raises ConfigurationError, which names the process and address of the one that runs.
    """
    path = logs / "postflow_start.lock"
    descriptor = try_lock(path)
    if descriptor is None:
        raise ConfigurationError(
            f"PostFlow already runs here ({_read(path)}); use that one, or stop it first."
        )
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"pid {os.getpid()}, {address}".encode())
        yield
    finally:
        os.close(descriptor)


def _read(path: Path) -> str:
    """Return who holds the lock; where that cannot be read, the file that it holds."""
    try:
        return path.read_text(encoding="utf-8") or str(path)
    except OSError:  # Windows lets nobody read what is locked
        return str(path)
