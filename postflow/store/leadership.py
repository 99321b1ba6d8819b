"""Which of several services does what only one should do: the one that holds the lock.

PostgreSQL gives the lock back when its connection ends, however the process died. A connection
pooler that hands connections around between transactions must not stand in between.
"""

from __future__ import annotations

from contextlib import suppress
from enum import IntEnum

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from postflow.store.database import Store

# The server must notice that the leader's machine is gone, and not in its usual two hours.
_NOTICE_DEATH = (
    "SET tcp_keepalives_idle = 20",
    "SET tcp_keepalives_interval = 10",
    "SET tcp_keepalives_count = 3",
)


class Duty(IntEnum):
    """What only one service at a time does; the value is its lock, any number of ours."""

    RECONCILE = 7_606_502
    """Reading again what webhooks may not have told."""
    MEND_WEBHOOK = 7_606_503
    """Looking into the webhooks' silence."""


class Leadership:
    """A claim to lead that is asked for again and again; on SQLite there is one service, leading.

    One thread at a time may use it.
    """

    def __init__(self, store: Store, duty: Duty) -> None:
        self._duty = duty
        engine = store.engine
        self._engine = (
            create_engine(engine.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
            if engine.dialect.name == "postgresql"
            else None
        )
        self._connection: Connection | None = None

    def is_held(self) -> bool:
        """Whether this process leads now; takes the lead where it is free."""
        if self._engine is None:
            return True
        try:
            if self._connection is not None:
                self._connection.execute(text("SELECT 1"))
                return True
            return self._try_to_take()
        except SQLAlchemyError:  # without the connection the lock is gone, and perhaps the server
            self.close()
            return False

    def close(self) -> None:
        """Let another process lead."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.close()

    def _try_to_take(self) -> bool:
        assert self._engine is not None  # noqa: S101 - is_held has looked
        connection = self._engine.connect()
        taken = connection.execute(
            text("SELECT pg_try_advisory_lock(:key)"), {"key": self._duty.value}
        ).scalar_one()
        if not taken:
            connection.close()
            return False
        for statement in _NOTICE_DEATH:
            connection.execute(text(statement))
        self._connection = connection
        return True
