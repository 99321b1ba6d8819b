"""New rows of `events` by the hundred: as few calls of the driver as there can be.

Every call of a driver gives other threads their turn, and its own may come late: a call per row
costs a busy service more than the rows do. SQLite takes many rows in one statement, PostgreSQL
copies them. Knows no delivery; the values come as the columns below say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

COLUMNS = (
    *("body", "request_timestamp", "received_at", "event_type", "resource_type", "resource_id"),
    *("project_id", "workspace_id", "account_id", "user_id", "webhook_id", "attempts"),
)
_TOGETHER = (64, 16, 4, 1)  # rows of one statement: few sizes, each prepared once


def insert_events(session: Session, rows: Sequence[tuple[object, ...]]) -> None:
    """Add one row per tuple, in this order; they count once the session commits."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        for part in _divide(rows):
            connection.exec_driver_sql(_insert(len(part)), tuple(chain.from_iterable(part)))
    elif rows:
        _copy(connection, rows)


def _divide(rows: Sequence[tuple[object, ...]]) -> Iterator[Sequence[tuple[object, ...]]]:
    start = 0
    for size in _TOGETHER:
        while start + size <= len(rows):
            yield rows[start : start + size]
            start += size


@lru_cache(maxsize=len(_TOGETHER))
def _insert(count: int) -> str:
    row = f"({', '.join('?' * len(COLUMNS))})"
    return f"INSERT INTO events ({', '.join(COLUMNS)}) VALUES {', '.join([row] * count)}"  # noqa: S608 - our own names


def _copy(connection: Connection, rows: Sequence[tuple[object, ...]]) -> None:
    statement = f"COPY events ({', '.join(COLUMNS)}) FROM STDIN"
    driver = connection.dialect.loaded_dbapi
    psycopg: Any = connection.connection.driver_connection
    try:
        with psycopg.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except driver.Error as error:  # as SQLAlchemy does with what its own statements meet
        raise DBAPIError.instance(
            statement, None, error, driver.Error, hide_parameters=True, dialect=connection.dialect
        ) from error
