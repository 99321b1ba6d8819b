"""A folder of limited size that can be filled: a tmpfs, where mounting is allowed."""

from __future__ import annotations

import errno
import os
import subprocess
from contextlib import suppress
from pathlib import Path

_BLOCK = 64 * 1024


class Space:
    """The folder that holds a database and nothing else."""

    def __init__(self, folder: Path, *, megabytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        while folder.is_mount() and _run("umount", folder):
            pass  # a drill that was itself killed left it behind
        self.folder = folder
        self._ballast = folder / "ballast"
        options = f"size={megabytes}m,mode=0777"
        self.is_limited = _run("mount", "-t", "tmpfs", "-o", options, "postflow-drill", folder)

    def fill(self) -> None:
        """Leave no room at all."""
        with self._ballast.open("wb", buffering=0) as ballast:
            for size in (_BLOCK, 1):
                _write_until_full(ballast.fileno(), bytes(size))

    def relieve(self) -> None:
        """Give the room back; harmless when it was not full."""
        self._ballast.unlink(missing_ok=True)

    def end(self) -> None:
        """Take the folder's file system away, with all that is in it."""
        if self.is_limited:
            self.is_limited = not (_run("umount", self.folder) or _run("umount", "-l", self.folder))


def _write_until_full(file: int, block: bytes) -> None:
    while True:
        try:
            os.write(file, block)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                return
            raise


def _run(*command: str | Path) -> bool:
    """Say whether the command exists, may be used and succeeded."""
    with suppress(OSError):
        done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own words, and no shell
        return done.returncode == 0
    return False
