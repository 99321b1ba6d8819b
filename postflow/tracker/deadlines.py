"""What happens when nobody decides: reminders, escalation, and what silence means in the end.

By the tracker's clock, from the commit of the wait, or for a video that no flow run waits for from
when it became ready. All of it is in the store: a restart forgets nothing and repeats nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from postflow.domain.silence import Patience, SilencePlan, plan_silence
from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus, WaitKind
from postflow.settings import Settings
from postflow.settings.review import ReviewSettings, TimeoutPolicy
from postflow.store.announcements import Announcement, announce
from postflow.store.flow_runs import last_attempt
from postflow.store.review_deadlines import disarm_deadline, find_deadline, list_upload_deadlines
from postflow.store.tables import ReviewDeadlineRow, UploadRow, WaitRow
from postflow.store.uploads import fail_upload, load_upload, load_version
from postflow.store.waits import is_awaited, list_expired_waits_of, read_answer
from postflow.tracker.deciding import decide_by_silence, settle_consequences
from postflow.tracker.silence import is_silence, may_ask_frameio
from postflow.tracker.undoing import release_approval

_QUIET_GRACE = timedelta(minutes=10)
"""How long the look at the end of a quiet period may take before a deadline counts again."""
_ASK_AGAIN = timedelta(seconds=10)


def apply_deadlines(session: Session, upload_id: str, *, settings: Settings, now: datetime) -> None:
    """Let pass what is late of this upload; the same again does nothing.

    A wait that has its answer does not time out any more.
    """
    upload = load_upload(session, upload_id, lock=True)
    release_approval(session, upload, settings=settings, now=now)
    if upload.undo_until is not None:
        return  # it was decided in time, unless a person takes that back
    if upload.quiet_until is not None and now < upload.quiet_until + _QUIET_GRACE:
        return  # it is as good as decided, unless somebody says more
    for wait in list_expired_waits_of(session, upload_id, now=now):
        _expire(session, wait, upload, settings=settings, now=now)
    for row in list_upload_deadlines(session, upload_id, now=now):
        _note_silence(session, row, upload, settings=settings, now=now)


def _expire(
    session: Session, wait: WaitRow, upload: UploadRow, *, settings: Settings, now: datetime
) -> None:
    own = settings.for_project(upload.project_id)
    if read_answer(wait, upload, own.review) is None:
        if wait.kind == WaitKind.READY:
            wait.timed_out_at = now
            _fail_unready(session, wait, upload, review=own.review, now=now)
        elif not _time_out(session, upload, wait=wait, settings=settings, now=now):
            return
    settle_consequences(session, upload, settings=settings, now=now)


def _fail_unready(
    session: Session, wait: WaitRow, upload: UploadRow, *, review: ReviewSettings, now: datetime
) -> None:
    minutes = round(review.ready_timeout.total_seconds() / 60)
    reason = (
        f"{upload.filename} was not ready on Frame.io after {minutes} minutes; "
        "look at it there, and run it again."
    )
    fail_upload(upload, reason=reason, now=now)
    told = {"reason": reason, "cause": "not-ready", "minutes": minutes}
    announce(session, Announcement.FAILED, upload, now=now, cause=str(wait.id), payload=told)


def _time_out(
    session: Session,
    upload: UploadRow,
    *,
    wait: WaitRow | None = None,
    settings: Settings,
    now: datetime,
) -> bool:
    """End the review as `review.on_timeout` says; False when Frame.io must be asked first."""
    review = settings.for_project(upload.project_id).review
    row = find_deadline(session, upload)
    since = wait.created_at if wait else row.started_at if row else now
    until = wait.deadline or now if wait else since + (review.timeout or timedelta(0))
    policy = review.on_timeout
    if policy is TimeoutPolicy.APPROVE:
        if may_ask_frameio(session, upload, since=until, now=now):
            return False
        if not is_silence(session, upload, settings=settings):
            policy = TimeoutPolicy.FAIL
    told = {"policy": policy, "waited_seconds": round((until - since).total_seconds())}
    cause = str(wait.id) if wait else f"since {since.isoformat()}"
    announce(session, Announcement.TIMED_OUT, upload, now=now, cause=cause, payload=told)
    if wait is not None and policy is TimeoutPolicy.APPROVE:
        wait.deadline = None  # if a person takes the approval back, the run waits on
    elif wait is not None:
        wait.timed_out_at = now
    if row is not None:
        row.timed_out_at = row.timed_out_at or now
    if policy is not TimeoutPolicy.KEEP_WAITING:
        disarm_deadline(session, upload, now=now)
    verdict = _VERDICTS.get(policy)
    if verdict is not None and upload.review_status == ReviewStatus.PENDING:
        decide_by_silence(session, upload, verdict=verdict, at=until, settings=settings, now=now)
    return True


_VERDICTS = {
    TimeoutPolicy.APPROVE: ReviewStatus.APPROVED,
    TimeoutPolicy.REJECT: ReviewStatus.REJECTED,
}


def _note_silence(
    session: Session,
    row: ReviewDeadlineRow,
    upload: UploadRow,
    *,
    settings: Settings,
    now: datetime,
) -> None:
    """Remind, escalate, and let a review time out that no flow run waits for."""
    if not _is_open(session, row, upload):
        row.ended_at, row.next_at = now, None
        return
    review = settings.for_project(upload.project_id).review
    plan = plan_silence(
        _patience(review),
        waited=now - row.started_at,
        is_escalated=row.escalated_at is not None,
        is_timed_out=row.timed_out_at is not None,
    )
    row.next_at = row.started_at + plan.next_after if plan.next_after is not None else None
    # A flow run's wait has its own deadline, which people can see.
    if plan.time_out and not is_awaited(session, upload):
        if not _time_out(session, upload, settings=settings, now=now):
            row.next_at = now + _ASK_AGAIN
            return
        settle_consequences(session, upload, settings=settings, now=now)
        if row.ended_at is not None:
            return
    _tell_of_silence(session, row, upload, plan, review=review, now=now)


def _tell_of_silence(
    session: Session,
    row: ReviewDeadlineRow,
    upload: UploadRow,
    plan: SilencePlan,
    *,
    review: ReviewSettings,
    now: datetime,
) -> None:
    if plan.reminders_passed <= row.reminded and not plan.escalate:
        return
    until = row.started_at + review.timeout if review.timeout else None
    told = {
        "since": row.started_at.isoformat(),
        "waited_seconds": round((now - row.started_at).total_seconds()),
        "deadline": until.isoformat() if until else None,
        "view_url": load_version(session, upload).view_url,
    }
    cause = row.started_at.isoformat()
    if plan.reminders_passed > row.reminded:
        row.reminded = plan.reminders_passed
        told |= {"number": row.reminded, "of": len(review.remind_after)}
        which = f"{cause}:{row.reminded}"
        announce(session, Announcement.REMINDER, upload, now=now, cause=which, payload=told)
    if plan.escalate:
        row.escalated_at = now
        announce(session, Announcement.ESCALATED, upload, now=now, cause=cause, payload=told)


def _is_open(session: Session, row: ReviewDeadlineRow, upload: UploadRow) -> bool:
    """Whether somebody still waits for reviewers who have not decided."""
    if (
        row.version != upload.version
        or upload.review_status != ReviewStatus.PENDING
        or upload.status == UploadStatus.FAILED
        or upload.cancelled_at is not None
    ):
        return False
    if is_awaited(session, upload):
        return True
    return last_attempt(session, upload.upload_id, upload.version) is None


def _patience(review: ReviewSettings) -> Patience:
    return Patience(
        remind_after=review.remind_after,
        escalate_after=review.escalate_after,
        timeout=review.timeout,
    )
