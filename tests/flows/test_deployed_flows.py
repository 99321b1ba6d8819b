"""`prefect.yaml` as it is written: deployed by Prefect's own command, run by a process worker."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.machine import Machine
from tests.flows.prefect_server import eventually, start_process, stop_process

pytestmark = pytest.mark.prefect

PROJECT = Path(__file__).parents[2]
NAME = "deployed.mp4"


@pytest.fixture(scope="module")
def worker(machine: Machine) -> Iterator[Path]:
    """Deploy everything, start a process worker, and give the file of the example flow."""
    notes = machine.folder / "approvals.log"
    _prefect(machine, "work-pool", "create", "default", "--type", "process")
    _prefect(machine, "--no-prompt", "deploy", "--all")
    process = start_process(
        [sys.executable, "-m", "prefect", "worker", "start", "--pool", "default"],
        environment=machine.environment | {"APPROVALS_FILE": str(notes)},
        folder=machine.folder,
        log=machine.folder / "worker.log",
    )
    yield notes
    stop_process(process)


def test_worker_delivers_what_it_suspended(machine: Machine, worker: Path) -> None:
    """A batch on `default` starts its video on `default`, which sleeps, wakes and delivers."""
    del worker
    machine.submit(machine.videos.make(NAME), deployment="process-batch/default")
    machine.wait_until_suspended(NAME)
    run = machine.server.get(f"/flow_runs/{machine.run_of(NAME)}").json()
    assert run["work_pool_name"] == "default"
    machine.say(NAME, "camille@client.example", "Approved, thank you")
    assert machine.wait_for_state(run["id"], "COMPLETED", "FAILED")["type"] == "COMPLETED"
    assert (machine.delivered / NAME).is_file()


def test_approval_triggers_example_flow(machine: Machine, worker: Path) -> None:
    """The trigger on `postflow.upload.approved` starts the example with values of the event."""
    upload = machine.upload(NAME)
    line = eventually(lambda: _line_about(upload.upload_id, worker), doing="the example has run")
    assert f"{upload.upload_id} version 1: {NAME} approved by camille" in line


def _line_about(upload_id: str, notes: Path) -> str | None:
    lines = notes.read_text(encoding="utf-8").splitlines() if notes.exists() else []
    return next((line for line in lines if upload_id in line), None)


def _prefect(machine: Machine, *arguments: str) -> None:
    done = subprocess.run(  # noqa: S603 - Prefect's own command, and no shell
        [sys.executable, "-m", "prefect", *arguments],
        env=machine.environment,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
