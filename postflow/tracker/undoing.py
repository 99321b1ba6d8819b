"""Taking an approval back while nothing irreversible was done, and letting it go after that."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus
from postflow.errors import DecisionError
from postflow.settings import Settings
from postflow.store.decisions import last_decision
from postflow.store.deliveries import load_delivery
from postflow.store.tables import UploadRow
from postflow.store.uploads import is_undoable, load_upload
from postflow.tracker.deciding import announce_decision, decide_by_hand, settle_consequences


def undo_approval(
    session: Session,
    upload_id: str,
    *,
    by: str,
    reason: str,
    settings: Settings,
    now: datetime,
    version: int | None = None,
) -> UploadRow:
    """Take the approval back within `review.undo_window`; the review is open again.

    Raises UnknownUploadError, and DecisionError where there is nothing to undo, or no more, or
    when `version` is not the current one.
    """
    upload = load_upload(session, upload_id, lock=True)
    if not is_undoable(upload, now=now):
        raise DecisionError(_say_why_not(session, upload, settings))
    return decide_by_hand(
        session,
        upload_id,
        verdict=ReviewStatus.PENDING,
        by=by,
        reason=reason,
        settings=settings,
        now=now,
        version=version,
    )


def release_approval(
    session: Session, upload: UploadRow, *, settings: Settings, now: datetime
) -> None:
    """Let an approval go that nobody has undone in time: whoever waits for it is woken.

    `upload` must be loaded with `lock`.
    """
    if upload.undo_until is None or now < upload.undo_until:
        return
    upload.undo_until, upload.updated_at = None, now
    decision = last_decision(session, upload.upload_id, version=upload.version)
    is_given_up = upload.cancelled_at is not None or upload.status == UploadStatus.FAILED
    if decision is not None and not is_given_up:
        own = settings.for_project(upload.project_id)
        announce_decision(session, upload, decision, is_news=True, settings=own, now=now)
    settle_consequences(session, upload, settings=settings, now=now)


def _say_why_not(session: Session, upload: UploadRow, settings: Settings) -> str:
    name = upload.upload_id
    if upload.review_status != ReviewStatus.APPROVED:
        return f"{name} is {upload.review_status}, so there is no approval to undo."
    if upload.held_since is not None:
        return f"The approval of {name} is held anyway; `postflow reject {name}` takes it back."
    delivery = load_delivery(session, upload.upload_id, upload.version)
    if delivery is not None and delivery.delivered_at is not None:
        return (
            f"{name} was delivered at {delivery.delivered_at:%Y-%m-%d %H:%M} UTC, which cannot be "
            f"undone; `postflow reject {name}` recalls the delivery."
        )
    window = settings.for_project(upload.project_id).review.undo_window
    over = (
        "the time to undo it (review.undo_window) is over"
        if window
        else "review.undo_window is 0, so approvals are acted upon at once"
    )
    return (
        f"The approval of {name} is on its way: {over}; `postflow reject {name}` may still stop it."
    )
