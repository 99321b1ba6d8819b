"""The guard: an approval right after a change request is held until a person releases it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from postflow.delivery.delivering import deliver
from postflow.domain.standing import ReviewStatus
from postflow.settings.sections import PostProcessingSettings
from postflow.store.batches import record_batch
from postflow.store.deliveries import claim_delivery
from postflow.store.uploads import load_upload
from postflow.store.versions import NewVersion, begin_version
from postflow.store.views import upload_status
from postflow.store.waits import close_wait
from tests.factories import REVIEWER, make_settings
from tests.review.conftest import Review
from tests.tracker.conftest import RUN

CHANGE = "Please remove the logo at 0:32."


def hold(review: Review) -> None:
    """Let the client ask for a change and set the Status to Approved a minute later."""
    review.say("c1", CHANGE)
    review.clock.advance(60)
    review.set_status("Approved")


def is_held(review: Review) -> bool:
    """Whether the delivery is held, as people are shown it."""
    with review.store.reading() as session:
        view = upload_status(session, "clip")
    return view is not None and view["held"] is not None


def can_deliver(review: Review) -> bool:
    """Whether a delivery may be claimed."""
    with review.store.writing() as session:
        upload = load_upload(session, "clip", lock=True)
        claim = claim_delivery(session, upload, name="clip", claimed_by="me", now=review.clock())
        return claim is not None


def test_approval_after_change_request_is_held(review: Review) -> None:
    """The Status counts as approved, but nobody is woken and nothing may be delivered."""
    wait_id = review.wait_for()
    hold(review)
    assert review.upload().review_status == "approved"
    assert is_held(review)
    assert review.wait(wait_id).due_at is None
    assert not can_deliver(review)


def test_hold_says_who_and_what_to_do(review: Review) -> None:
    """The reason names the person, the time between, and the way out."""
    hold(review)
    reason = review.upload().held_reason or ""
    assert reason.startswith("Cleo set the Status to approved 60 s after asking for a change")
    assert "approve it by hand" in reason


def test_hold_is_announced_instead_of_approval(review: Review) -> None:
    """Automations must not deliver on an approval that is held; people are told why."""
    told: list[tuple[str, str]] = []
    review.notify = lambda title, text: told.append((title, text))
    review.start()
    hold(review)
    review.tell()
    assert "held" in review.announced()
    assert "approved" not in review.announced()
    assert "clip.mp4: approved, but held" in [title for title, _ in told]


def test_decision_by_hand_releases_the_hold(review: Review) -> None:
    """Once a person approves by hand the run is woken, told and delivered as usual."""
    wait_id = review.wait_for()
    hold(review)
    review.clock.advance(5)
    review.decide(ReviewStatus.APPROVED)
    assert not is_held(review)
    assert review.announced().count("approved") == 1
    asyncio.run(review.resumer.run_once())
    assert review.flow_runs.resumed == [RUN]
    with review.store.writing() as session:
        outcome = close_wait(session, wait_id, review=review.settings.review, now=review.clock())
    assert outcome == "approved"
    assert can_deliver(review)


def test_rejection_by_hand_ends_the_hold(review: Review) -> None:
    """A person may find that the change request was meant."""
    hold(review)
    review.decide(ReviewStatus.REJECTED)
    assert (review.upload().review_status, is_held(review)) == ("rejected", False)


def test_reviewers_own_word_ends_the_hold(review: Review) -> None:
    """Whoever asked and approved says it again in words: then it was meant."""
    hold(review)
    review.clock.advance(5)
    review.say("c2", "Approved.")
    assert (review.upload().review_status, is_held(review)) == ("approved", False)
    assert review.announced().count("approved") == 1


def test_hold_survives_restarts_and_time(review: Review) -> None:
    """Neither a new process nor many looks nor days make a hold go away."""
    hold(review)
    for _ in range(5):
        review.start()
        review.clock.advance(86_400)
        review.look()
        asyncio.run(review.resumer.run_once())
    assert is_held(review)
    assert review.announced().count("held") == 1
    assert not can_deliver(review)


def test_hold_outlives_the_deleted_request(review: Review) -> None:
    """That the request is gone does not show that the approval was meant: a person says so."""
    hold(review)
    review.frameio.delete("c1")
    review.receive("comment.deleted", "c1")
    review.settle()
    assert is_held(review)


def test_approval_after_the_window_is_delivered(review: Review) -> None:
    """Eleven minutes later the Status is believed."""
    review.say("c1", CHANGE)
    review.clock.advance(660)
    review.set_status("Approved")
    assert (review.upload().review_status, is_held(review)) == ("approved", False)
    assert can_deliver(review)


def test_somebody_elses_request_holds_nothing(review: Review) -> None:
    """The Status speaks for the whole; only the same person's contradiction is in doubt."""
    review.say("c1", CHANGE, author=REVIEWER)
    review.clock.advance(60)
    review.set_status("Approved")
    assert (review.upload().review_status, is_held(review)) == ("approved", False)


def test_unknown_setter_may_be_the_same_person(review: Review) -> None:
    """Where an unknown setter is trusted, anybody's request just before is a contradiction."""
    review.start(make_settings(trust_unknown_status=True))
    review.say("c1", CHANGE, author=REVIEWER)
    review.clock.advance(60)
    review.frameio.set_status("Approved")
    review.clock.advance(600)
    review.look()
    assert (review.upload().review_status, is_held(review)) == ("approved", True)


def test_window_of_zero_holds_nothing(review: Review) -> None:
    """A house that does not want the guard can do without."""
    review.start(make_settings(guard_window=0))
    hold(review)
    assert not is_held(review)


def test_held_video_keeps_its_batch_open(review: Review) -> None:
    """A batch is not decided while a person must still release one of its videos."""
    with review.store.writing() as session:
        record_batch(session, batch_id="batch-1", upload_ids=["clip"], now=review.clock())
    review.frameio.write("c1", CHANGE)
    review.clock.advance(60)
    review.set_status("Approved")
    assert is_held(review)
    assert "batch-decided" not in review.announced()
    review.decide(ReviewStatus.APPROVED)
    assert "batch-decided" in review.announced()


def test_new_version_starts_without_a_hold(review: Review) -> None:
    """The hold was about the old version; the new round begins with nothing in the way."""
    hold(review)
    with review.store.writing() as session:
        upload = load_upload(session, "clip", lock=True)
        new = NewVersion(filename="clip_v2.mp4", file_id="file-2")
        begin_version(session, upload, new, review=review.settings.review, now=review.clock())
    assert not is_held(review)
    assert review.upload().review_status == "pending"


def test_hold_stops_a_delivery_under_way(review: Review, tmp_path: Path) -> None:
    """A delivery that was begun before shows nothing once the version is held."""
    review.say("c1", "Approved.")
    master = tmp_path / "clip.mp4"
    master.write_bytes(b"not a video")
    settings = review.settings.model_copy(
        update={"post_processing": PostProcessingSettings(output_dir=tmp_path / "delivered")}
    )

    def start(_: dict[str, object]) -> None:
        review.clock.advance(30)
        review.say("c2", CHANGE)
        review.clock.advance(30)
        review.set_status("Approved")

    def fetch(_: str, target: Path) -> tuple[str, int]:
        target.write_bytes(b"1234567")
        return "0" * 64, 7

    made = deliver(
        review.store,
        "clip",
        settings=settings,
        claimed_by="me",
        fetch=fetch,
        start=start,
        clock=review.clock,
    )
    assert made is None
    assert is_held(review)
