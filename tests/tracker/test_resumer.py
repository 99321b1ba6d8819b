"""Waking flow runs: tried again until the flow closes its wait, whatever Prefect says meanwhile."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import event

from postflow.domain.runs import RunState
from postflow.domain.standing import ReviewStatus
from postflow.errors import FlowRunError
from postflow.store.flow_runs import claim_run, finish_run, load_run, renew_lease
from postflow.store.tables import FlowRunRow
from postflow.store.waits import close_wait
from postflow.tracker.deciding import cancel_upload
from tests.tracker.conftest import RUN, Scene


def resume(scene: Scene) -> None:
    """Let the resumer do one round."""
    asyncio.run(scene.resumer.run_once())


def work(scene: Scene, *, lease: float | None = 60, run: str = RUN) -> None:
    """Let the flow run's process take its lease, or give it back."""
    until = None if lease is None else scene.clock() + timedelta(seconds=lease)
    with scene.store.writing() as session:
        claim_run(
            session,
            flow_run_id=run,
            upload_id="clip",
            version=1,
            lease_until=scene.clock(),
            now=scene.clock(),
        )
        renew_lease(session, run, until=until)


def flow_run(scene: Scene) -> FlowRunRow:
    """Return what is known of the flow run."""
    with scene.store.reading() as session:
        found = load_run(session, RUN)
    assert found is not None
    return found


def test_waiting_run_is_left_asleep(scene: Scene) -> None:
    """Without an answer nobody is woken."""
    scene.track()
    scene.wait_for()
    resume(scene)
    assert scene.flow_runs.resumed == []


def test_early_resume_is_tried_again(scene: Scene) -> None:
    """A resume that came before the suspend is refused, kept, and tried again until it takes."""
    scene.track()
    wait_id = scene.wait_for()
    scene.decide()
    scene.flow_runs.accepts = False
    resume(scene)
    resume(scene)
    assert scene.flow_runs.resumed == [RUN]
    scene.clock.advance(2)
    scene.flow_runs.accepts = True
    resume(scene)
    assert scene.flow_runs.resumed == [RUN, RUN]
    assert scene.wait(wait_id).accepted_at == scene.clock()


def test_suspended_run_is_woken_unseen(scene: Scene) -> None:
    """The first wake-up does not ask for the run's state; where Prefect refuses, the next ones do."""
    scene.track()
    scene.wait_for()
    scene.decide()
    scene.flow_runs.states[RUN] = RunState.RUNNING
    asyncio.run(scene.resumer.wake_due())
    assert (scene.flow_runs.resumed, scene.flow_runs.looked_at) == ([], [RUN])
    scene.clock.advance(2)
    scene.flow_runs.states[RUN] = RunState.WAITING
    assert asyncio.run(scene.resumer.wake_due()) == 0
    asyncio.run(scene.resumer.look_after())
    assert scene.flow_runs.resumed == [RUN]


def test_accepted_resume_is_left_alone_a_while(scene: Scene) -> None:
    """After Prefect accepted, the run gets time to start; if it still sleeps it is woken again."""
    scene.track()
    scene.wait_for()
    scene.decide()
    resume(scene)
    scene.clock.advance(14)
    resume(scene)
    assert scene.flow_runs.resumed == [RUN]
    scene.clock.advance(1)
    resume(scene)
    assert scene.flow_runs.resumed == [RUN, RUN]


def test_closed_wait_is_never_woken_again(scene: Scene) -> None:
    """Once the flow has taken its answer, nobody calls any more."""
    scene.track()
    wait_id = scene.wait_for()
    scene.decide()
    resume(scene)
    with scene.store.writing() as session:
        close_wait(session, wait_id, review=scene.settings.review, now=scene.clock())
    scene.clock.advance(60)
    resume(scene)
    assert scene.flow_runs.resumed == [RUN]


def test_withdrawn_verdict_wakes_nobody(scene: Scene) -> None:
    """An approval that is taken back before the wake-up leaves the run asleep."""
    scene.track()
    scene.wait_for()
    scene.decide()
    scene.decide(ReviewStatus.PENDING)
    resume(scene)
    assert scene.flow_runs.resumed == []


def test_crashed_run_is_started_again(scene: Scene) -> None:
    """Prefect restarts nothing by itself, so a crashed run that is owed a wake-up is restarted."""
    scene.track()
    scene.wait_for()
    work(scene, lease=None)
    scene.decide()
    scene.flow_runs.states[RUN] = RunState.CRASHED
    resume(scene)
    assert scene.flow_runs.restarted == [RUN]


