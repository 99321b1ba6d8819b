"""What the store looks like from outside: read-only, and cheap whatever the store has grown to.

A page of uploads costs the same few queries however long it is, totals are counted by the
database, and the list of who waits costs by what waits. File names and texts are other people's
words: whoever shows them must escape them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, func
from sqlalchemy import select as select_columns
from sqlmodel import Session, SQLModel, col, select

from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus
from postflow.store.notices import count_notice_problems
from postflow.store.tables import (
    DeliveryRow,
    EventRow,
    UploadRow,
    VersionRow,
    WaitRow,
)
from postflow.store.tallies import Tally, count_all
from postflow.store.timeline import timeline
from postflow.store.upload_views import view_uploads, view_wait
from postflow.store.view_types import (
    DeliveryView,
    EventView,
    HeldView,
    TimelineEntry,
    TrackingStats,
    UploadStatusView,
    VerdictView,
    WaitingView,
    WaitView,
    iso,
)

__all__ = [
    "DeliveryView",
    "EventView",
    "HeldView",
    "TimelineEntry",
    "TrackingStats",
    "UploadStatusView",
    "VerdictView",
    "WaitView",
    "WaitingView",
    "list_events",
    "list_uploads",
    "list_waiting",
    "timeline",
    "tracking_stats",
    "upload_status",
]


def upload_status(session: Session, upload_id: str) -> UploadStatusView | None:
    """Return everything about one upload, or None where there is none of this id."""
    upload = session.get(UploadRow, upload_id)
    return None if upload is None else view_uploads(session, [upload])[0]


def list_uploads(
    session: Session,
    *,
    status: UploadStatus | None = None,
    review_status: ReviewStatus | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[UploadStatusView]:
    """Return a page of uploads, the newest first."""
    statement = select(UploadRow)
    if status is not None:
        statement = statement.where(UploadRow.status == status)
    if review_status is not None:
        statement = statement.where(UploadRow.review_status == review_status)
    newest_first = (col(UploadRow.created_at).desc(), col(UploadRow.upload_id))
    page = session.exec(statement.order_by(*newest_first).limit(limit).offset(offset))
    return view_uploads(session, list(page))


def tracking_stats(session: Session) -> TrackingStats:
    """Return the totals, counted by the database."""
    uploads = _count_uploads(session)
    unsettled, set_aside = _count_open_events(session)
    unconfirmed, failed = count_notice_problems(session)
    return TrackingStats(
        total_tracked=sum(each.number for each in uploads),
        active_tracks=sum(each.active for each in uploads),
        events_processed=count_all(session, Tally.EVENTS) - unsettled - set_aside,
        comments_analyzed=count_all(session, Tally.COMMENTS),
        status_distribution=_distribute(uploads, UploadStatus),
        review_status_distribution=_distribute(uploads, ReviewStatus),
        delivered=_count_rows(session, DeliveryRow, col(DeliveryRow.delivered_at).is_not(None)),
        waiting=_count_rows(session, WaitRow, col(WaitRow.closed_at).is_(None)),
        events_unsettled=unsettled,
        events_set_aside=set_aside,
        notices_unconfirmed=unconfirmed,
        notices_failed=failed,
    )


def list_events(
    session: Session, *, failed: bool = False, upload_id: str | None = None, limit: int = 100
) -> list[EventView]:
    """Return deliveries, the newest first; with `failed` only those that were set aside."""
    statement = select(EventRow)
    if failed:
        # Both conditions, so that the index on what is open serves it.
        statement = statement.where(
            col(EventRow.settled_at).is_(None), col(EventRow.set_aside_at).is_not(None)
        )
    if upload_id is not None:
        statement = statement.where(EventRow.upload_id == upload_id)
    rows = session.exec(statement.order_by(col(EventRow.id).desc()).limit(limit))
    return [_view_event(row) for row in rows]


def last_heard(session: Session) -> tuple[datetime | None, datetime | None]:
    """Return when Frame.io was last read, and when it last sent something."""
    read_at = session.exec(select(func.max(col(VersionRow.read_at)))).one()
    newest = select(EventRow.received_at).order_by(col(EventRow.id).desc()).limit(1)
    return read_at, session.exec(newest).first()


def list_waiting(session: Session) -> list[WaitingView]:
    """Return everybody who waits, the longest first."""
    statement = (
        select_columns(
            WaitRow.__table__,  # type: ignore[attr-defined]  # SQLModel does not type it
            col(UploadRow.filename),
            col(UploadRow.status),
            col(UploadRow.review_status),
            col(VersionRow.view_url),
        )
        .join(UploadRow, col(UploadRow.upload_id) == col(WaitRow.upload_id))
        .join(
            VersionRow,
            and_(
                col(VersionRow.upload_id) == col(WaitRow.upload_id),
                col(VersionRow.version) == col(WaitRow.version),
            ),
            isouter=True,
        )
        .where(col(WaitRow.closed_at).is_(None))
        .order_by(col(WaitRow.created_at), col(WaitRow.id))
    )
    # Columns, not rows that could be changed: three objects per wait would be built for nothing.
    return [
        WaitingView(
            **view_wait(row),
            upload_id=row.upload_id,
            filename=row.filename,
            status=row.status,
            review_status=row.review_status,
            view_url=row.view_url,
        )
        for row in session.connection().execute(statement)
    ]


def _view_event(row: EventRow) -> EventView:
    return EventView(
        id=row.id or 0,
        received_at=row.received_at.isoformat(),
        event_type=row.event_type,
        resource_type=row.resource_type,
        resource_id=row.resource_id,
        project_id=row.project_id,
        upload_id=row.upload_id,
        attempts=row.attempts,
        settled_at=iso(row.settled_at),
        set_aside_at=iso(row.set_aside_at),
        error=row.error,
        note=row.note,
    )


class _Uploads(NamedTuple):
    """How many uploads are alike in both statuses, and how many of them somebody cancelled."""

    status: str
    review_status: str
    number: int
    cancelled: int

    @property
    def active(self) -> int:
        """How many of them still wait for their verdict."""
        is_over = self.status == UploadStatus.FAILED or self.review_status != ReviewStatus.PENDING
        return 0 if is_over else self.number - self.cancelled


def _count_uploads(session: Session) -> list[_Uploads]:
    """Count all uploads in one pass over one index, in its order."""
    keys = (col(UploadRow.status), col(UploadRow.review_status))
    cancelled = func.count(col(UploadRow.cancelled_at))
    found = session.exec(select(*keys, func.count(), cancelled).group_by(*keys))
    return [_Uploads(*each) for each in found]


def _distribute(
    uploads: Sequence[_Uploads], statuses: type[UploadStatus] | type[ReviewStatus]
) -> dict[str, int]:
    """Return how many uploads are in each status, zeros too."""
    counts = {status.value: 0 for status in statuses}
    for each in uploads:
        status = each.status if statuses is UploadStatus else each.review_status
        counts[status] = counts.get(status, 0) + each.number
    return counts


def _count_rows(session: Session, table: type[SQLModel], *conditions: ColumnElement[bool]) -> int:
    statement = select(func.count()).select_from(table).where(*conditions)
    return session.exec(statement).one()


def _count_open_events(session: Session) -> tuple[int, int]:
    """Return how many events are to be settled, and how many were set aside."""
    is_set_aside = col(EventRow.set_aside_at).is_not(None)
    found = {
        bool(set_aside): count
        for set_aside, count in session.exec(
            select(is_set_aside, func.count())
            .where(col(EventRow.settled_at).is_(None))
            .group_by(is_set_aside)
        )
    }
    return found.get(False, 0), found.get(True, 0)
