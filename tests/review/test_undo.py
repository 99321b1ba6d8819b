"""The undo window: an approval is not acted upon while a person may still take it back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from postflow.clock import utc_now
from postflow.dashboard.model import say_stage
from postflow.delivery.delivering import deliver
from postflow.domain.standing import ReviewStatus
from postflow.errors import DecisionError
from postflow.store.batches import record_batch
from postflow.store.database import Store
from postflow.store.deliveries import claim_delivery
from postflow.store.uploads import load_upload
from postflow.store.versions import NewVersion, begin_version
from postflow.store.views import upload_status
from postflow.store.waits import close_wait
from postflow.tracker.deciding import cancel_upload
from postflow.tracker.undoing import undo_approval
from tests.factories import REVIEWER, make_settings
from tests.review.conftest import Postflow, Review
from tests.tracker.conftest import RUN

WINDOW = 600


@pytest.fixture
def undoable(store: Store) -> Review:
    """Give a review, on each database, in which approvals can be undone for ten minutes."""
    review = Review(store)
    review.start(make_settings(undo_window=WINDOW))
    review.track()
    return review


def can_deliver(review: Review) -> bool:
    """Whether a delivery may be claimed."""
    with review.store.writing() as session:
        upload = load_upload(session, "clip", lock=True)
        claim = claim_delivery(session, upload, name="clip", claimed_by="me", now=review.clock())
        return claim is not None


def undo(review: Review, reason: str = "wrong file") -> None:
    """Let a person take the approval back."""
    with review.store.writing() as session:
        undo_approval(
            session,
            "clip",
            by="pat",
            reason=reason,
            settings=review.settings,
            now=review.clock(),
        )


def answer(review: Review, wait_id: int) -> str | None:
    """Let the flow ask for its answer."""
    with review.store.writing() as session:
        return close_wait(session, wait_id, review=review.settings.review, now=review.clock())


def test_approval_is_not_acted_upon_at_once(undoable: Review) -> None:
    """Nobody is woken, no automation is told, and nothing may be delivered."""
    wait_id = undoable.wait_for()
    undoable.say("c1", "Approved.")
    undoable.resumer_turn()
    assert undoable.upload().review_status == "approved"
    assert undoable.wait(wait_id).due_at is None
    assert undoable.flow_runs.resumed == []
    assert "approved" not in undoable.announced()
    assert not can_deliver(undoable)


def test_approval_goes_on_after_the_window(undoable: Review) -> None:
    """When nobody has undone it the run is woken, told and delivered as usual, once."""
    wait_id = undoable.wait_for()
    undoable.say("c1", "Approved.")
    undoable.clock.advance(WINDOW - 1)
    undoable.resumer_turn()
    assert undoable.flow_runs.resumed == []
    undoable.clock.advance(1)
    for _ in range(3):
        undoable.resumer_turn()
    assert undoable.flow_runs.resumed == [RUN]
    assert undoable.announced().count("approved") == 1
    assert can_deliver(undoable)
    assert answer(undoable, wait_id) == "approved"


def test_restart_within_the_window_changes_nothing(undoable: Review) -> None:
    """The window is in the store: a new process releases at the same moment."""
    wait_id = undoable.wait_for()
    undoable.say("c1", "Approved.")
    undoable.clock.advance(WINDOW / 2)
    undoable.start()
    undoable.resumer_turn()
    assert undoable.wait(wait_id).due_at is None
    undoable.clock.advance(WINDOW / 2)
    undoable.start()
    undoable.resumer_turn()
    assert undoable.wait(wait_id).due_at == undoable.clock()


def test_undo_opens_the_review_again(undoable: Review) -> None:
    """It is a decision by hand, on record with who and why, and the run sleeps on."""
    wait_id = undoable.wait_for()
    undoable.say("c1", "Approved.")
    undoable.clock.advance(60)
    undo(undoable)
    last = undoable.decisions()[-1]
    assert (last.verdict, last.source, last.who, last.reason) == (
        ("pending", "manual", "pat", "wrong file")
    )
    undoable.clock.advance(WINDOW)
    undoable.resumer_turn()
    assert undoable.upload().review_status == "pending"
    assert answer(undoable, wait_id) is None
    assert "approved" not in undoable.announced()


def test_approval_after_undo_has_its_own_window(undoable: Review) -> None:
    """Who approves again may err again."""
    undoable.say("c1", "Approved.")
    undoable.clock.advance(60)
    undo(undoable)
    undoable.clock.advance(60)
    undoable.decide(ReviewStatus.APPROVED)
    assert not can_deliver(undoable)
    undoable.clock.advance(WINDOW)
    undoable.resumer_turn()
    assert can_deliver(undoable)


def test_second_approval_prolongs_nothing(undoable: Review) -> None:
    """The window belongs to the first yes; more of them do not hold the video up."""
    undoable.say("c1", "Approved.")
    until = undoable.upload().undo_until
    undoable.clock.advance(300)
    undoable.say("c2", "Approved!", author=REVIEWER)
    assert undoable.upload().undo_until == until


def test_rejection_within_the_window_stops_it(undoable: Review) -> None:
    """A reviewer who finds something in time needs no undo."""
    undoable.say("c1", "Approved.")
    undoable.clock.advance(60)
    undoable.say("c2", "Rejected.", author=REVIEWER)
    undoable.clock.advance(WINDOW)
    undoable.resumer_turn()
    assert undoable.upload().undo_until is None
    assert not can_deliver(undoable)


def test_late_undo_is_refused(undoable: Review) -> None:
    """After the window the sentence says what still helps."""
    undoable.say("c1", "Approved.")
    undoable.clock.advance(WINDOW)
    with pytest.raises(DecisionError, match=r"is on its way: .*review\.undo_window\) is over"):
        undo(undoable)


def test_undo_of_nothing_is_refused(undoable: Review) -> None:
    """Without an approval there is nothing to take back."""
    with pytest.raises(DecisionError, match="clip is pending, so there is no approval to undo"):
        undo(undoable)


def test_undo_without_a_window_is_refused(review: Review) -> None:
    """By default approvals are acted upon at once, and the sentence names the setting."""
    review.say("c1", "Approved.")
    with pytest.raises(DecisionError, match=r"review\.undo_window is 0"):
        undo(review)


def test_undo_after_delivery_is_refused(undoable: Review, tmp_path: Path) -> None:
    """What is delivered is recalled by a rejection, not undone."""
    undoable.say("c1", "Approved.")
    undoable.clock.advance(WINDOW)
    undoable.resumer_turn()

    def fetch(_: str, target: Path) -> tuple[str, int]:
        target.write_bytes(b"1234567")
        return "0" * 64, 7

    output = undoable.settings.post_processing.model_copy(update={"output_dir": tmp_path})
    made = deliver(
        undoable.store,
        "clip",
        settings=undoable.settings.model_copy(update={"post_processing": output}),
        claimed_by="me",
        fetch=fetch,
        start=lambda _: None,
        clock=undoable.clock,
    )
    assert made is not None
    with pytest.raises(DecisionError, match="was delivered at 2026-03-02 09:10 UTC"):
        undo(undoable)


def test_deadline_waits_for_the_window(undoable: Review) -> None:
    """A video that was approved in time does not time out while it can be undone."""
    undoable.start(make_settings(undo_window=WINDOW, timeout=WINDOW))
    wait_id = undoable.wait_for()
    undoable.clock.advance(WINDOW - 10)
    undoable.say("c1", "Approved.")
    undoable.clock.advance(20)
    undoable.resumer_turn()
    assert "timed-out" not in undoable.announced()
    undoable.clock.advance(WINDOW)
    undoable.resumer_turn()
    assert answer(undoable, wait_id) == "approved"


def test_batch_stays_open_while_one_is_undoable(undoable: Review) -> None:
    """A batch is decided when nothing of it can be undone any more."""
    with undoable.store.writing() as session:
        record_batch(session, batch_id="b", upload_ids=["clip"], now=undoable.clock())
    undoable.say("c1", "Approved.")
    assert "batch-decided" not in undoable.announced()
    undoable.clock.advance(WINDOW)
    undoable.resumer_turn()
    assert undoable.announced().count("batch-decided") == 1


def test_new_version_ends_the_window(undoable: Review) -> None:
    """The window was about the old version."""
    undoable.say("c1", "Approved.")
    with undoable.store.writing() as session:
        upload = load_upload(session, "clip", lock=True)
        new = NewVersion(filename="clip_v2.mp4", file_id="file-2")
        begin_version(session, upload, new, review=undoable.settings.review, now=undoable.clock())
    assert undoable.upload().undo_until is None


def test_given_up_video_is_not_announced(undoable: Review) -> None:
    """No automation hears of an approval whose upload was cancelled within the window."""
    undoable.say("c1", "Approved.")
    with undoable.store.writing() as session:
        cancel_upload(session, "clip", settings=undoable.settings, now=undoable.clock())
    undoable.clock.advance(WINDOW)
    undoable.resumer_turn()
    assert "approved" not in undoable.announced()
    assert undoable.upload().undo_until is None


def test_people_see_until_when(undoable: Review) -> None:
    """API, scripts and dashboards say when it will be delivered."""
    undoable.say("c1", "Approved.")
    with undoable.store.reading() as session:
        view = upload_status(session, "clip")
    assert view is not None
    assert view["undo_until"] == "2026-03-02T09:10:00+00:00"
    assert say_stage(view) == "approved, delivered at 09:10 UTC unless undone"


def test_command_undoes_in_time(review: Review, postflow: Postflow) -> None:
    """`postflow undo` takes the approval back; a second time there is nothing to undo."""
    with review.store.writing() as session:
        upload = load_upload(session, "clip", lock=True)
        upload.review_status, upload.undo_until = "approved", utc_now() + timedelta(hours=1)
    assert "unless undone" in postflow("status").out
    done = postflow("undo", "clip", "--reason", "wrong file")
    assert (done.code, done.out) == (
        0,
        "The approval of clip is undone; its review is open again.\n",
    )
    again = postflow("undo", "clip")
    assert (again.code, "there is no approval to undo" in again.err) == (1, True)
    assert postflow("undo", "nothing").code == 1
