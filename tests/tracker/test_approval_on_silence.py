"""Approving on silence: only by name, only where nobody objected, and only after a look."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from postflow.domain.standing import ReviewStatus
from postflow.errors import FrameioUnavailableError
from postflow.settings import Settings
from postflow.settings.advice import list_warnings
from postflow.store.waits import close_wait
from tests.factories import EDITOR, REVIEWER, make_settings
from tests.tracker.conftest import RUN, Scene

HOUR = 3_600
SILENT = make_settings(timeout=HOUR, on_timeout="approve", editors=["@studio.example"])


@pytest.fixture
def silent(scene: Scene) -> Scene:
    """Give a scene in which a person has configured that silence approves."""
    scene.start(SILENT)
    scene.track()
    return scene


def let_pass(scene: Scene, seconds: float = HOUR) -> None:
    """Let time pass, with the tracker looking at what is due before and after the deadline."""
    scene.clock.advance(seconds)
    for _ in range(2):
        asyncio.run(scene.resumer.run_once())
        asyncio.run(scene.settler.look_at_due())
    asyncio.run(scene.resumer.run_once())


def close(scene: Scene, wait_id: int) -> str | None:
    """Let the flow ask for its answer."""
    with scene.store.writing() as session:
        return close_wait(session, wait_id, review=scene.settings.review, now=scene.clock())


def test_silence_approves_where_configured(silent: Scene) -> None:
    """Nobody has said anything until the deadline: the run is woken with an approval."""
    wait_id = silent.wait_for()
    let_pass(silent, HOUR - 1)
    assert silent.upload().review_status == "pending"
    let_pass(silent, 1)
    let_pass(silent, 60)  # a look that is due so soon anyway is waited for
    assert silent.upload().review_status == "approved"
    assert silent.flow_runs.resumed == [RUN]
    assert close(silent, wait_id) == "approved"


def test_decision_says_that_it_was_silence(silent: Scene) -> None:
    """The chain of decisions names no person, and the setting that made it."""
    silent.wait_for()
    let_pass(silent)
    (decision,) = silent.decisions()
    assert (decision.verdict, decision.source, decision.who) == ("approved", "silence", "nobody")
    assert decision.reason == (
        "silence until 2026-03-02 10:00 UTC, and review.on_timeout is approve"
    )


@pytest.mark.parametrize("text", ["Rejected.", "Which font is that?", "Please brighten the sky."])
def test_any_other_word_is_no_silence(silent: Scene, text: str) -> None:
    """An objection, and a question too, makes the deadline end as `fail`."""
    wait_id = silent.wait_for()
    silent.frameio.write("c1", text, author=REVIEWER)
    let_pass(silent)
    assert silent.upload().review_status != "approved"
    assert close(silent, wait_id) == "timed_out"


def test_editors_remarks_do_not_break_silence(silent: Scene) -> None:
    """Those who made the video never decide, and do not object either."""
    silent.wait_for()
    silent.frameio.write("c1", "First half is new.", author=EDITOR)
    let_pass(silent)
    assert silent.upload().review_status == "approved"


def test_reopened_review_is_not_approved_by_silence(silent: Scene) -> None:
    """A person who reopened a review wants somebody to decide."""
    wait_id = silent.wait_for()
    silent.decide(ReviewStatus.PENDING)
    let_pass(silent)
    assert silent.upload().review_status == "pending"
    assert close(silent, wait_id) == "timed_out"


def test_unread_frameio_is_no_silence(silent: Scene) -> None:
    """While Frame.io cannot be read nobody knows what was said: nothing is approved."""
    silent.wait_for()
    silent.frameio.write("c1", "Rejected.", author=REVIEWER)
    silent.frameio.failure = FrameioUnavailableError("Frame.io is away")
    for _ in range(4):
        let_pass(silent)
    assert silent.upload().review_status == "pending"
    assert silent.announced() == []
    silent.frameio.failure = None
    let_pass(silent)
    assert silent.upload().review_status == "rejected"


def test_late_objection_recalls_the_silence(silent: Scene) -> None:
    """Whoever speaks after the deadline is believed more than silence."""
    silent.wait_for()
    let_pass(silent)
    silent.frameio.write("c1", "Rejected.", author=REVIEWER)
    asyncio.run(silent.settler.look_at("file-1"))
    assert silent.upload().review_status == "rejected"


def test_approval_taken_back_is_not_repeated(silent: Scene) -> None:
    """When a person reopens what silence approved, the run waits on for people."""
    wait_id = silent.wait_for()
    let_pass(silent)
    silent.decide(ReviewStatus.PENDING)
    let_pass(silent, 10 * HOUR)
    assert silent.upload().review_status == "pending"
    assert close(silent, wait_id) is None


def test_silent_rejection_ends_with_a_word(scene: Scene) -> None:
    """A rejection that nobody made needs nobody in particular to lift it."""
    scene.start(make_settings(timeout=HOUR, on_timeout="reject"))
    scene.track()
    scene.wait_for()
    let_pass(scene)
    assert scene.upload().review_status == "rejected"
    scene.frameio.write("c1", "Approved.", author=REVIEWER)
    asyncio.run(scene.settler.look_at("file-1"))
    assert scene.upload().review_status == "approved"


def test_silence_without_a_flow_run_approves(silent: Scene) -> None:
    """A script's video counts from when it was ready."""
    silent.track("other", "file-2", read=False)
    asyncio.run(silent.settler.look_at("file-2"))
    let_pass(silent)
    let_pass(silent, 10)
    assert silent.upload("other").review_status == "approved"


def test_start_warns_of_approval_on_silence() -> None:
    """Whoever starts PostFlow is told what the setting means; without a deadline it means nothing."""
    (sentence,) = list_warnings(SILENT)
    assert sentence.startswith("review.on_timeout is approve: what nobody has objected to in time")
    never = SILENT.review.model_copy(update={"timeout": None})
    assert list_warnings(Settings(review=never)) == []


def test_policy_is_never_the_default() -> None:
    """Silence approves only if a person writes it down."""
    assert Settings().review.on_timeout == "fail"
    assert make_settings(timeout=timedelta(days=1)).review.on_timeout == "fail"
