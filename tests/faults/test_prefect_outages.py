"""A Prefect server that goes away while flows work: it costs time, and no run."""

from __future__ import annotations

import functools
import subprocess
import sys
from datetime import timedelta

import pytest

from postflow.clock import utc_now
from tests.flows.machine import Machine, shared_machine
from tests.flows.prefect_server import eventually, start_process, stop_process
from tests.lines import Line

pytestmark = pytest.mark.prefect

NAME = "line-cut.mp4"
ANEW = "scheduled-anew.mp4"


@pytest.fixture(scope="module")
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Give the session's machine."""
    return shared_machine(request, tmp_path_factory)


def start_alone(
    machine: Machine, name: str, *, api_url: str
) -> tuple[str, subprocess.Popen[bytes]]:
    """Run a video in a process that reaches Prefect there; return run and process.

    The run is Pending from the start, so that the machine's runner leaves it alone.
    """
    eventually(functools.partial(machine.is_served, "process-video/local"), doing="it is served")
    deployment = machine.server.get("/deployments/name/process-video/local").json()["id"]
    parameters = {"path": str(machine.videos.make(name))}
    body = {"parameters": parameters, "state": {"type": "PENDING"}}
    created = machine.server.post(f"/deployments/{deployment}/create_flow_run", body)
    run_id = created.json()["id"]
    process = start_process(
        [sys.executable, "-m", "prefect.engine"],
        environment=machine.environment
        | {
            "PREFECT_API_URL": api_url,
            "PREFECT__FLOW_RUN_ID": run_id,
            "PREFECT_CLIENT_MAX_RETRIES": "0",  # it would ask for a minute
        },
        folder=machine.folder,
        log=machine.folder / "alone.log",
    )
    return run_id, process


def test_run_survives_prefect_going_away(machine: Machine) -> None:
    """A process that cannot tell Prefect that it suspends ends, and its run goes on later."""
    with (
        machine.configured(review={"on_rejected": "wait"}),
        Line(machine.server.api_url) as line,
    ):
        run_id, process = start_alone(machine, NAME, api_url=line.address)
        try:
            eventually(lambda: machine.waits_of(run_id), doing="it waits")
            line.cut()
            process.wait(60)
        finally:
            stop_process(process)
    machine.wait_for_state(run_id, "PAUSED")
    machine.say(NAME, "camille@client.example", "Approved!")
    assert machine.wait_for_state(run_id, "COMPLETED", "FAILED")["type"] == "COMPLETED"


def test_run_that_is_started_anew_is_left_to_the_next_process(machine: Machine) -> None:
    """A process that was taken for dead, and is not, must not fail the run before its successor."""
    run_id, process = start_alone(machine, ANEW, api_url=machine.server.api_url)
    try:
        eventually(lambda: machine.waits_of(run_id), doing="it waits")
        _schedule(machine, run_id, later=timedelta(hours=1))
        process.wait(60)
    finally:
        stop_process(process)
    assert machine.state(run_id)["type"] == "SCHEDULED", (machine.folder / "alone.log").read_text()
    _schedule(machine, run_id, later=timedelta(0))
    machine.wait_for_state(run_id, "PAUSED")
    machine.say(ANEW, "camille@client.example", "Approved!")
    assert machine.wait_for_state(run_id, "COMPLETED", "FAILED")["type"] == "COMPLETED"


def _schedule(machine: Machine, run_id: str, *, later: timedelta) -> None:
    """Force the run back to Scheduled, as the tracker does with a run that it takes for dead."""
    when = (utc_now() + later).isoformat()
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": when}}
    machine.server.post(f"/flow_runs/{run_id}/set_state", {"state": state, "force": True})
