"""From what is stored about a version to its review status, and to everything that follows.

The only place that changes a review status. All of it happens in the caller's transaction: the
decision, the due marks of those who wait for it and the announcements are there together or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from postflow.domain.comments import ANALYSER_VERSION
from postflow.domain.standing import DecisionSource, Review, ReviewStatus, decide_review
from postflow.errors import DecisionError
from postflow.settings import Settings
from postflow.store.announcements import Announcement, announce
from postflow.store.batches import announce_decided_batches
from postflow.store.change_lists import list_changes, list_remarks
from postflow.store.comments import load_comments
from postflow.store.decisions import (
    append_decision,
    last_decision,
    load_rulings,
    was_ever_decided,
)
from postflow.store.deliveries import recall_delivery
from postflow.store.own_users import load_rules
from postflow.store.review_deadlines import arm_deadline, disarm_deadline, find_deadline
from postflow.store.tables import CommentRow, DecisionRow, RulingRow, UploadRow
from postflow.store.uploads import load_upload, load_version
from postflow.store.waits import mark_due_waits
from postflow.tracker.holding import await_quiet, guard_delivery, hold_for_undo
from postflow.tracker.statements import make_statements


def redecide(
    session: Session,
    upload: UploadRow,
    *,
    settings: Settings,
    now: datetime,
    comments: Sequence[CommentRow] | None = None,
) -> Review:
    """Bring review status, decisions, due waits and announcements up to what is stored.

    `comments` are those of the current version (`load_comments`), where the caller has them.
    """
    own = settings.for_project(upload.project_id)
    version = load_version(session, upload)
    if comments is None:
        comments = load_comments(session, upload.upload_id, upload.version)
    with session.no_autoflush:  # what it changes of the upload is written once, with the decision
        rulings = load_rulings(session, upload.upload_id, upload.version)
        statements = make_statements(session, version, own, comments=comments, rulings=rulings)
        review = decide_review(statements, quorum=own.review.quorum)
        review = await_quiet(upload, review, statements, review_settings=own.review, now=now)
        was_held = upload.held_since is not None
        guard_delivery(session, upload, review, statements, settings=own, now=now)
        is_moved = upload.review_status != review.status
        is_news = is_moved or (was_held and upload.held_since is None)
        if is_moved:
            upload.review_status, upload.updated_at = review.status, now
        hold_for_undo(session, upload, is_fresh=is_news, review_settings=own.review, now=now)
        decision = append_decision(
            session, upload, review, analyser_version=ANALYSER_VERSION, now=now
        )
    if is_moved:
        _count_silence(session, upload, now=now)
    if decision is not None:
        announce_decision(
            session, upload, decision, is_news=is_news, settings=own, now=now, comments=comments
        )
    if was_ever_decided(upload) and review.status is not ReviewStatus.APPROVED:
        newest = last_decision(session, upload.upload_id, version=upload.version)
        told = _tell(newest) if newest else {}
        recall_delivery(session, upload, told=told, now=now)
    settle_consequences(session, upload, settings=settings, now=now)
    return review


def _count_silence(session: Session, upload: UploadRow, *, now: datetime) -> None:
    """Remind nobody of a version that is decided, and begin anew where a decision is withdrawn."""
    if upload.review_status != ReviewStatus.PENDING:
        disarm_deadline(session, upload, now=now)
    elif find_deadline(session, upload) is not None:
        arm_deadline(session, upload, now=now)


def settle_consequences(
    session: Session, upload: UploadRow, *, settings: Settings, now: datetime
) -> None:
    """Mark due whoever waits for this upload, and close the batches it was the last one of."""
    own = settings.for_project(upload.project_id)
    mark_due_waits(session, upload, review=own.review, now=now)
    announce_decided_batches(session, upload, now=now)


def decide_by_hand(
    session: Session,
    upload_id: str,
    *,
    verdict: ReviewStatus,
    by: str,
    reason: str,
    settings: Settings,
    now: datetime,
    version: int | None = None,
) -> UploadRow:
    """Let a person decide about the current version; `pending` reopens the review.

    Raises UnknownUploadError, and DecisionError when `version` is not the current one.
    """
    upload = load_upload(session, upload_id, lock=True)
    if version is not None and version != upload.version:
        raise DecisionError(
            f"{upload_id} is at version {upload.version}, the decision is about version "
            f"{version}; look at the current version and decide again."
        )
    session.add(
        RulingRow(
            upload_id=upload_id,
            version=upload.version,
            source=DecisionSource.MANUAL,
            value=verdict,
            person_name=by,
            reason=reason,
            at=now,
            seen_at=now,
        )
    )
    session.flush()
    redecide(session, upload, settings=settings, now=now)
    return upload


def decide_by_silence(
    session: Session,
    upload: UploadRow,
    *,
    verdict: ReviewStatus,
    at: datetime,
    settings: Settings,
    now: datetime,
) -> None:
    """Let the silence that lasted until `at` decide, because `review.on_timeout` says so.

    Whoever speaks after `at` replaces it. `upload` must be loaded with `lock`.
    """
    policy = settings.for_project(upload.project_id).review.on_timeout
    session.add(
        RulingRow(
            upload_id=upload.upload_id,
            version=upload.version,
            source=DecisionSource.SILENCE,
            value=verdict,
            person_name="nobody",
            reason=f"silence until {at:%Y-%m-%d %H:%M} UTC, and review.on_timeout is {policy}",
            at=at,
            seen_at=now,
        )
    )
    session.flush()
    redecide(session, upload, settings=settings, now=now)


def cancel_upload(
    session: Session, upload_id: str, *, settings: Settings, now: datetime
) -> UploadRow:
    """Give the upload up: whoever waits for it is told, nothing is delivered any more."""
    upload = load_upload(session, upload_id, lock=True)
    if upload.cancelled_at is None:
        upload.cancelled_at = upload.updated_at = now
        upload.look_at = None
    settle_consequences(session, upload, settings=settings, now=now)
    return upload


def announce_decision(
    session: Session,
    upload: UploadRow,
    decision: DecisionRow,
    *,
    is_news: bool,
    settings: Settings,
    now: datetime,
    comments: Sequence[CommentRow] | None = None,
) -> None:
    """Tell of a decision what is to be told of it now; `settings` are those of the project.

    `comments` are those of the version, where the caller has them.
    """
    told, cause = _tell(decision), decision.hash
    # A second yes is no second approval: whoever delivers on the event would deliver again.
    is_for_good = upload.held_since is None and upload.undo_until is None
    if decision.verdict == ReviewStatus.APPROVED and is_news and is_for_good:
        rules = load_rules(session, settings.review)
        told |= {"remarks": list_remarks(session, upload, rules, comments=comments)}
        announce(session, Announcement.APPROVED, upload, now=now, cause=cause, payload=told)
    # A further no only makes the published change list longer.
    if decision.verdict == ReviewStatus.REJECTED:
        rules = load_rules(session, settings.review)
        told |= {
            "changes": list_changes(session, upload, rules, comments=comments),
            "is_update": not is_news,
        }
        announce(session, Announcement.REJECTED, upload, now=now, cause=cause, payload=told)


def _tell(decision: DecisionRow) -> dict[str, object]:
    return {
        "verdict": decision.verdict,
        "source": decision.source,
        "who": decision.who,
        "reason": decision.reason,
        "comment_id": decision.comment_id,
        "comment": decision.comment_text,
        "score": decision.score,
    }