def test_run_that_dies_often_is_given_up(scene: Scene) -> None:
    """After the configured number of restarts a person is told, once, and it is left alone."""
    scene.track()
    wait_id = scene.wait_for()
    scene.decide()
    for _ in range(10):
        scene.flow_runs.states[RUN] = RunState.CRASHED
        resume(scene)
        scene.clock.advance(61)
    assert scene.flow_runs.restarted == [RUN] * scene.settings.tracker.max_restarts
    assert scene.announced().count("stuck") == 1
    assert scene.wait(wait_id).outcome == "cancelled"


def test_silent_run_is_started_again(scene: Scene) -> None:
    """A run that is Running for ever in Prefect, but silent to us, is restarted."""
    scene.track()
    work(scene)
    scene.flow_runs.states[RUN] = RunState.RUNNING
    scene.clock.advance(59)
    resume(scene)
    scene.clock.advance(1)
    resume(scene)
    assert scene.flow_runs.restarted == []
    scene.clock.advance(20)
    resume(scene)
    assert scene.flow_runs.restarted == [RUN]


@pytest.mark.parametrize(
    ("state", "told"),
    [(RunState.CRASHED, True), (RunState.FINISHED, False), (RunState.STARTING, False)],
)
def test_prefect_is_told_how_a_run_ended(scene: Scene, state: RunState, *, told: bool) -> None:
    """A run that has ended is never restarted; Prefect hears of it only where it does not know."""
    scene.track()
    work(scene)
    with scene.store.writing() as session:
        until = scene.clock() + timedelta(seconds=60)
        finish_run(session, RUN, note="Rejected: no", now=scene.clock(), prefect_knows_by=until)
    scene.flow_runs.states[RUN] = state
    resume(scene)
    assert scene.flow_runs.ended == []
    for _ in range(2):
        scene.clock.advance(60)
        resume(scene)
    assert scene.flow_runs.ended == ([(RUN, "Rejected: no")] if told else [])
    assert scene.flow_runs.restarted == []


def test_live_run_survives_our_own_absence(scene: Scene) -> None:
    """After a long sleep of the machine all leases have run out; who renews is not restarted."""
    scene.track()
    work(scene)
    scene.flow_runs.states[RUN] = RunState.RUNNING
    scene.clock.advance(3600)
    resume(scene)
    scene.clock.advance(10)
    work(scene)
    scene.clock.advance(30)
    resume(scene)
    assert scene.flow_runs.restarted == []


def test_run_without_lease_is_missed_too(scene: Scene) -> None:
    """A process killed between giving its lease back and suspending does not sleep for ever."""
    scene.track()
    scene.wait_for()
    work(scene, lease=None)
    scene.decide()
    scene.flow_runs.states[RUN] = RunState.RUNNING
    for _ in range(60):
        resume(scene)
        scene.clock.advance(2)
    assert scene.flow_runs.restarted == [RUN]


def test_suspended_run_owes_no_sign_of_life(scene: Scene) -> None:
    """A run that suspended without giving its lease back is not restarted, only released."""
    scene.track()
    work(scene)
    scene.clock.advance(61)
    for _ in range(3):
        resume(scene)
        scene.clock.advance(30)
    assert scene.flow_runs.restarted == []
    assert flow_run(scene).lease_until is None


def test_two_trackers_restart_only_once(scene: Scene) -> None:
    """A second tracker that saw the same crash leaves the restart to the first."""
    scene.track()
    work(scene)
    seen = flow_run(scene).restarts
    first = scene.resumer._outbox.count_restart(RUN, seen_restarts=seen)
    second = scene.resumer._outbox.count_restart(RUN, seen_restarts=seen)
    assert (first, second) == (1, 0)


def test_cancelled_run_closes_its_wait(scene: Scene) -> None:
    """A run that a person cancelled in Prefect is noted, closed, and nobody is alarmed."""
    scene.track()
    wait_id = scene.wait_for()
    scene.flow_runs.states[RUN] = RunState.CANCELLED
    resume(scene)
    wait = scene.wait(wait_id)
    assert (wait.outcome, wait.last_answer) == (
        "cancelled",
        "the flow run was cancelled by a person",
    )
    assert "stuck" not in scene.announced()


@pytest.mark.parametrize("state", [RunState.CRASHED, RunState.RUNNING])
def test_dead_run_without_answer_comes_back(scene: Scene, state: RunState) -> None:
    """A run that was woken and died at once waits again, even if its answer was taken back."""
    scene.track()
    scene.wait_for()
    work(scene, lease=None)
    scene.flow_runs.states[RUN] = state
    for _ in range(3):
        resume(scene)
        scene.clock.advance(61)
    assert scene.flow_runs.restarted == [RUN]


