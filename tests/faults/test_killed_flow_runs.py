"""Processes that die, with a real Prefect server: every run comes back and nothing is done twice."""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.flows.machine import Machine, shared_machine
from tests.flows.prefect_server import eventually, stop_process

pytestmark = pytest.mark.prefect

NAMES = ["process-killed.mp4", "machine-killed.mp4", "switched-off.mp4", "called-off.mp4"]


@pytest.fixture(scope="module")
def machine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    """Give the session's machine with runs that stay in their process: no transcode ends."""
    machine = shared_machine(request, tmp_path_factory)
    world = machine.simulator.world
    world.configure(transcode_delay=timedelta(hours=1))
    with machine.configured(tracker={"ready_patience": 300}):
        machine.submit(*(machine.videos.make(name) for name in NAMES))
        for name in NAMES:
            eventually(functools.partial(machine.last_run, name), doing=f"{name} has a run")
            _wait_until_at_work(machine, name)
        yield machine
    world.configure(transcode_delay=timedelta(seconds=1))


def test_killed_process_is_started_again(machine: Machine) -> None:
    """After kill -9 of a flow process Prefect says Crashed; the same run is forced back."""
    name = "process-killed.mp4"
    run = machine.run_of(name)
    _kill(machine, name)
    machine.wait_for_state(run, "CRASHED")
    _wait_until_at_work(machine, name)
    assert _restarts(machine, name) == 1
    _approve_and_check(machine, name)


def test_killed_machine_goes_on_later(machine: Machine) -> None:
    """After kill -9 of runner and flow process the run says Running until its lease runs out."""
    name = "machine-killed.mp4"
    before = _restarts(machine, name)
    assert machine.runner is not None
    os.kill(machine.runner.pid, signal.SIGKILL)
    _kill(machine, *NAMES)
    machine.runner.wait()
    assert machine.state(machine.run_of(name))["type"] == "RUNNING"
    machine.start_runner()
    eventually(lambda: _restarts(machine, name) > before, doing="the lease runs out")
    _wait_until_at_work(machine, name)
    _approve_and_check(machine, name)


def test_switched_off_machine_cancels_nothing(machine: Machine) -> None:
    """A runner that is told to end takes its flow processes along; their runs go on later."""
    name = "switched-off.mp4"
    _wait_until_at_work(machine, name)
    run = machine.run_of(name)
    assert machine.runner is not None
    stop_process(machine.runner)
    assert machine.processes_of(run) == []
    assert machine.state(run)["type"] in ("CRASHED", "RUNNING", "SCHEDULED")
    machine.start_runner()
    _wait_until_at_work(machine, name)
    _approve_and_check(machine, name)


def test_cancelled_running_process_ends(machine: Machine) -> None:
    """A run that is cancelled in Prefect while its process works ends, and stays cancelled."""
    name = "called-off.mp4"
    _wait_until_at_work(machine, name)
    run = machine.run_of(name)
    cancelling = {"type": "CANCELLING", "name": "Cancelling"}
    machine.server.post(f"/flow_runs/{run}/set_state", {"state": cancelling})
    machine.wait_for_state(run, "CANCELLED")
    eventually(lambda: not machine.processes_of(run), doing="its process ends")
    eventually(lambda: _is_over(machine, name), doing="the tracker notices")
    assert [wait.outcome for wait in machine.waits_of(run)] == ["cancelled"]


def _wait_until_at_work(machine: Machine, name: str) -> None:
    """Wait until a process of this run looks whether its video is ready."""

    def look() -> bool:
        run = machine.run_of(name)
        running = machine.state(run)["type"] == "RUNNING"
        return running and bool(machine.processes_of(run)) and bool(machine.waits_of(run))

    eventually(look, doing=f"a process works on {name}")


def _kill(machine: Machine, *names: str) -> None:
    for name in names:
        for process in machine.processes_of(machine.run_of(name)):
            process.kill()


def _restarts(machine: Machine, name: str) -> int:
    run = machine.last_run(name)
    assert run is not None
    return run.restarts


def _is_over(machine: Machine, name: str) -> bool:
    run = machine.last_run(name)
    return run is not None and run.finished_at is not None


def _approve_and_check(machine: Machine, name: str) -> None:
    machine.control("POST", f"/files/{name}/ready")
    machine.say(name, "camille@client.example", "Approved")
    state = machine.wait_for_state(machine.run_of(name), "COMPLETED", "FAILED")
    assert state["message"] == f"Delivered: {machine.delivered / name}"
    assert machine.uploads_at_frameio(name) == 1
