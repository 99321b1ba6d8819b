"""Approvals that are not acted upon at once: until it is quiet, released, or no longer undone.

A quiet period delays the decision. The guard lets the decision stand but holds the delivery:
somebody who asks for a change and minutes later sets the Status to Approved may have meant the
next version, or clicked on the wrong video.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from postflow.domain.standing import DecisionSource, Review, ReviewStatus, Statement
from postflow.settings import Settings
from postflow.settings.review import ReviewSettings
from postflow.store.announcements import Announcement, announce
from postflow.store.deliveries import is_delivered
from postflow.store.tables import RulingRow, UploadRow


def await_quiet(
    upload: UploadRow,
    review: Review,
    statements: Iterable[Statement],
    *,
    review_settings: ReviewSettings,
    now: datetime,
) -> Review:
    """Return the review as it counts now: a fresh approval waits for `review.quiet_period`.

    What was approved before stays so, and a decision by hand waits for nobody.
    """
    upload.quiet_until = None
    is_fresh = (
        review.status is ReviewStatus.APPROVED and upload.review_status != ReviewStatus.APPROVED
    )
    by_hand = review.deciding is not None and review.deciding.source is DecisionSource.MANUAL
    spoken = [s.at for s in statements if s.source is DecisionSource.COMMENTS and s.counts]
    if not is_fresh or by_hand or not spoken:
        return review
    until = max(spoken) + review_settings.quiet_period
    if until <= now:
        return review
    upload.quiet_until = until
    upload.look_at = min(upload.look_at or until, until)
    note = f"approved, if nobody says anything more: quiet until {until:%Y-%m-%d %H:%M:%S} UTC"
    return Review(status=ReviewStatus.PENDING, standings=review.standings, note=note)


def guard_delivery(
    session: Session,
    upload: UploadRow,
    review: Review,
    statements: Sequence[Statement],
    *,
    settings: Settings,
    now: datetime,
) -> None:
    """Hold the delivery where the guard wants it, and let it go where a person has spoken since.

    A hold ends with the approval it is about: by a decision by hand, a word of the reviewer's
    own, or another change of the Status. It does not end because time passes.
    """
    ruling = review.deciding
    if (
        ruling is None
        or review.status is not ReviewStatus.APPROVED
        or ruling.source is not DecisionSource.STATUS_FIELD
    ):
        upload.held_since = upload.held_reason = None
        return
    if upload.held_since is not None and ruling.at <= upload.held_since:
        return
    upload.held_since = upload.held_reason = None
    is_setter_known = _is_setter_known(session, ruling)
    request = _find_request(
        ruling if is_setter_known else None,
        statements,
        until=ruling.at,
        window=_window(settings, is_setter_known=is_setter_known),
    )
    if request is None or is_delivered(session, upload):
        return
    upload.held_since = now
    upload.held_reason = (
        f"{ruling.display_name} set the Status to approved "
        f"{_say_gap(ruling.at - request.at)} after asking for a change; "
        "approve it by hand to release it, or reject it"
    )
    told = {
        "reason": upload.held_reason,
        "comment_id": request.comment_id,
        "setter": ruling.display_name,
        "gap_seconds": round((ruling.at - request.at).total_seconds()),
    }
    announce(session, Announcement.HELD, upload, now=now, cause=ruling.key, payload=told)


def hold_for_undo(
    session: Session,
    upload: UploadRow,
    *,
    is_fresh: bool,
    review_settings: ReviewSettings,
    now: datetime,
) -> None:
    """Leave people `review.undo_window` to take a fresh approval back before it is acted upon."""
    if upload.review_status != ReviewStatus.APPROVED or upload.held_since is not None:
        upload.undo_until = None
        return
    window = review_settings.undo_window
    if is_fresh and window and not is_delivered(session, upload):
        upload.undo_until = now + window


def _find_request(
    setter: Statement | None,
    statements: Iterable[Statement],
    *,
    until: datetime,
    window: timedelta,
) -> Statement | None:
    """Return the last change that the setter, or if unknown anybody, asked for in the window."""
    requests = [
        each
        for each in statements
        if each.source is DecisionSource.COMMENTS
        and each.said is ReviewStatus.REJECTED
        and (setter is None or each.who == setter.who)
        and timedelta(0) <= until - each.at <= window
    ]
    return max(requests, key=lambda each: each.at, default=None)


def _window(settings: Settings, *, is_setter_known: bool) -> timedelta:
    """Return the guard's window; a Status without a known setter is dated by the reading alone."""
    window = settings.review.guard_window
    return window if is_setter_known or not window else window + settings.tracker.poll_every


def _is_setter_known(session: Session, ruling: Statement) -> bool:
    row = session.get(RulingRow, int(ruling.key.partition(":")[2]))
    return row is not None and row.known


def _say_gap(gap: timedelta) -> str:
    seconds = round(gap.total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"  # noqa: PLR2004 - said in minutes from two on
