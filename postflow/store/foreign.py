"""Events of projects with nothing under review: most of what a webhook of a whole workspace brings.

They are settled by one statement however many they are, and nobody else has to look at them: no
event of somebody else's work may cost the deliveries, or the verdicts, their time.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Update,
    and_,
    bindparam,
    case,
    exists,
    update,
)
from sqlmodel import Session, col, select

from postflow.domain.uploads import UploadStatus
from postflow.store.tables import CommentRow, EventRow, UploadRow, VersionRow

UNTRACKED_FILE = "a file that PostFlow does not track"
"""The note on events of files that nobody had registered when they were settled."""
UNTRACKED_PROJECT = "nothing of this project is under review"
DELETED_UNREAD = "the comment was deleted before it was ever read"
NO_REVIEW = "nothing to do with a review"


def settle_foreign_events(session: Session, *, now: datetime, limit: int) -> int:
    """Settle up to `limit` of them, oldest first, as reading them one by one would; return how many."""
    return session.connection().execute(_settling(), {"now": now, "limit": limit}).rowcount


@cache
def _settling() -> Update:
    # Made once: building it, and finding what it was compiled to, costs as much as running it.
    ids = (
        select(EventRow.id)
        .where(is_open(bindparam("now")), is_foreign())
        .order_by(col(EventRow.id))
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True)
    )
    return (
        update(EventRow)
        .where(col(EventRow.id).in_(ids))
        .values(settled_at=bindparam("now"), claimed_until=None, error=None, note=_NOTE)
    )


def is_open(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Whether an event is to be settled by whoever asks now."""
    return and_(
        col(EventRow.settled_at).is_(None),
        col(EventRow.set_aside_at).is_(None),
        col(EventRow.claimed_until).is_(None) | (col(EventRow.claimed_until) <= now),
    )


def is_foreign() -> ColumnElement[bool]:
    """Whether the store alone tells that an event has nothing to do with any upload.

    An upload whose project is not known may belong to any.
    """
    under_review = and_(
        col(UploadRow.status) != UploadStatus.FAILED, col(UploadRow.cancelled_at).is_(None)
    )
    return and_(
        col(EventRow.project_id).is_not(None),
        ~exists().where(col(UploadRow.project_id).is_(None), under_review),
        ~exists().where(col(UploadRow.project_id) == col(EventRow.project_id), under_review),
        ~exists().where(col(VersionRow.file_id) == col(EventRow.resource_id)),
        ~exists().where(col(CommentRow.comment_id) == col(EventRow.resource_id)),
    )


_KIND = col(EventRow.event_type)
_NOTE = case(
    (col(EventRow.resource_id).is_(None), NO_REVIEW),
    (_KIND == "comment.deleted", DELETED_UNREAD),
    (_KIND.like("comment.%") | (_KIND == "file.versioned"), UNTRACKED_PROJECT),
    (_KIND.like("file.%") | _KIND.like("metadata.%"), UNTRACKED_FILE),
    else_=NO_REVIEW,
)
