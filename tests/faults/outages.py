"""A PostgreSQL database that is stopped and started while programs use it."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url


class StoppedDatabase:
    """A database without a connection, that takes no new one either until it is started."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self._name = parsed.database
        server = parsed.set(database="postgres")
        self._engine = create_engine(server, isolation_level="AUTOCOMMIT")

    def __enter__(self) -> Self:
        """Stop it."""
        self._allow("false")
        with self._engine.connect() as connection:
            end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
            connection.execute(text(end), {"name": self._name})
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Start it, whatever happened."""
        self.start()
        self._engine.dispose()

    def start(self) -> None:
        """Let connections in again."""
        self._allow("true")

    def _allow(self, value: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS {value}"))
