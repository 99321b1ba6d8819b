"""Batches whose process died: their runs come back, for as long as something is left to do."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from flows.working import Desk, holding_batch
from postflow.clock import utc_now
from postflow.domain.runs import RunState
from postflow.errors import FlowRunError
from postflow.store.batches import hold_batch, is_batch_held, release_batch
from tests.tracker.conftest import RUN, Scene

LEASE = 60.0


@pytest.fixture
def batch(scene: Scene) -> Scene:
    """Give a batch whose process took its lease a lease ago and was not heard of since."""
    with scene.store.writing() as session:
        until = scene.clock() + timedelta(seconds=LEASE)
        hold_batch(session, RUN, lease_until=until, now=scene.clock())
    scene.clock.advance(LEASE)
    return scene


def look(scene: Scene) -> None:
    """Let the resumer do one round."""
    asyncio.run(scene.resumer.run_once())


def is_held(scene: Scene) -> bool:
    """Say whether anybody will still be brought back to the batch."""
    with scene.store.reading() as session:
        return is_batch_held(session, RUN)


def test_crashed_batch_is_started_again(batch: Scene) -> None:
    """A batch that was killed before all its videos had runs is forced back, once for each death."""
    batch.flow_runs.states[RUN] = RunState.CRASHED
    look(batch)
    look(batch)
    assert batch.flow_runs.restarted == [RUN]
    batch.clock.advance(LEASE)
    batch.flow_runs.states[RUN] = RunState.CRASHED
    look(batch)
    assert batch.flow_runs.restarted == [RUN, RUN]


def test_silent_batch_is_watched_first(batch: Scene) -> None:
    """Running and silent is dead only after two beats that this tracker has waited for."""
    batch.flow_runs.states[RUN] = RunState.RUNNING
    look(batch)
    assert batch.flow_runs.restarted == []
    batch.clock.advance(2 * batch.settings.tracker.lease_renewal.total_seconds())
    look(batch)
    assert batch.flow_runs.restarted == [RUN]


def test_end_of_batch_is_told_to_prefect(scene: Scene) -> None:
    """A batch that died after its work is not begun anew; Prefect hears how it ended."""
    desk = Desk(settings=scene.settings, store=scene.store, flow_run_id=RUN)
    with holding_batch(desk) as held:
        held.record_end("Completed: 2 videos, 2 runs")
    scene.flow_runs.states[RUN] = RunState.RUNNING
    scene.clock.now = utc_now()
    look(scene)
    assert (scene.flow_runs.ended, is_held(scene)) == ([], True)
    scene.clock.advance(LEASE + 1)
    look(scene)
    scene.clock.advance(2 * scene.settings.tracker.lease_renewal.total_seconds())
    look(scene)
    assert scene.flow_runs.ended == [(RUN, "Completed: 2 videos, 2 runs")]
    assert (scene.flow_runs.restarted, is_held(scene)) == ([], False)


def test_batch_that_begins_again_has_no_end(scene: Scene) -> None:
    """Somebody may run a batch once more in Prefect; if it dies then, it comes back."""
    desk = Desk(settings=scene.settings, store=scene.store, flow_run_id=RUN)
    with holding_batch(desk) as held:
        held.record_end("Completed: 2 videos, 2 runs")
    with pytest.raises(KeyboardInterrupt), holding_batch(desk):
        raise KeyboardInterrupt
    scene.clock.now = utc_now()
    scene.clock.advance(LEASE + 1)
    scene.flow_runs.states[RUN] = RunState.CRASHED
    look(scene)
    assert (scene.flow_runs.ended, scene.flow_runs.restarted) == ([], [RUN])


def test_starting_batch_is_given_time(batch: Scene) -> None:
    """A batch that waits for a free place is not dead."""
    batch.flow_runs.states[RUN] = RunState.STARTING
    look(batch)
    batch.flow_runs.states[RUN] = RunState.CRASHED
    look(batch)
    assert batch.flow_runs.restarted == []


@pytest.mark.parametrize("state", [RunState.FINISHED, RunState.CANCELLED, RunState.MISSING])
def test_batch_that_is_over_is_released(batch: Scene, state: RunState) -> None:
    """What is done, cancelled by a person or unknown to Prefect is not brought back."""
    batch.flow_runs.states[RUN] = state
    look(batch)
    assert batch.flow_runs.restarted == []
    assert not is_held(batch)


def test_batch_that_keeps_dying_is_given_up(batch: Scene) -> None:
    """After as many restarts as a video's run gets, whoever waits for it is told that it crashed."""
    most = batch.settings.tracker.max_restarts
    for _ in range(most + 1):
        batch.flow_runs.states[RUN] = RunState.CRASHED
        look(batch)
        batch.clock.advance(LEASE)
    assert batch.flow_runs.restarted == [RUN] * most
    assert not is_held(batch)


def test_released_batch_is_left_alone(batch: Scene) -> None:
    """A batch whose end Prefect knows owes nobody a sign of life."""
    with batch.store.writing() as session:
        release_batch(session, RUN)
    batch.flow_runs.states[RUN] = RunState.CRASHED
    look(batch)
    assert batch.flow_runs.restarted == []


def test_refused_restart_is_tried_again(batch: Scene) -> None:
    """Where Prefect refuses to start a batch again, it is asked again after another lease."""
    batch.flow_runs.states[RUN] = RunState.CRASHED
    batch.flow_runs.refuses = {RUN: FlowRunError("refused")}
    look(batch)
    assert is_held(batch)
    batch.flow_runs.refuses = {}
    batch.clock.advance(LEASE)
    look(batch)
    assert batch.flow_runs.restarted == [RUN]
