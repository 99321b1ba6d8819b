"""A batch whose process dies while it registers: nobody waits for it in vain."""

from __future__ import annotations

import functools

import psutil
import pytest
from sqlalchemy import text

from postflow.cli.running import submit_batch, wait_for_members
from postflow.settings import load_settings
from tests.flows.machine import Machine, shared_machine
from tests.flows.prefect_server import eventually

pytestmark = pytest.mark.prefect

NAMES = ["first-of-batch.mp4", "second-of-batch.mp4"]


@pytest.fixture(scope="module")
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Give the session's machine."""
    return shared_machine(request, tmp_path_factory)


def test_killed_batch_registers_all_its_videos(machine: Machine) -> None:
    """After kill -9 the batch is started again, and whoever submitted it gets all its uploads."""
    settings = load_settings(machine.config)
    prefect = settings.prefect.model_copy(update={"api_url": machine.server.api_url})
    settings = settings.model_copy(update={"prefect": prefect})
    paths = [machine.videos.make(name) for name in NAMES]
    eventually(functools.partial(machine.is_served, "process-batch/local"), doing="it is served")
    batch = submit_batch(settings, machine.store, paths)
    with machine.store.writing() as session:  # the batch's process has to wait for this
        session.connection().execute(text("SELECT 1"))
        (process,) = eventually(lambda: machine.processes_of(batch)[:1], doing="it is at work")
        assert isinstance(process, psutil.Process)
        process.kill()
    machine.wait_for_state(batch, "CRASHED")
    members = wait_for_members(settings, machine.store, batch, count=len(NAMES))
    assert [machine.upload(name).upload_id for name in NAMES] == members
    machine.wait_until_suspended(*NAMES)
