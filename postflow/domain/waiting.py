"""Whether a wait has its answer yet, the one rule that the flow and the tracker both ask; and when."""

from __future__ import annotations

from datetime import datetime, timedelta

from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus, WaitKind, WaitOutcome


def answer_wait(
    kind: WaitKind,
    *,
    status: UploadStatus,
    review: ReviewStatus,
    cancelled: bool,
    timed_out: bool,
    finish_on_rejection: bool,
    reject_on_timeout: bool = False,
    superseded: bool = False,
    held: bool = False,
    undoable: bool = False,
) -> WaitOutcome | None:
    """Return how the wait ends, or None while it goes on.

    A verdict beats a deadline that passed meanwhile: what reviewers said is worth more. What was
    said about a version that is `superseded` by a newer one is worth nothing, and an approval that
    is `held` is none yet. One that is `undoable` is none yet either, and no deadline counts meanwhile.
    """
    if cancelled:
        return WaitOutcome.CANCELLED
    if superseded:
        return WaitOutcome.SUPERSEDED
    if status is UploadStatus.FAILED:
        return WaitOutcome.FAILED
    if kind is WaitKind.READY:
        return WaitOutcome.READY if status is UploadStatus.READY else None
    if undoable:
        return None
    late = WaitOutcome.REJECTED if reject_on_timeout else WaitOutcome.TIMED_OUT
    standing = ReviewStatus.PENDING if held else review
    return _answer_review(standing, finish_on_rejection) or (late if timed_out else None)


def say_early(answer: str, *, due_at: datetime | None, waited_from: datetime) -> str | None:
    """Return the sentence about an answer that came before the run waited; None if it did not."""
    if due_at is None or due_at >= waited_from:
        return None
    return f"{answer} {_say_duration(waited_from - due_at)} before the run waited"


def _say_duration(duration: timedelta) -> str:
    """Return `0.4 s`, `14 s`, `3 min` or `5 h`."""
    if duration < timedelta(seconds=10):
        return f"{duration.total_seconds():.1f} s"
    if duration < timedelta(minutes=2):
        return f"{duration.total_seconds():.0f} s"
    if duration < timedelta(hours=2):
        return f"{duration / timedelta(minutes=1):.0f} min"
    return f"{duration / timedelta(hours=1):.0f} h"


def _answer_review(review: ReviewStatus, finish_on_rejection: bool) -> WaitOutcome | None:
    if review is ReviewStatus.APPROVED:
        return WaitOutcome.APPROVED
    if review is ReviewStatus.REJECTED and finish_on_rejection:
        return WaitOutcome.REJECTED
    return None
