"""An approval that can be undone, with a real Prefect server: nobody is awake meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postflow.clock import utc_now
from postflow.domain.standing import ReviewStatus
from postflow.settings import Settings, load_settings
from postflow.store.tables import UploadRow
from postflow.tracker.deciding import decide_by_hand
from postflow.tracker.undoing import undo_approval
from tests.flows.machine import Machine, shared_machine
from tests.flows.prefect_server import eventually

pytestmark = pytest.mark.prefect
NAME = "undone.mp4"


@pytest.fixture(scope="module")
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Give the session's machine."""
    return shared_machine(request, tmp_path_factory)


def _upload(machine: Machine) -> UploadRow:
    found = machine.upload(NAME)
    assert found is not None
    return found


def _settings(machine: Machine, window: timedelta) -> Settings:
    settings = load_settings(machine.config)
    review = settings.review.model_copy(update={"undo_window": window})
    return settings.model_copy(update={"review": review})


def _approve(machine: Machine, *, window: timedelta) -> None:
    with machine.store.writing() as session:
        decide_by_hand(
            session,
            _upload(machine).upload_id,
            verdict=ReviewStatus.APPROVED,
            by="pat",
            reason="seen",
            settings=_settings(machine, window),
            now=utc_now(),
        )


def test_undone_approval_delivers_nothing(machine: Machine) -> None:
    """The run sleeps through the window, on after an undo, and is woken when a window has passed."""
    machine.submit(machine.videos.make(NAME, folder=machine.folder / "undone"))
    machine.wait_until_suspended(NAME)
    run = machine.run_of(NAME)
    _approve(machine, window=timedelta(hours=1))

    # Even a resume by hand, which makes the run look again, finds no answer.
    machine.server.post(f"/flow_runs/{run}/resume", {})
    machine.wait_for_state(run, "RUNNING", "PENDING", "SCHEDULED", "PAUSED")
    machine.wait_until_suspended(NAME)
    assert _upload(machine).undo_until is not None
    assert not list(machine.delivered.glob("undone*"))
    with machine.store.writing() as session:
        undo_approval(
            session,
            _upload(machine).upload_id,
            by="pat",
            reason="wrong file",
            settings=_settings(machine, timedelta(hours=1)),
            now=utc_now(),
        )
    assert _upload(machine).review_status == "pending"

    _approve(machine, window=timedelta(seconds=2))
    state = machine.wait_for_state(run, "COMPLETED", "FAILED")
    assert state["message"] == f"Delivered: {machine.delivered / NAME}"
    eventually(lambda: _upload(machine).undo_until is None, doing="the window has passed")
