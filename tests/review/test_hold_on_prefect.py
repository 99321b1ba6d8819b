"""A held video with a real Prefect server: asleep, not delivered, woken by whoever releases it."""

from __future__ import annotations

import pytest

from postflow.clock import utc_now
from postflow.domain.standing import ReviewStatus
from postflow.settings import load_settings
from postflow.store.tables import UploadRow
from postflow.tracker.deciding import decide_by_hand
from tests.flows.machine import Machine, shared_machine
from tests.flows.prefect_server import eventually

pytestmark = pytest.mark.prefect
NAME = "held.mp4"


@pytest.fixture(scope="module")
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Give the session's machine."""
    return shared_machine(request, tmp_path_factory)


def _upload(machine: Machine) -> UploadRow:
    found = machine.upload(NAME)
    assert found is not None
    return found


def test_held_video_waits_for_a_person(machine: Machine) -> None:
    """Asked for a change, then set to Approved: the run sleeps until a person approves by hand."""
    machine.submit(machine.videos.make(NAME, folder=machine.folder / "held"))
    machine.wait_until_suspended(NAME)
    run = machine.run_of(NAME)
    machine.say(NAME, "camille@client.example", "Please remove the logo at 0:01.")
    eventually(lambda: _upload(machine).review_status == "rejected", doing="the change is read")
    status = {"as": "camille@client.example", "status": "Approved"}
    machine.control("PUT", f"/files/{NAME}/status", status)
    eventually(lambda: _upload(machine).held_since, doing="the approval is held")
    assert _upload(machine).review_status == "approved"
    waits = len(machine.artifacts(run, "verdict"))

    machine.server.post(f"/flow_runs/{run}/resume", {})
    machine.wait_for_state(run, "RUNNING", "PENDING", "SCHEDULED", "PAUSED")
    machine.wait_until_suspended(NAME)
    assert not list(machine.delivered.glob("held*"))
    assert len(machine.artifacts(run, "verdict")) == waits

    with machine.store.writing() as session:
        decide_by_hand(
            session,
            _upload(machine).upload_id,
            verdict=ReviewStatus.APPROVED,
            by="pat",
            reason="called Camille",
            settings=load_settings(machine.config),
            now=utc_now(),
        )
    state = machine.wait_for_state(run, "COMPLETED", "FAILED")
    assert state["message"] == f"Delivered: {machine.delivered / NAME}"
    assert _upload(machine).held_since is None
