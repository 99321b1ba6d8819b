"""An approval that can be undone, with a real Prefect server: nobody is awake meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postflow.clock import utc_now
from postflow.settings import load_settings
from postflow.tracker.undoing import undo_approval
from tests.flows.machine import Machine
from tests.flows.prefect_server import eventually

pytestmark = pytest.mark.prefect
NAME = "undone.mp4"


def test_undone_approval_delivers_nothing(machine: Machine) -> None:
    """The run sleeps through the window, on after an undo, and is woken when a window has passed."""
    machine.submit(machine.videos.make(NAME, folder=machine.folder / "undone"))
    machine.wait_until_suspended(NAME)
    run = machine.run_of(NAME)
    machine.approve(NAME, undo_window=timedelta(hours=1))

    # Even a resume by hand, which makes the run look again, finds no answer.
    machine.server.post(f"/flow_runs/{run}/resume", {})
    machine.wait_for_state(run, "RUNNING", "PENDING", "SCHEDULED", "PAUSED")
    machine.wait_until_suspended(NAME)
    assert machine.upload(NAME).undo_until is not None
    assert not list(machine.delivered.glob("undone*"))
    with machine.store.writing() as session:
        undo_approval(
            session,
            machine.upload(NAME).upload_id,
            by="pat",
            reason="wrong file",
            settings=load_settings(machine.config),
            now=utc_now(),
        )
    assert machine.upload(NAME).review_status == "pending"

    machine.approve(NAME, undo_window=timedelta(seconds=2))
    state = machine.wait_for_state(run, "COMPLETED", "FAILED")
    assert state["message"] == f"Delivered: {machine.delivered / NAME}"
    eventually(lambda: machine.upload(NAME).undo_until is None, doing="the window has passed")
