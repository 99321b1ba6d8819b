"""Waits: the ledger of who sleeps, whose answer is there, and which flow took it."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import WaitKind
from postflow.settings.sections import ReviewSettings
from postflow.store.database import Store
from postflow.store.tables import WaitRow
from postflow.store.uploads import load_upload
from postflow.store.waits import (
    abandon_waits,
    close_wait,
    list_due_waits,
    list_uploads_with_expired_waits,
    mark_due_waits,
    open_wait,
)
from tests.factories import NOW, after, make_upload
from tests.store.test_database import run_together

REVIEW = ReviewSettings()


@pytest.fixture(autouse=True)
def tracked(store: Store) -> None:
    """Track one upload."""
    with store.writing() as session:
        make_upload(session)


def open_one(store: Store, *, t: float = 0, run: str = "run-1") -> int:
    """Open the run's wait for approval at a moment; return its id."""
    with store.writing() as session:
        wait = open_wait(
            session,
            upload=load_upload(session, "clip"),
            kind=WaitKind.APPROVAL,
            flow_run_id=run,
            now=after(t),
            timeout=timedelta(hours=1),
        )
        return wait.id or 0


def review(store: Store, status: ReviewStatus) -> None:
    """Let the review have this status, and mark whoever is owed an answer."""
    with store.writing() as session:
        upload = load_upload(session, "clip", lock=True)
        upload.review_status = status
        mark_due_waits(session, upload, review=REVIEW, now=NOW)


def due(store: Store, *, t: float = 0) -> list[str]:
    """Return the runs that are owed a wake-up at a moment."""
    with store.reading() as session:
        return [wait.flow_run_id for wait, _ in list_due_waits(session, now=after(t), tried=False)]


def close(store: Store, wait_id: int) -> str | None:
    """Let the flow take its answer."""
    with store.writing() as session:
        return close_wait(session, wait_id, review=REVIEW, now=NOW)


def test_opening_twice_gives_one_wait(store: Store) -> None:
    """A resumed run finds its wait again, with the deadline of the first time."""
    first = open_one(store)
    assert open_one(store, t=600) == first
    with store.reading() as session:
        assert session.get_one(WaitRow, first).deadline == after(3600)


def test_answer_marks_waits_due(store: Store) -> None:
    """Every run that waits for the upload is owed a wake-up once the answer is there."""
    for run in ("run-1", "run-2"):
        open_one(store, run=run)
    assert due(store) == []
    review(store, ReviewStatus.APPROVED)
    assert due(store) == ["run-1", "run-2"]


def test_withdrawal_makes_waits_undue(store: Store) -> None:
    """A verdict that is withdrawn before the flow took it wakes nobody."""
    wait_id = open_one(store)
    review(store, ReviewStatus.APPROVED)
    review(store, ReviewStatus.PENDING)
    assert due(store) == []
    assert close(store, wait_id) is None


def test_closing_is_repeatable(store: Store) -> None:
    """A flow that was killed after closing its wait gets the same answer again."""
    wait_id = open_one(store)
    review(store, ReviewStatus.APPROVED)
    assert close(store, wait_id) == "approved"
    review(store, ReviewStatus.PENDING)
    assert close(store, wait_id) == "approved"
    assert due(store) == []


def test_answer_is_checked_when_closing(store: Store) -> None:
    """A wake-up proves nothing: without an answer the wait stays open."""
    wait_id = open_one(store)
    assert close(store, wait_id) is None
    with store.reading() as session:
        assert session.get_one(WaitRow, wait_id).closed_at is None


def test_new_wait_follows_a_closed_one(store: Store) -> None:
    """After a round is over the same run may wait again, in a wait of its own."""
    first = open_one(store)
    review(store, ReviewStatus.APPROVED)
    close(store, first)
    assert open_one(store) != first


def test_abandoned_waits_are_returned(store: Store) -> None:
    """What a dead run leaves behind is closed with a note, once."""
    open_one(store)

    def abandon() -> list[WaitRow]:
        with store.writing() as session:
            return abandon_waits(session, "run-1", note="gone", now=NOW)

    (wait,) = abandon()
    assert (wait.outcome, wait.last_answer) == ("cancelled", "gone")
    assert abandon() == []


def test_answered_waits_do_not_expire(store: Store) -> None:
    """Only a wait without an answer can be late."""
    open_one(store)

    def late() -> int:
        with store.reading() as session:
            return len(list_uploads_with_expired_waits(session, now=after(3600)))

    assert late() == 1
    review(store, ReviewStatus.APPROVED)
    assert late() == 0


def test_verdict_beside_opening_is_never_missed(store: Store) -> None:
    """However a verdict and a new wait cross, the flow sees the one or is marked by the other."""
    for number in range(10):
        review(store, ReviewStatus.PENDING)
        start = threading.Barrier(2)
        seen: list[str] = []
        run = f"crossing-{number}"

        def wait_and_look() -> None:
            start.wait(timeout=10)  # noqa: B023 - run before the loop goes on
            wait_id = open_one(store, run=run)  # noqa: B023 - the same
            if close(store, wait_id) is not None:
                seen.append("by itself")  # noqa: B023 - the same

        def decide() -> None:
            start.wait(timeout=10)  # noqa: B023 - the same
            review(store, ReviewStatus.APPROVED)

        run_together(wait_and_look, decide)
        assert seen or run in due(store)
