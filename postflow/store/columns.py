"""Column types that SQLite and PostgreSQL read back alike."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field


class Moment(TypeDecorator[datetime]):
    """A point in time, always aware and in UTC; SQLite alone would forget the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times: nobody could tell later what they meant."""
        if value is None:
            return None
        utc = to_utc(value)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back the zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def moment(*, index: bool = False, nullable: bool = True) -> Any:  # SQLModel's Field is Any too
    """Return a column for a point in time."""
    return Field(default=None, sa_type=Moment, index=index, nullable=nullable)


def to_utc(value: datetime) -> datetime:
    """Return the same moment in UTC; ValueError for a time that does not know its zone."""
    if value.tzinfo is None:
        raise ValueError(f"a stored time must know its zone, {value!r} does not")
    return value.astimezone(UTC)


def write_sqlite_time(value: datetime) -> str:
    """Write a moment as SQLAlchemy does on SQLite, for statements that go past it."""
    return to_utc(value).replace(tzinfo=None).isoformat(" ", "microseconds")


def storable(text: str) -> str:
    """Return the text without what a database refuses: NUL, and halves of surrogate pairs.

    Both can stand in valid JSON; a text that cannot be stored would block its file for ever.
    """
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
