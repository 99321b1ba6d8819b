"""The quiet period: an approval is decided once nobody has commented for a while."""

from __future__ import annotations

import pytest

from postflow.domain.standing import ReviewStatus
from postflow.store.views import upload_status
from tests.factories import EDITOR, PROJECT, REVIEWER, make_settings
from tests.review.conftest import Review


@pytest.fixture
def quiet(review: Review) -> Review:
    """Give a review that waits for five quiet minutes."""
    review.start(make_settings(quiet_period=300))
    return review


def status(review: Review) -> str:
    """Return the review status as stored."""
    return review.upload().review_status


def test_approval_waits_for_quiet(quiet: Review) -> None:
    """The approval is seen, said and not decided until the quiet minutes have passed."""
    quiet.say("c1", "Approved.")
    assert status(quiet) == "pending"
    with quiet.store.reading() as session:
        view = upload_status(session, "clip")
    assert view is not None
    assert view["quiet_until"] == "2026-03-02T09:05:00+00:00"


def test_tracker_looks_again_when_quiet(quiet: Review) -> None:
    """No webhook is needed at the end: the tracker looks by itself, and the run is woken."""
    wait_id = quiet.wait_for()
    quiet.say("c1", "Approved.")
    quiet.clock.advance(299)
    quiet.look()
    assert status(quiet) == "pending"
    quiet.clock.advance(1)
    quiet.look()
    assert status(quiet) == "approved"
    assert quiet.upload().quiet_until is None
    assert quiet.wait(wait_id).due_at == quiet.clock()


def test_new_comment_prolongs_the_quiet(quiet: Review) -> None:
    """Whoever comments meanwhile starts the quiet period anew."""
    quiet.say("c1", "Approved.")
    quiet.clock.advance(200)
    quiet.say("c2", "Thanks everybody!", author=REVIEWER)
    quiet.clock.advance(200)
    quiet.look()
    assert status(quiet) == "pending"
    quiet.clock.advance(100)
    quiet.look()
    assert status(quiet) == "approved"


def test_editors_do_not_prolong_the_quiet(quiet: Review) -> None:
    """The editor's thanks decide nothing, and delay nothing."""
    quiet.say("c1", "Approved.")
    quiet.clock.advance(200)
    quiet.say("c2", "Thank you!", author=EDITOR)
    quiet.clock.advance(100)
    quiet.look()
    assert status(quiet) == "approved"


def test_rejection_counts_at_once(quiet: Review) -> None:
    """A rejection does not wait, and ends a quiet period that had begun."""
    quiet.say("c1", "Approved.")
    quiet.clock.advance(10)
    quiet.say("c2", "Rejected.", author=REVIEWER)
    assert status(quiet) == "rejected"
    assert quiet.upload().quiet_until is None


def test_decision_by_hand_does_not_wait(quiet: Review) -> None:
    """A person who decides by hand has looked; nothing is gained by waiting."""
    quiet.say("c1", "Nice work on the titles.")
    quiet.decide(ReviewStatus.APPROVED)
    assert status(quiet) == "approved"


def test_approved_video_stays_approved(quiet: Review) -> None:
    """Small talk after the approval takes nothing back."""
    quiet.say("c1", "Approved.")
    quiet.clock.advance(300)
    quiet.look()
    quiet.say("c2", "See you on Monday!", author=REVIEWER)
    assert status(quiet) == "approved"


def test_quiet_survives_a_restart(quiet: Review) -> None:
    """A new process goes on where the old one was."""
    quiet.say("c1", "Approved.")
    quiet.start()
    quiet.clock.advance(300)
    quiet.look()
    assert status(quiet) == "approved"


def test_deadline_passes_during_the_quiet(review: Review) -> None:
    """A review that is as good as decided does not fail for its quiet minutes."""
    review.start(make_settings(quiet_period=300, timeout=100))
    wait_id = review.wait_for()
    review.say("c1", "Approved.")
    review.clock.advance(200)
    review.resumer_turn()
    assert review.wait(wait_id).timed_out_at is None
    review.clock.advance(100)
    review.look()
    assert status(review) == "approved"


def test_project_has_its_own_rules(review: Review) -> None:
    """Approvers, quiet period and words hold in their project, and nowhere else."""
    base = make_settings(quiet_period=300)
    own = {"review": {"approvers": [REVIEWER.id], "quiet_period": 0}}
    review.start(type(base).model_validate({**dict(base), "projects": {PROJECT: own}}))
    review.say("c1", "Approved.")
    assert status(review) == "pending"
    review.say("c2", "Approved.", author=REVIEWER)
    assert status(review) == "approved"


def test_project_has_its_own_words(review: Review) -> None:
    """A house word of one project approves there."""
    own = {"analysis": {"approval_keywords": ["bongo"]}}
    settings = type(review.settings).model_validate({"projects": {PROJECT: own}})
    review.say("c1", "Bongo.")
    assert status(review) == "pending"
    review.start(settings)
    review.clock.advance(3600)
    review.look()
    assert status(review) == "approved"
