"""Rates that all processes share: each call takes the next free moment."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from postflow.store.tables import AllowanceRow

# No queue is that long: whoever wrote it had a clock that was ahead and has been set back.
_LONGEST_QUEUE = timedelta(hours=1)


def take_turn(session: Session, name: str, *, every: timedelta, now: datetime) -> timedelta:
    """Return how long to wait before the next call of this name; each turn is given once.

    `now` counts only on SQLite, whose users share a clock; else the database's own clock does.
    """
    now = _shared_now(session, now)
    while True:
        found = session.exec(select(AllowanceRow.next_at).where(AllowanceRow.name == name)).first()
        turn = now if found is None or found > now + _LONGEST_QUEUE else max(now, found)
        if found is None:
            taken = _begin(session, AllowanceRow(name=name, next_at=turn + every))
        else:
            taken = _replace(session, name, seen=found, new=turn + every)
        if taken:
            return turn - now


def _begin(session: Session, row: AllowanceRow) -> bool:
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return False
    return True


def _replace(session: Session, name: str, *, seen: datetime, new: datetime) -> bool:
    """Write the next moment, unless another process was faster."""
    done = session.exec(
        update(AllowanceRow)
        .where(col(AllowanceRow.name) == name, col(AllowanceRow.next_at) == seen)
        .values(next_at=new)
    )
    return done.rowcount == 1


def _shared_now(session: Session, now: datetime) -> datetime:
    if session.get_bind().dialect.name != "postgresql":
        return now
    answered: datetime = session.exec(select(func.clock_timestamp())).one()
    return answered
