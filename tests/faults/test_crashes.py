"""A crash between any two steps of the tracker: nothing is lost, nothing counts twice."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event
from sqlmodel import Session

from postflow.domain.runs import RunState
from postflow.store.database import Store
from postflow.store.waits import close_wait
from tests.factories import REVIEWER
from tests.tracker.conftest import RUN, Scene


@pytest.fixture
def scene(store: Store) -> Scene:
    """Give a scene with a comment in the inbox and a flow run that waits for its verdict."""
    scene = Scene(store)
    scene.track(read=False)
    scene.frameio.write("c1", "Approved.")
    scene.receive("comment.created", "c1")
    return scene


def settle(scene: Scene) -> int:
    """Settle what is in the inbox now."""
    return asyncio.run(scene.settler.settle_events())


def resume(scene: Scene) -> None:
    """Let the resumer do one round."""
    asyncio.run(scene.resumer.run_once())


def close(scene: Scene, wait_id: int) -> str | None:
    """Let the flow take its answer."""
    with scene.store.writing() as session:
        return close_wait(session, wait_id, review=scene.settings.review, now=scene.clock())


class KilledError(BaseException):
    """The process is killed: nothing may catch this."""


def test_killed_between_claim_and_settle(scene: Scene) -> None:
    """Events that a killed process had claimed are settled by the next one after the lease."""
    scene.frameio.failure = KilledError()  # type: ignore[assignment]  # a kill is no failure
    with pytest.raises(KilledError):
        settle(scene)
    scene.frameio.failure = None
    scene.start()
    assert settle(scene) == 0
    scene.clock.advance(60)
    assert settle(scene) == 1
    assert scene.upload().review_status == "approved"
    assert len(scene.decisions()) == 1


@contextmanager
def killed_at_commit(scene: Scene, number: int) -> Iterator[None]:
    """Kill the process instead of its n-th commit, and check that it came so far."""
    commits = itertools.count(1)

    def kill(session: Session) -> None:
        if session.get_bind().engine.url == scene.store.engine.url and next(commits) == number:
            raise KilledError

    event.listen(Session, "before_commit", kill)
    try:
        with pytest.raises(KilledError):
            yield
    finally:
        event.remove(Session, "before_commit", kill)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_killed_at_any_commit_of_settling(scene: Scene, number: int) -> None:
    """Decision, due wait, announcement and settled event are there together or not at all."""
    wait_id = scene.wait_for()
    with killed_at_commit(scene, number):
        settle(scene)
    assert (scene.decisions(), scene.announced()) == ([], [])
    assert scene.wait(wait_id).due_at is None
    assert scene.events()[0].settled_at is None
    scene.start()
    scene.clock.advance(60)
    settle(scene)
    assert [decision.verdict for decision in scene.decisions()] == ["approved"]
    assert scene.announced().count("approved") == 1
    assert scene.wait(wait_id).due_at is not None


def test_killed_between_verdict_and_resume(scene: Scene) -> None:
    """The wake-up that a killed tracker owed is given by the next one."""
    scene.wait_for()
    settle(scene)
    scene.start()
    resume(scene)
    assert scene.flow_runs.resumed == [RUN]


def test_killed_between_resume_and_its_note(scene: Scene) -> None:
    """A resume whose answer was never written down is repeated, and the flow closes once."""
    wait_id = scene.wait_for()
    settle(scene)
    with killed_at_commit(scene, 2):  # the first one plans the deadlines
        resume(scene)
    assert scene.flow_runs.resumed == [RUN]
    scene.start()
    resume(scene)
    assert scene.flow_runs.resumed == [RUN, RUN]
    assert (close(scene, wait_id), close(scene, wait_id)) == ("approved", "approved")


def test_flow_killed_between_resume_and_close(scene: Scene) -> None:
    """A run that was resumed and died before taking its answer is woken until it takes it."""
    wait_id = scene.wait_for()
    settle(scene)
    resume(scene)
    scene.flow_runs.states[RUN] = RunState.CRASHED
    scene.clock.advance(15)
    resume(scene)
    assert scene.flow_runs.restarted == [RUN]
    assert close(scene, wait_id) == "approved"


def test_verdict_changes_between_resume_and_close(scene: Scene) -> None:
    """A run that was woken by an approval and finds a refusal goes back to sleep."""
    wait_id = scene.wait_for()
    settle(scene)
    resume(scene)
    scene.clock.advance(1)
    scene.frameio.write("c2", "Rejected.", author=REVIEWER)
    scene.receive("comment.created", "c2", user=REVIEWER)
    settle(scene)
    assert close(scene, wait_id) is None
    scene.clock.advance(60)
    resume(scene)
    assert scene.flow_runs.resumed == [RUN]


def test_killed_between_emit_and_its_note(scene: Scene) -> None:
    """An announcement that was sent but not noted is sent again under the same id."""
    settle(scene)
    tell = scene.announcer.run_once
    with killed_at_commit(scene, 2):
        asyncio.run(tell())
    scene.clock.advance(60)
    asyncio.run(scene.announcer.run_once())
    names = [name for name, _ in scene.flow_runs.emitted]
    assert len(set(scene.flow_runs.emitted)) == len(set(names))
    assert len(scene.flow_runs.emitted) > len(set(names))


def test_storm_of_repeats_changes_nothing(scene: Scene) -> None:
    """Everything delivered again, in the wrong order, after crashes: one decision, one wake-up."""
    scene.wait_for()
    settle(scene)
    for kind in ("comment.updated", "comment.created", "comment.created", "comment.completed"):
        scene.receive(kind, "c1", times=3)
        scene.start()
        settle(scene)
    resume(scene)
    assert len(scene.decisions()) == 1
    assert scene.announced().count("approved") == 1
    assert scene.flow_runs.resumed == [RUN]
    assert all(event.settled_at for event in scene.events())
