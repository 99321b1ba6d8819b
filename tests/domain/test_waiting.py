"""How a wait ends, from the state of its upload alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus, WaitKind, WaitOutcome
from postflow.domain.waiting import answer_wait, say_early

QUIET: dict[str, Any] = {
    "status": UploadStatus.READY,
    "review": ReviewStatus.PENDING,
    "cancelled": False,
    "timed_out": False,
    "finish_on_rejection": False,
}


def answer(kind: WaitKind = WaitKind.APPROVAL, **changed: object) -> WaitOutcome | None:
    """Return the answer in a quiet state, changed in what the test is about."""
    return answer_wait(kind, **(QUIET | changed))


def test_pending_review_goes_on() -> None:
    """Nothing decided, nothing late: the wait goes on."""
    assert answer() is None


@pytest.mark.parametrize("status", UploadStatus)
def test_readiness_is_all_that_ready_waits_for(status: UploadStatus) -> None:
    """A wait for the transcode ends with it, or with the failure of the upload."""
    expected = {
        UploadStatus.READY: WaitOutcome.READY,
        UploadStatus.FAILED: WaitOutcome.FAILED,
    }.get(status)
    assert answer(WaitKind.READY, status=status) is expected


def test_approval_ends_the_wait() -> None:
    """An approved version wakes its flow."""
    assert answer(review=ReviewStatus.APPROVED) is WaitOutcome.APPROVED


@pytest.mark.parametrize(("finish", "expected"), [(True, WaitOutcome.REJECTED), (False, None)])
def test_rejection_ends_only_on_request(finish: bool, expected: WaitOutcome | None) -> None:
    """By default a rejected flow sleeps on; with `finish` it ends."""
    assert answer(review=ReviewStatus.REJECTED, finish_on_rejection=finish) is expected


@pytest.mark.parametrize("timed_out", [False, True])
def test_undoable_approval_goes_on_waiting(timed_out: bool) -> None:
    """What can still be undone wakes nobody, and no deadline passes meanwhile."""
    assert answer(review=ReviewStatus.APPROVED, undoable=True, timed_out=timed_out) is None


def test_verdict_beats_passed_deadline() -> None:
    """What reviewers said is worth more than a deadline that passed meanwhile."""
    assert answer(review=ReviewStatus.APPROVED, timed_out=True) is WaitOutcome.APPROVED


@pytest.mark.parametrize(
    ("reject", "expected"), [(False, WaitOutcome.TIMED_OUT), (True, WaitOutcome.REJECTED)]
)
def test_silence_never_approves(reject: bool, expected: WaitOutcome) -> None:
    """A deadline that passed fails the wait or rejects, whatever the settings."""
    assert answer(timed_out=True, reject_on_timeout=reject) is expected


def test_cancelling_beats_everything() -> None:
    """A cancelled upload is not delivered, even if it was approved or failed meanwhile."""
    for changed in ({"review": ReviewStatus.APPROVED}, {"status": UploadStatus.FAILED}):
        assert answer(cancelled=True, **changed) is WaitOutcome.CANCELLED


def test_failed_upload_is_not_approved() -> None:
    """A file that is gone cannot be delivered, whatever was said about it."""
    assert answer(status=UploadStatus.FAILED, review=ReviewStatus.APPROVED) is WaitOutcome.FAILED


@pytest.mark.parametrize("kind", WaitKind)
def test_newer_version_supersedes_every_other_answer(kind: WaitKind) -> None:
    """Whatever was said about the old version, its wait ends superseded, unless cancelled."""
    approved = {"review": ReviewStatus.APPROVED, "superseded": True}
    assert answer(kind, **approved) is WaitOutcome.SUPERSEDED
    assert answer(kind, status=UploadStatus.FAILED, superseded=True) is WaitOutcome.SUPERSEDED
    assert answer(kind, cancelled=True, **approved) is WaitOutcome.CANCELLED


@pytest.mark.parametrize(
    ("seconds", "sentence"),
    [
        (0.4, "approved 0.4 s before the run waited"),
        (14, "approved 14 s before the run waited"),
        (200, "approved 3 min before the run waited"),
        (20_000, "approved 6 h before the run waited"),
        (0, None),
        (-5, None),
    ],
)
def test_early_answer_shows_as_such(seconds: float, sentence: str | None) -> None:
    """An answer from before the wait is said to be; one that came while it waited is not."""
    waited = datetime(2026, 3, 2, tzinfo=UTC)
    came = waited - timedelta(seconds=seconds)
    assert say_early("approved", due_at=came, waited_from=waited) == sentence
    assert say_early("approved", due_at=None, waited_from=waited) is None
