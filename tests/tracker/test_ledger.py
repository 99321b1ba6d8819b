"""The ledger of wake-ups: when the verdict came, when the run slept, what Prefect said and when."""

from __future__ import annotations

import asyncio

import pytest

from postflow.domain.runs import RunState
from postflow.domain.uploads import WaitKind
from postflow.errors import FlowRunError
from postflow.store.timeline import timeline
from postflow.store.uploads import load_upload
from postflow.store.view_types import LedgerView
from postflow.store.views import list_waiting
from postflow.store.waits import close_wait, mark_answered_before, note_suspension, open_wait
from postflow.store.wake_ups import read_ledger
from postflow.tracker.deciding import cancel_upload
from tests.tracker.conftest import RUN, Scene


@pytest.fixture(autouse=True)
def _tracked(scene: Scene) -> None:
    """Track one upload."""
    scene.track()


def resume(scene: Scene, *, after: float = 0) -> None:
    """Let the resumer do one round, some seconds later."""
    scene.clock.advance(after)
    asyncio.run(scene.resumer.run_once())


def suspend(scene: Scene) -> None:
    """Let the flow process leave."""
    with scene.store.writing() as session:
        note_suspension(session, RUN, now=scene.clock())


def look(scene: Scene, kind: WaitKind = WaitKind.APPROVAL) -> str | None:
    """Open a wait, as the flow's task does, and take the answer if it is there."""
    review = scene.settings.review
    with scene.store.writing() as session:
        upload = load_upload(session, "clip", lock=True)
        wait = open_wait(
            session, upload=upload, kind=kind, flow_run_id=RUN, now=scene.clock(), timeout=None
        )
        mark_answered_before(session, wait, upload, review=review, now=scene.clock())
    with scene.store.writing() as session:
        return close_wait(session, wait.id or 0, review=review, now=scene.clock())


def ledger(scene: Scene) -> LedgerView:
    """Return the only wait of the upload."""
    with scene.store.reading() as session:
        (found,) = read_ledger(session, "clip")
    return found


def moment(scene: Scene, seconds_ago: float = 0) -> str:
    """Return a moment as the ledger writes it."""
    scene.clock.advance(-seconds_ago)
    found = scene.clock().isoformat()
    scene.clock.advance(seconds_ago)
    return found


def test_ledger_tells_the_whole_wake_up(scene: Scene) -> None:
    """Waited, suspended, answered, refused, accepted, closed: each with its moment."""
    assert look(scene) is None
    scene.clock.advance(1)
    suspend(scene)
    scene.clock.advance(60)
    scene.decide()
    scene.flow_runs.accepts = False
    resume(scene)
    scene.flow_runs.accepts = True
    resume(scene, after=2)
    scene.clock.advance(3)
    assert look(scene) == "approved"
    found = ledger(scene)
    assert (found["since"], found["suspended_at"]) == (moment(scene, 66), moment(scene, 65))
    assert (found["due_since"], found["accepted_at"]) == (moment(scene, 5), moment(scene, 3))
    assert (found["closed_at"], found["outcome"]) == (moment(scene), "approved")
    assert (found["attempts"], found["early"]) == (2, None)
    assert [
        (each["at"], each["state"], each["asked"], each["accepted"]) for each in found["wake_ups"]
    ] == [
        (moment(scene, 5), "waiting", True, False),
        (moment(scene, 3), "waiting", True, True),
    ]
    assert all(each["answer"] for each in found["wake_ups"])


def test_verdict_before_the_wait_shows_as_early(scene: Scene) -> None:
    """A verdict that was there when the run came is kept, and said to have been early."""
    scene.decide()
    scene.clock.advance(14)
    assert look(scene) == "approved"
    found = ledger(scene)
    assert found["early"] == "approved 14 s before the run waited"
    assert found["due_since"] == moment(scene, 14)
    assert (found["suspended_at"], found["attempts"]) == (None, 0)


def test_verdict_between_look_and_sleep_shows_as_early(scene: Scene) -> None:
    """A verdict that came while the run went to sleep is early too, and still wakes it."""
    assert look(scene) is None
    scene.decide()
    scene.clock.advance(0.5)
    suspend(scene)
    with scene.store.reading() as session:
        (waiting,) = list_waiting(session)
    assert waiting["early"] == "answered 0.5 s before the run waited"
    resume(scene)
    assert scene.flow_runs.resumed == [RUN]


def test_early_answer_is_owed_a_wake_up(scene: Scene) -> None:
    """A process that dies with its early answer in hand is woken for it like any other."""
    scene.decide()
    with scene.store.writing() as session:
        upload = load_upload(session, "clip", lock=True)
        wait = open_wait(
            session,
            upload=upload,
            kind=WaitKind.APPROVAL,
            flow_run_id=RUN,
            now=scene.clock(),
            timeout=None,
        )
        review = scene.settings.review
        mark_answered_before(session, wait, upload, review=review, now=scene.clock())
    scene.flow_runs.states[RUN] = RunState.CRASHED
    resume(scene)
    assert scene.flow_runs.restarted == [RUN]


def test_cancelled_upload_answers_at_once(scene: Scene) -> None:
    """Whoever comes to an upload that was given up reads when that was."""
    with scene.store.writing() as session:
        cancel_upload(session, "clip", settings=scene.settings, now=scene.clock())
    scene.clock.advance(30)
    assert look(scene, WaitKind.READY) == "cancelled"
    assert ledger(scene)["early"] == "cancelled 30 s before the run waited"


def test_looks_that_find_nothing_new_are_counted_only(scene: Scene) -> None:
    """A run that is on its way for long fills no pages, but every look at it counts."""
    look(scene)
    scene.decide()
    scene.flow_runs.states[RUN] = RunState.STARTING
    for _ in range(5):
        resume(scene, after=15)
    scene.flow_runs.states[RUN] = RunState.RUNNING
    resume(scene, after=15)
    found = ledger(scene)
    assert found["attempts"] == 6
    assert [(each["state"], each["answer"]) for each in found["wake_ups"]] == [
        ("starting", "already on its way"),
        ("running", "not suspended yet"),
    ]


def test_silent_prefect_is_in_the_ledger(scene: Scene) -> None:
    """That Prefect did not answer, and what it refused, is kept with its moment."""
    look(scene)
    scene.decide()
    scene.flow_runs.away = True
    resume(scene)
    scene.flow_runs.away = False
    scene.flow_runs.refuses[RUN] = FlowRunError("no such deployment")
    resume(scene, after=60)
    assert [(each["at"], each["state"], each["answer"]) for each in ledger(scene)["wake_ups"]] == [
        (moment(scene, 60), None, "Prefect's server does not answer"),
        (moment(scene), None, "no such deployment"),
    ]


def test_timeline_tells_the_wake_up(scene: Scene) -> None:
    """Whoever reads the timeline sees the ledger among everything else."""
    look(scene)
    suspend(scene)
    scene.clock.advance(60)
    scene.decide()
    resume(scene)
    look(scene)
    with scene.store.reading() as session:
        told = [each["text"] for each in timeline(session, "clip") if each["kind"] == "wait"]
    assert told == [
        "waits for approval",
        "suspended: no process is left of the run",
        "its answer was there (approval)",
        "Prefect was asked to wake it, and accepted",
        "went on: approved",
    ]
