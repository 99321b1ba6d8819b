"""A Prefect server that goes away while flows work: it costs time, and no run."""

from __future__ import annotations

import functools
import subprocess
import sys

import pytest

from tests.faults.prefect_line import PrefectLine
from tests.flows.machine import Machine, shared_machine
from tests.flows.prefect_server import eventually, start_process, stop_process

pytestmark = pytest.mark.prefect

NAME = "line-cut.mp4"


@pytest.fixture(scope="module")
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Give the session's machine."""
    return shared_machine(request, tmp_path_factory)


def start_alone(machine: Machine, line: PrefectLine) -> tuple[str, subprocess.Popen[bytes]]:
    """Run a video in a process that reaches Prefect by this line; return run and process.

    The run is Pending from the start, so that the machine's runner leaves it alone.
    """
    eventually(functools.partial(machine.is_served, "process-video/local"), doing="it is served")
    deployment = machine.server.get("/deployments/name/process-video/local").json()["id"]
    parameters = {"path": str(machine.videos.make(NAME))}
    body = {"parameters": parameters, "state": {"type": "PENDING"}}
    created = machine.server.post(f"/deployments/{deployment}/create_flow_run", body)
    run_id = created.json()["id"]
    process = start_process(
        [sys.executable, "-m", "prefect.engine"],
        environment=machine.environment
        | {
            "PREFECT_API_URL": line.api_url,
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
        PrefectLine(machine.server.api_url) as line,
    ):
        run_id, process = start_alone(machine, line)
        try:
            eventually(lambda: machine.waits_of(run_id), doing="it waits")
            line.cut()
            process.wait(60)
        finally:
            stop_process(process)
    machine.wait_for_state(run_id, "PAUSED")
    machine.say(NAME, "camille@client.example", "Approved!")
    assert machine.wait_for_state(run_id, "COMPLETED", "FAILED")["type"] == "COMPLETED"