@pytest.mark.parametrize("state", [RunState.FINISHED, RunState.MISSING])
def test_run_that_is_over_is_reported(scene: Scene, state: RunState) -> None:
    """An approved video whose run has failed or vanished is not forgotten in silence."""
    scene.track()
    scene.wait_for()
    scene.decide()
    scene.flow_runs.states[RUN] = state
    resume(scene)
    assert scene.announced().count("stuck") == 1


def test_prefect_away_backs_off_and_recovers(scene: Scene) -> None:
    """While Prefect is unreachable the wake-up is kept, asked for less often, and never lost."""
    scene.track()
    wait_id = scene.wait_for()
    scene.decide()
    scene.flow_runs.away = True
    for _ in range(30):
        resume(scene)
        scene.clock.advance(61)
    assert scene.wait(wait_id).closed_at is None
    scene.flow_runs.away = False
    resume(scene)
    assert scene.flow_runs.resumed == [RUN]


def test_one_refused_run_holds_up_no_other(scene: Scene) -> None:
    """What Prefect refuses for one run does not keep the runs behind it asleep."""
    other = "22222222-2222-4222-8222-222222222222"
    for upload_id, file_id, run in (("clip", "file-1", RUN), ("next", "file-2", other)):
        scene.track(upload_id, file_id)
        scene.wait_for(upload_id=upload_id, run=run)
        scene.decide(upload_id=upload_id)
        scene.clock.advance(1)
    scene.flow_runs.refuses[RUN] = FlowRunError("Prefect refused")
    resume(scene)
    assert scene.flow_runs.resumed == [other]


def test_deadlines_hold_up_no_wake_up(scene: Scene) -> None:
    """Waking is done apart from what passes with time, and that wakes nobody by itself."""
    scene.track()
    scene.wait_for()
    scene.decide()
    assert asyncio.run(scene.resumer.look_after()) == 0
    assert scene.flow_runs.resumed == []
    assert asyncio.run(scene.resumer.wake_due()) == 1
    assert scene.flow_runs.resumed == [RUN]


def test_impossible_run_holds_up_no_other(scene: Scene) -> None:
    """A wait that names no flow run is reported, and the others are woken."""
    for upload_id, file_id, run in (("clip", "file-1", "None"), ("next", "file-2", RUN)):
        scene.track(upload_id, file_id)
        scene.wait_for(upload_id=upload_id, run=run)
        scene.decide(upload_id=upload_id)
    resume(scene)
    assert scene.flow_runs.resumed == [RUN]
    assert scene.announced().count("stuck") == 1


def test_sweep_comes_to_everybody_in_turn(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many wait, each is looked at; Prefect is asked for some of them in each round."""
    monkeypatch.setattr("postflow.tracker.reviving._SWEPT_TOGETHER", 5)
    waits = []
    for number in range(12):
        run, upload_id = str(uuid4()), f"clip-{number}"
        scene.track(upload_id, f"file-{number}")
        waits.append(scene.wait_for(upload_id=upload_id, run=run))
        scene.flow_runs.states[run] = RunState.CANCELLED
    closed = []
    for _ in range(3):
        resume(scene)
        closed.append(sum(scene.wait(each).outcome == "cancelled" for each in waits))
    assert closed == [5, 10, 12]


def test_missed_answer_is_found_by_the_sweep(scene: Scene) -> None:
    """An answer that nothing marked, for example after a change of settings, is found."""
    scene.track()
    wait_id = scene.wait_for()
    with scene.store.writing() as session:
        upload = scene.upload()
        upload.review_status = "approved"
        session.merge(upload)
    resume(scene)
    assert scene.wait(wait_id).due_at is not None


def test_sweep_writes_nothing_where_nothing_is_missed(scene: Scene) -> None:
    """Everybody who still waits is looked at by reading: writing would hold up the verdicts."""
    for number in range(3):
        scene.track(f"clip-{number}", f"file-{number}")
        scene.wait_for(upload_id=f"clip-{number}", run=str(uuid4()))
    resume(scene)  # plans the reminders
    scene.clock.advance(61)
    commits: list[object] = []
    event.listen(scene.store.engine, "commit", commits.append)
    resume(scene)
    assert len(scene.flow_runs.looked_at) == 6
    assert commits == []


def test_cancelling_an_upload_wakes_its_run(scene: Scene) -> None:
    """Whoever gives an upload up ends its wait and its run, and it is looked at no more."""
    scene.track()
    wait_id = scene.wait_for()
    with scene.store.writing() as session:
        cancel_upload(session, "clip", settings=scene.settings, now=scene.clock())
    resume(scene)
    assert scene.flow_runs.resumed == [RUN]
    assert scene.upload().look_at is None
    with scene.store.writing() as session:
        outcome = close_wait(session, wait_id, review=scene.settings.review, now=scene.clock())
    assert outcome == "cancelled"
