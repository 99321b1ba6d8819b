"""Changes that readings found, and whether webhooks had brought them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, bindparam, case, or_
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, func, select
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from postflow.domain.findings import ChangeKind, Finding
from postflow.store.inbox import select_last_received
from postflow.store.tables import EventRow, FindingRow, UploadRow, VersionRow

_MATCHED_FOR = timedelta(hours=1)
"""How much later than the change an event can still be about it; Frame.io tries for minutes."""


class MissedView(TypedDict):
    """What happened on one day, of one kind, and what brought it."""

    day: str
    event_type: str
    by_webhook: int
    late: int
    """Polling was first, the webhook came after it."""
    only_polling: int
    """No webhook ever came."""
    average_seconds: float | None
    """How long after the change polling saw it, at most, where polling was first."""
    longest_seconds: float | None


def note_findings(
    session: Session,
    upload: UploadRow,
    version: VersionRow,
    found: Iterable[Finding],
    *,
    events: Sequence[EventRow],
    now: datetime,
    known_at: datetime | None = None,
) -> None:
    """Add a row per change; `events` are those that caused the reading, none if the timer did.

    `known_at` is when the file was last known without them; None stands for the last reading.
    What stood there before PostFlow knew of the file is no change.
    """
    known_at = known_at or version.read_at
    for finding in found:
        at = finding.at or known_at
        if at is None or (version.read_at is None and at < version.created_at):
            continue
        own = [event for event in events if _is_about(event, finding.kind, finding.resource_id)]
        session.add(
            FindingRow(
                upload_id=upload.upload_id,
                version=version.version,
                project_id=upload.project_id,
                kind=finding.kind,
                resource_id=finding.resource_id,
                at=at,
                seen_at=now,
                day=now.astimezone(UTC).date().isoformat(),
                late_seconds=max((now - at).total_seconds(), 0.0),
                by_event=bool(events),
                event_at=min((event.received_at for event in own), default=None),
            )
        )
    session.flush()


def match_events(session: Session, events: Iterable[EventRow], *, upload_id: str) -> None:
    """Note when the events about changes arrived that a reading had found before them."""
    for event in events:
        if event.event_type is None or event.resource_id is None:
            continue
        statement = select(FindingRow).where(
            FindingRow.upload_id == upload_id, FindingRow.kind == event.event_type
        )
        if event.event_type != ChangeKind.FILE_VERSIONED:
            statement = statement.where(FindingRow.resource_id == event.resource_id)
        newest = session.exec(statement.order_by(col(FindingRow.id).desc()).limit(1)).first()
        if newest is None or newest.event_at is not None:
            continue
        if event.received_at - newest.seen_at < _MATCHED_FOR:
            newest.event_at = event.received_at
    session.flush()


class Moments(NamedTuple):
    """When something last happened, as far as it decides how soon a file is read again."""

    received_at: datetime | None
    """Frame.io's newest delivery arrived."""
    missed_at: datetime | None
    """Polling saw a change that no webhook has brought."""
    changed_at: datetime | None = None
    """A change of the upload was seen."""
    around_at: datetime | None = None
    """A change of any video of its project was seen."""


def read_moments(
    session: Session, upload: UploadRow | None = None, *, missed_before: datetime
) -> Moments:
    """Return these moments, by one statement; what was missed later may still come."""
    asked: dict[str, object] = {"missed_before": missed_before}
    if upload is not None:
        asked |= {"upload_id": upload.upload_id, "project_id": upload.project_id}
    statement = _select_moments(of_upload=upload is not None)
    return Moments(*session.connection().execute(statement, asked).one())


@cache  # made once: making it costs more than asking
def _select_moments(*, of_upload: bool) -> Select[Any]:
    newest = select(func.max(FindingRow.seen_at))
    missed = newest.where(
        ~col(FindingRow.by_event),  # written as in the partial index, or it would not serve
        col(FindingRow.event_at).is_(None),
        col(FindingRow.seen_at) < bindparam("missed_before"),
    )
    asked = [select_last_received().scalar_subquery(), missed.scalar_subquery()]
    if of_upload:
        changed = newest.where(col(FindingRow.upload_id) == bindparam("upload_id"))
        around = newest.where(col(FindingRow.project_id) == bindparam("project_id"))
        asked += [changed.scalar_subquery(), around.scalar_subquery()]
    return select_columns(*asked)


def report_findings(session: Session, *, since: datetime) -> list[MissedView]:
    """Return, per day and kind, how much came by webhook and how much polling alone found."""
    came = col(FindingRow.event_at).is_not(None)  # else the comparison is neither true nor false
    came_first = and_(came, col(FindingRow.event_at) <= col(FindingRow.seen_at))
    by_webhook = or_(col(FindingRow.by_event), came_first)
    is_late = ~by_webhook & came
    seconds = case((~by_webhook, col(FindingRow.late_seconds)))
    statement = (
        select_columns(
            col(FindingRow.day),
            col(FindingRow.kind),
            func.sum(case((by_webhook, 1), else_=0)),
            func.sum(case((is_late, 1), else_=0)),
            func.count(),
            func.avg(seconds),
            func.max(seconds),
        )
        .where(col(FindingRow.day) >= since.astimezone(UTC).date().isoformat())
        .group_by(col(FindingRow.day), col(FindingRow.kind))
        .order_by(col(FindingRow.day).desc(), col(FindingRow.kind))
    )
    return [
        MissedView(
            day=day,
            event_type=kind,
            by_webhook=webhook,
            late=late,
            only_polling=total - webhook - late,
            average_seconds=None if average is None else round(float(average), 1),
            longest_seconds=None if longest is None else round(float(longest), 1),
        )
        for day, kind, webhook, late, total, average, longest in session.connection().execute(
            statement
        )
    ]


def _is_about(event: EventRow, kind: ChangeKind, resource_id: str) -> bool:
    # The event of a new version may name the file or its stack.
    is_same = event.resource_id == resource_id or kind is ChangeKind.FILE_VERSIONED
    return is_same and event.event_type == kind
