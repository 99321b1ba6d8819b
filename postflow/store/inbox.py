"""The inbox: deliveries recorded once each, claimed by lease, settled or set aside.

Two deliveries with equal bodies are two rows: Frame.io sends the same bytes for different events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Update, bindparam, or_, update
from sqlalchemy.sql.dml import ReturningUpdate
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from postflow.errors import UnknownEventError
from postflow.store.bulk import insert_events
from postflow.store.columns import storable, to_utc, write_sqlite_time
from postflow.store.foreign import UNTRACKED_FILE, is_foreign, is_open
from postflow.store.tables import EventRow

SELF_TEST = "postflow.self-test"
"""The type of deliveries that PostFlow sends to itself; they are settled without any effect."""
_REOPEN_LIMIT = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One verified delivery: its bytes as they came, and what could be read of them."""

    body: bytes
    request_timestamp: str
    received_at: datetime
    event_type: str | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    project_id: str | None = None
    workspace_id: str | None = None
    account_id: str | None = None
    user_id: str | None = None
    webhook_id: str | None = None


def record_deliveries(session: Session, deliveries: Iterable[Delivery]) -> None:
    """Add one row per delivery; they count once the session commits."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    write_time = write_sqlite_time if is_sqlite else to_utc
    insert_events(session, [_values(delivery, write_time) for delivery in deliveries])


def last_received(session: Session) -> datetime | None:
    """Return when Frame.io's newest delivery arrived; None if none ever did."""
    return session.exec(select_last_received()).first()


def select_last_received() -> SelectOfScalar[datetime]:
    """Return the statement of `last_received`, to be a part of another."""
    return (
        select(EventRow.received_at)
        .where(col(EventRow.event_type).is_distinct_from(SELF_TEST))
        .order_by(col(EventRow.id).desc())
        .limit(1)
    )


def has_come(
    session: Session, *, since: datetime, through: str | None = None, besides: str | None = None
) -> bool:
    """Whether Frame.io sent an event since then, through one webhook, or by any besides one."""
    came = select(EventRow.id).where(
        col(EventRow.received_at) >= since, col(EventRow.event_type).is_distinct_from(SELF_TEST)
    )
    came = came.limit(1)
    if through is not None:
        came = came.where(EventRow.webhook_id == through)
    if besides is not None:
        came = came.where(col(EventRow.webhook_id).is_distinct_from(besides))
    return session.exec(came).first() is not None


def newest_event_id(session: Session) -> int:
    """Return the number of the newest event, 0 before the first one."""
    return session.exec(select(func.max(EventRow.id))).one() or 0


def has_resource_come(session: Session, resource_id: str, *, after: int) -> bool:
    """Whether an event about this resource came after the event of that number."""
    came = select(EventRow.id).where(col(EventRow.id) > after, EventRow.resource_id == resource_id)
    return session.exec(came.limit(1)).first() is not None


def has_unsettled(session: Session, *, now: datetime, foreign: bool | None = None) -> bool:
    """Whether there is anything to settle, or anything foreign, or anything else.

    Cheap enough to ask every moment.
    """
    return session.exec(_unsettled(foreign), params={"now": now}).first() is not None


@cache  # see _claim
def _unsettled(foreign: bool | None) -> SelectOfScalar[Any]:
    found = select(EventRow.id).where(is_open(bindparam("now"))).limit(1)
    if foreign is None:
        return found
    return found.where(is_foreign() if foreign else ~is_foreign())


def claim_events(
    session: Session, *, now: datetime, limit: int, lease: timedelta, foreign: bool = True
) -> list[EventRow]:
    """Take up to `limit` unsettled events for the time of the lease, oldest first.

    Without `foreign` those are left that `settle_foreign_events` will settle.
    """
    asked = {"now": now, "limit": limit, "until": now + lease}
    return sorted(session.scalars(_claim(foreign), asked), key=lambda row: row.id or 0)


def settle_events(
    session: Session,
    ids: Sequence[int],
    *,
    now: datetime,
    upload_id: str | None = None,
    note: str | None = None,
) -> None:
    """Mark events as dealt with; settling one again changes nothing that matters."""
    if ids:
        said = {"ids": ids, "now": now, "for_upload": upload_id, "said": note}
        session.exec(_settle(), params=said)


