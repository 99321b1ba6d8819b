"""A held video with a real Prefect server: asleep, not delivered, woken by whoever releases it."""

from __future__ import annotations

import pytest

from tests.flows.machine import Machine
from tests.flows.prefect_server import eventually

pytestmark = pytest.mark.prefect
NAME = "held.mp4"


def test_held_video_waits_for_a_person(machine: Machine) -> None:
    """Asked for a change, then set to Approved: the run sleeps until a person approves by hand."""
    machine.submit(machine.videos.make(NAME, folder=machine.folder / "held"))
    machine.wait_until_suspended(NAME)
    run = machine.run_of(NAME)
    machine.say(NAME, "camille@client.example", "Please remove the logo at 0:01.")
    eventually(lambda: machine.upload(NAME).review_status == "rejected", doing="the change is read")
    status = {"as": "camille@client.example", "status": "Approved"}
    machine.control("PUT", f"/files/{NAME}/status", status)
    eventually(lambda: machine.upload(NAME).held_since, doing="the approval is held")
    assert machine.upload(NAME).review_status == "approved"
    waits = len(machine.artifacts(run, "verdict"))

    machine.server.post(f"/flow_runs/{run}/resume", {})
    machine.wait_for_state(run, "RUNNING", "PENDING", "SCHEDULED", "PAUSED")
    machine.wait_until_suspended(NAME)
    assert not list(machine.delivered.glob("held*"))
    assert len(machine.artifacts(run, "verdict")) == waits

    machine.approve(NAME)
    state = machine.wait_for_state(run, "COMPLETED", "FAILED")
    assert state["message"] == f"Delivered: {machine.delivered / NAME}"
    assert machine.upload(NAME).held_since is None
