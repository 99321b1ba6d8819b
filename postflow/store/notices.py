"""The outbox of notices to people: what is gathered, sent, refused, and of what nobody knows.

That a notice is going to be sent is committed before it is sent. If the process dies in between,
nobody knows whether it arrived: it is then listed as unconfirmed, and not sent again by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import Session, col, func, select

from postflow.errors import NoticeError
from postflow.store.tables import NoticeRow
from postflow.store.view_types import NoticeView, iso


class NoticeStatus(StrEnum):
    """How far a notice is."""

    WAITING = "waiting"
    """It is gathered, or is to be tried again."""
    SENDING = "sending"
    """Its sending was begun and has not ended yet."""
    SENT = "sent"
    """Its receiver has taken it."""
    FAILED = "failed"
    """Its receiver refused it too often; nobody was told."""
    UNCONFIRMED = "unconfirmed"
    """Its sending was begun and never ended; nobody knows whether it arrived."""
    DISMISSED = "dismissed"
    """A person has taken note of it."""


def gather_notice(
    session: Session,
    item: Mapping[str, Any],
    *,
    receiver: str,
    label: str,
    kind: str,
    batch_id: str | None,
    now: datetime,
    gather_for: timedelta,
) -> None:
    """Add an item to the notice that is being gathered for its batch, or begin one.

    What belongs to no batch is told at once and alone.
    """
    found = _find_open(session, receiver=receiver, kind=kind, batch_id=batch_id, now=now)
    if found is not None:
        found.items = [*found.items, dict(item)]
    else:
        session.add(
            NoticeRow(
                receiver=receiver,
                receiver_label=label,
                kind=kind,
                batch_id=batch_id,
                items=[dict(item)],
                created_at=now,
                send_at=now + gather_for if batch_id else now,
            )
        )
    session.flush()


def has_due_notices(session: Session, *, now: datetime) -> bool:
    """Whether a notice is to be sent by now."""
    return session.exec(select(NoticeRow.id).where(_due(now)).limit(1)).first() is not None


def claim_notice(session: Session, *, now: datetime) -> NoticeRow | None:
    """Take the notice that is longest due and say that its sending begins; None without one."""
    statement = (
        select(NoticeRow).where(_due(now)).order_by(col(NoticeRow.send_at), col(NoticeRow.id))
    )
    row = session.exec(statement.limit(1).with_for_update(skip_locked=True)).first()
    if row is not None:
        row.begun_at, row.send_at = now, None
        row.attempts += 1
        session.flush()
    return row


def note_notice_sent(session: Session, notice_id: int, *, now: datetime) -> None:
    """Say that the receiver has taken it, be it late."""
    row = session.get_one(NoticeRow, notice_id)
    row.sent_at, row.error, row.unconfirmed_at, row.failed_at = now, None, None, None


def note_notice_refused(
    session: Session, notice_id: int, *, error: str, send_at: datetime | None, now: datetime
) -> None:
    """Say that the receiver refused it, and when to try again; None is never."""
    row = session.get_one(NoticeRow, notice_id)
    row.begun_at, row.send_at, row.error = None, send_at, error
    row.failed_at = now if send_at is None else None


def mark_unconfirmed(session: Session, *, begun_before: datetime, now: datetime) -> int:
    """Note the notices whose sending was begun so long ago that its process must have died."""
    statement = select(NoticeRow).where(_is_left(begun_before))
    rows = list(session.exec(statement.with_for_update(skip_locked=True)))
    for row in rows:
        row.unconfirmed_at = now
    session.flush()
    return len(rows)


def has_left_notices(session: Session, *, begun_before: datetime) -> bool:
    """Whether `mark_unconfirmed` would find any."""
    statement = select(NoticeRow.id).where(_is_left(begun_before))
    return session.exec(statement.limit(1)).first() is not None


def resend_notice(session: Session, notice_id: int, *, now: datetime) -> None:
    """Let a notice that failed, or is unconfirmed, be sent again; raises NoticeError."""
    row = _load_problem(session, notice_id, "sent again")
    row.send_at, row.attempts = now, 0
    row.begun_at = row.unconfirmed_at = row.failed_at = row.error = None


def dismiss_notice(session: Session, notice_id: int, *, now: datetime) -> None:
    """Take a notice that failed, or is unconfirmed, off the list; raises NoticeError."""
    _load_problem(session, notice_id, "dismissed").dismissed_at = now


def list_notices(session: Session, *, problems: bool = False, limit: int = 100) -> list[NoticeView]:
    """Return notices, the newest first; with `problems` only what nobody may have heard of."""
    statement = select(NoticeRow)
    if problems:
        statement = statement.where(_has_problem())
    rows = session.exec(statement.order_by(col(NoticeRow.id).desc()).limit(limit))
    return [_view(row) for row in rows]


def count_notice_problems(session: Session) -> tuple[int, int]:
    """Return how many notices are unconfirmed, and how many have failed."""
    is_failed = col(NoticeRow.failed_at).is_not(None)
    statement = select(is_failed, func.count()).where(_has_problem()).group_by(is_failed)
    found = {bool(failed): count for failed, count in session.exec(statement)}
    return found.get(False, 0), found.get(True, 0)


def status_of_notice(row: NoticeRow) -> NoticeStatus:
    """Return how far the notice is."""
    cases = (
        (row.sent_at, NoticeStatus.SENT),
        (row.dismissed_at, NoticeStatus.DISMISSED),
        (row.failed_at, NoticeStatus.FAILED),
        (row.unconfirmed_at, NoticeStatus.UNCONFIRMED),
        (row.begun_at, NoticeStatus.SENDING),
    )
    return next((status for at, status in cases if at is not None), NoticeStatus.WAITING)


def _find_open(
    session: Session, *, receiver: str, kind: str, batch_id: str | None, now: datetime
) -> NoticeRow | None:
    """Return the notice of this batch that is still being gathered."""
    if batch_id is None:
        return None
    statement = select(NoticeRow).where(
        NoticeRow.receiver == receiver,
        NoticeRow.kind == kind,
        NoticeRow.batch_id == batch_id,
        NoticeRow.attempts == 0,
        col(NoticeRow.send_at) > now,
    )
    return session.exec(statement.order_by(col(NoticeRow.id).desc()).with_for_update()).first()


def _due(now: datetime) -> ColumnElement[bool]:
    return col(NoticeRow.send_at) <= now


def _is_left(begun_before: datetime) -> ColumnElement[bool]:
    return and_(
        col(NoticeRow.sent_at).is_(None),
        col(NoticeRow.unconfirmed_at).is_(None),
        col(NoticeRow.begun_at) <= begun_before,
    )


def _has_problem() -> ColumnElement[bool]:
    return and_(
        col(NoticeRow.sent_at).is_(None),
        col(NoticeRow.dismissed_at).is_(None),
        or_(col(NoticeRow.failed_at).is_not(None), col(NoticeRow.unconfirmed_at).is_not(None)),
    )


def _load_problem(session: Session, notice_id: int, done: str) -> NoticeRow:
    row = session.get(NoticeRow, notice_id)
    if row is None:
        raise NoticeError(
            f"There is no notice {notice_id}; `postflow notices` lists those that exist."
        )
    status = status_of_notice(row)
    if status not in (NoticeStatus.FAILED, NoticeStatus.UNCONFIRMED):
        raise NoticeError(
            f"The notice {notice_id} is {status}; only one that failed or is unconfirmed can be "
            f"{done}."
        )
    return row


def _view(row: NoticeRow) -> NoticeView:
    return NoticeView(
        id=row.id or 0,
        status=status_of_notice(row),
        kind=row.kind,
        receiver=row.receiver_label,
        title=row.title,
        batch_id=row.batch_id,
        upload_ids=[str(item["upload_id"]) for item in row.items],
        created_at=row.created_at.isoformat(),
        send_at=iso(row.send_at),
        begun_at=iso(row.begun_at),
        sent_at=iso(row.sent_at),
        attempts=row.attempts,
        error=row.error,
    )