@cache  # see _claim
def _settle() -> Update:
    return (
        update(EventRow)
        .where(col(EventRow.id).in_(bindparam("ids", expanding=True)))
        .values(
            settled_at=bindparam("now"),
            claimed_until=None,
            upload_id=bindparam("for_upload"),
            note=bindparam("said"),
            error=None,
        )
        # Nobody goes on with rows that are settled.
        .execution_options(synchronize_session=False)
    )


def give_back_events(
    session: Session,
    ids: Sequence[int],
    *,
    error: str,
    now: datetime,
    try_again_at: datetime,
    max_attempts: int | None,
) -> None:
    """Leave events for another try, or set them aside after `max_attempts` tries with the error.

    With `max_attempts` None they are never set aside: the fault is not theirs.
    """
    open_ones = select(EventRow).where(
        col(EventRow.id).in_(ids), col(EventRow.settled_at).is_(None)
    )
    for row in session.exec(open_ones):
        row.error = error
        if max_attempts is not None and row.attempts >= max_attempts:
            row.set_aside_at = now
        row.claimed_until = try_again_at


def replay_events(session: Session, ids: Sequence[int]) -> int:
    """Make events unsettled again, so that the tracker looks at them once more; return how many.

    Raises UnknownEventError, and replays none, when one of them does not exist.
    """
    known = set(session.exec(select(EventRow.id).where(col(EventRow.id).in_(ids))))
    unknown = sorted(set(ids) - known)
    if unknown:
        named = ", ".join(str(each) for each in unknown)
        raise UnknownEventError(
            f"There is no event {named}, so none is replayed; `postflow events` lists them."
        )
    return _reopen(session, col(EventRow.id).in_(ids))


def replay_matching(
    session: Session, *, failed: bool = False, since: datetime | None = None
) -> int:
    """Make unsettled again what was set aside, or what came since then, or both; return how many.

    Events that wait to be settled anyway are left as they are.
    """
    conditions = [_is_done()]
    if failed:
        conditions.append(col(EventRow.set_aside_at).is_not(None))
    if since is not None:
        conditions.append(col(EventRow.received_at) >= since)
    return _reopen(session, *conditions)


def reopen_untracked(session: Session, *, project_id: str | None, since: datetime) -> None:
    """Make the newest event of each file that nobody tracked unsettled again.

    For a video that is registered by name after Frame.io has reported its file.
    """
    newest = (
        select(func.max(EventRow.id))
        .where(EventRow.note == UNTRACKED_FILE, col(EventRow.received_at) >= since)
        .group_by(col(EventRow.resource_id))
        .order_by(func.max(EventRow.id).desc())
        .limit(_REOPEN_LIMIT)
    )
    if project_id is not None:
        newest = newest.where(
            or_(col(EventRow.project_id) == project_id, col(EventRow.project_id).is_(None))
        )
    _reopen(session, col(EventRow.id).in_(list(session.exec(newest))))


def _reopen(session: Session, *conditions: ColumnElement[bool]) -> int:
    """Let events start anew, however long ago they were dealt with."""
    done = session.exec(
        update(EventRow)
        .where(*conditions)
        .values(settled_at=None, set_aside_at=None, claimed_until=None, attempts=0, error=None)
    )
    return int(done.rowcount)


def _is_done() -> ColumnElement[bool]:
    return or_(col(EventRow.settled_at).is_not(None), col(EventRow.set_aside_at).is_not(None))


def _values(delivery: Delivery, write_time: Callable[[datetime], object]) -> tuple[object, ...]:
    """Return a row of `postflow.store.bulk.COLUMNS`."""
    return (
        delivery.body,
        storable(delivery.request_timestamp),
        write_time(delivery.received_at),
        _storable(delivery.event_type),
        _storable(delivery.resource_type),
        _storable(delivery.resource_id),
        _storable(delivery.project_id),
        _storable(delivery.workspace_id),
        _storable(delivery.account_id),
        _storable(delivery.user_id),
        delivery.webhook_id,
        0,  # attempts
    )


def _storable(text: str | None) -> str | None:
    return None if text is None else storable(text)


@cache
def _claim(foreign: bool) -> ReturningUpdate[EventRow]:
    # Made once: it is asked for every moment, and making it costs twice as much as asking.
    ids = (
        select(EventRow.id)
        .where(is_open(bindparam("now")))
        .order_by(col(EventRow.id))
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True)
    )
    return (
        update(EventRow)
        .where(col(EventRow.id).in_(ids if foreign else ids.where(~is_foreign())))
        .values(claimed_until=bindparam("until"), attempts=EventRow.attempts + 1)
        .returning(EventRow)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
