"""The databases of a drill: each can be taken away and filled while everything runs."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Protocol

from tools.drill.space import Space

_MEGABYTES = 48


class Database(Protocol):
    """A database of the drill's own."""

    url: str

    @property
    def can_be_filled(self) -> bool:
        """Whether its space is limited, so that it can run out."""

    def take_away(self) -> None:
        """Make every write fail or wait, until `give_back`."""

    def give_back(self) -> None:
        """End what `take_away` did; harmless without it."""

    def fill(self) -> None:
        """Let its space run out, until `relieve`."""

    def relieve(self) -> None:
        """Give it space again; harmless without `fill`."""

    def end(self) -> None:
        """Remove it, and whatever runs for it."""


class SqliteDatabase:
    """A file; an outsider locks it, and it lies in a folder of limited size."""

    def __init__(self, folder: Path) -> None:
        self._space = Space(folder / "store", megabytes=_MEGABYTES)
        self._path = self._space.folder / "postflow.db"
        self._lock: sqlite3.Connection | None = None
        self.url = f"sqlite:///{self._path}"

    @property
    def can_be_filled(self) -> bool:
        """Whether its folder could be limited."""
        return self._space.is_limited

    def take_away(self) -> None:
        """Hold the write lock from outside."""
        self._lock = sqlite3.connect(self._path, timeout=10, isolation_level=None)
        self._lock.execute("BEGIN EXCLUSIVE")

    def give_back(self) -> None:
        """Let the lock go."""
        if self._lock is not None:
            self._lock.rollback()
            self._lock.close()
            self._lock = None

    def fill(self) -> None:
        """Fill the folder; first the journal is emptied, in which there would still be room."""
        with closing(sqlite3.connect(self._path, timeout=5)) as connection:
            with suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._space.fill()

    def relieve(self) -> None:
        """Make room again."""
        self._space.relieve()

    def end(self) -> None:
        """Let everything go."""
        self.give_back()
        self._space.end()
