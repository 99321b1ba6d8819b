"""The databases of a drill: each can be taken away and filled while everything runs."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Protocol

from postflow.store.database import PAGE_LIMIT
from tools.drill.space import Space

_MEGABYTES = 48
_PAGES = _MEGABYTES * 256  # of 4 096 bytes, where no folder can be limited
_BALLAST = "drill_ballast"


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
    """A file; an outsider locks it, and its folder, or else the file itself, is of limited size."""

    can_be_filled = True

    def __init__(self, folder: Path) -> None:
        self._space = Space(folder / "store", megabytes=_MEGABYTES)
        self._path = self._space.folder / "postflow.db"
        self._lock: sqlite3.Connection | None = None
        limit = "" if self._space.is_limited else f"?{PAGE_LIMIT}={_PAGES}"
        self.url = f"sqlite:///{self._path}{limit}"

    def take_away(self) -> None:
        """Hold the write lock from outside."""
        self._lock = self._connect()
        self._lock.execute("BEGIN EXCLUSIVE")

    def give_back(self) -> None:
        """Let the lock go."""
        if self._lock is not None:
            self._lock.rollback()
            self._lock.close()
            self._lock = None

    def fill(self) -> None:
        """Fill folder or file; first the journal is emptied, in which there would still be room."""
        with closing(self._connect()) as connection:
            with suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            if self._space.is_limited:
                self._space.fill()
            else:
                _fill_pages(connection)

    def relieve(self) -> None:
        """Make room again."""
        self._space.relieve()
        if not self._space.is_limited and self._path.exists():
            with closing(self._connect()) as connection:
                connection.execute(f"DROP TABLE IF EXISTS {_BALLAST}")

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=10, isolation_level=None)

    def end(self) -> None:
        """Let everything go."""
        self.give_back()
        self._space.end()


def _fill_pages(connection: sqlite3.Connection) -> None:
    """Write into a table of our own until the file has as many pages as it may have."""
    connection.execute(f"PRAGMA {PAGE_LIMIT}={_PAGES}")
    connection.execute(f"CREATE TABLE IF NOT EXISTS {_BALLAST} (bytes BLOB)")
    for size in (1_000_000, 10_000, 1):
        with suppress(sqlite3.OperationalError):  # the database is full
            while True:
                connection.execute(f"INSERT INTO {_BALLAST} VALUES (zeroblob({size}))")  # noqa: S608 - our own words
