"""How runs end when not every reviewer simply approves, and how they begin again."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from postflow.clock import utc_now
from postflow.flow_runs import PrefectFlowRuns
from postflow.settings import load_settings
from postflow.store.wake_ups import read_ledger
from postflow.tracker.resumer import Resumer
from tests.flows.machine import Machine
from tests.flows.prefect_server import eventually

pytestmark = pytest.mark.prefect

OWN = "render/own"
NAMES = ["finished.mp4", "early.mp4", "dropped.mp4", "deleted.mp4", "kept.mp4"]


@pytest.fixture(scope="module")
def own_deployment(machine: Machine) -> str:
    """Make a deployment of the user's own, which nobody serves; give its id."""
    flow, name = OWN.split("/")
    made = machine.server.post("/flows/", {"name": flow}).json()
    body = {"name": name, "flow_id": made["id"]}
    return str(machine.server.post("/deployments/", body).json()["id"])


@pytest.fixture(scope="module")
def reviewed(machine: Machine, own_deployment: str) -> Iterator[None]:
    """Let videos whose run a rejection ends come to their reviewers, and let them speak."""
    del own_deployment
    with machine.configured(post_processing={"deployment": OWN}):
        machine.submit(*(machine.videos.make(name) for name in NAMES), on_rejected="finish")
        eventually(lambda: machine.uploads_at_frameio("early.mp4"), doing="early.mp4 is uploaded")
        machine.say("early.mp4", "camille@client.example", "Approved")
        machine.wait_until_suspended("finished.mp4", "dropped.mp4", "deleted.mp4", "kept.mp4")
        machine.say("finished.mp4", "dana@client.example", "Too dark, please fix", timestamp=3)
        machine.control("DELETE", "/files/deleted.mp4")
        yield


@pytest.fixture(scope="module")
def again(machine: Machine, reviewed: None) -> dict[str, str]:
    """Submit the same files again, one of them also as a copy; give the runs there were before.

    One run was cancelled by a person meanwhile, one has failed, one still waits.
    """
    del reviewed
    before = {name: machine.run_of(name) for name in NAMES}
    cancelled = {"state": {"type": "CANCELLED"}}
    machine.server.post(f"/flow_runs/{before['dropped.mp4']}/set_state", cancelled)
    asyncio.run(_sweep(machine))
    machine.wait_for_state(before["deleted.mp4"], "FAILED")
    copy = machine.folder / "elsewhere" / "copy.mp4"
    copy.parent.mkdir()
    shutil.copy(machine.videos.folder / "kept.mp4", copy)
    files = [machine.videos.folder / f"{name}.mp4" for name in ("kept", "dropped", "deleted")]
    machine.wait_for_state(machine.submit(copy, *files), "COMPLETED")
    return before


def test_own_deployment_starts_once(machine: Machine, reviewed: None, own_deployment: str) -> None:
    """A verdict before the wait is kept, told, and `post_processing.deployment` is started once."""
    state = machine.wait_for_state(machine.run_of("early.mp4"), "COMPLETED", "FAILED")
    assert state["message"] == f"Delivered: {OWN}"
    mine = {"deployments": {"id": {"any_": [own_deployment]}}}
    (started,) = machine.server.post("/flow_runs/filter", mine).json()
    parameters: dict[str, Any] = started["parameters"]
    upload = machine.upload("early.mp4")
    with machine.store.reading() as session:
        wait = read_ledger(session, upload.upload_id)[-1]
    assert re.fullmatch(r"approved [\d.]+ (s|min) before the run waited", wait["early"] or "")
    assert (parameters["upload_id"], parameters["version"]) == (upload.upload_id, 1)
    assert parameters["file_id"] == upload.file_id
    assert Path(parameters["master"]) == machine.videos.folder / "early.mp4"
    assert parameters["manifest"]["verdict"]["verdict"] == "approved"
    assert list(machine.delivered.glob("early*")) == []


def test_rejection_finishes_run_without_delivery(machine: Machine, reviewed: None) -> None:
    """With `on_rejected: finish` the run ends Completed, named Rejected, with its change list."""
    run = machine.run_of("finished.mp4")
    state = machine.wait_for_state(run, "COMPLETED", "FAILED")
    assert state["name"] == "Rejected"
    changes = eventually(lambda: machine.artifacts(run, "change-list"), doing="a change list")
    assert [row["comment"] for row in json.loads(changes[0]["data"])] == ["Too dark, please fix"]
    assert list(machine.delivered.glob("finished*")) == []


def test_deleted_video_fails_with_sentence(machine: Machine, reviewed: None) -> None:
    """A video that somebody deletes at Frame.io ends its run Failed and is not sent again."""
    state = machine.wait_for_state(machine.run_of("deleted.mp4"), "FAILED", "COMPLETED")
    assert state["message"].startswith("deleted.mp4 was deleted on Frame.io; run it again")
    assert machine.uploads_at_frameio("deleted.mp4") == 0


def test_cancelled_run_closes_its_wait(machine: Machine, again: dict[str, str]) -> None:
    """A run that a person cancels in Prefect waits no longer."""
    assert machine.waits_of(again["dropped.mp4"])[-1].outcome == "cancelled"


def test_same_files_again_upload_nothing(machine: Machine, again: dict[str, str]) -> None:
    """The same bytes keep their upload and their waiting run, whatever the file is called."""
    assert machine.run_of("kept.mp4") == again["kept.mp4"]
    assert machine.state(again["kept.mp4"])["type"] == "PAUSED"
    assert machine.uploads_at_frameio("kept.mp4") == 1
    assert machine.uploads_at_frameio("copy.mp4") == 0


def test_cancelled_video_runs_again(machine: Machine, again: dict[str, str]) -> None:
    """A cancelled video gets a new run, which goes on without another upload."""
    machine.wait_until_suspended("dropped.mp4")
    assert machine.run_of("dropped.mp4") != again["dropped.mp4"]
    assert machine.uploads_at_frameio("dropped.mp4") == 1


def test_failed_video_runs_again(machine: Machine, again: dict[str, str]) -> None:
    """A video that was deleted at Frame.io goes up anew, as another version under review."""
    machine.wait_until_suspended("deleted.mp4")
    assert machine.run_of("deleted.mp4") != again["deleted.mp4"]
    upload = machine.upload("deleted.mp4")
    assert (upload.version, upload.status, upload.review_status) == (2, "ready", "pending")


async def _sweep(machine: Machine) -> None:
    """Let a resumer that has just started look at everybody who waits, as it does each minute."""
    await Resumer(
        store=machine.store,
        flow_runs=PrefectFlowRuns(machine.server.api_url),
        settings=load_settings(machine.config),
        clock=utc_now,
    ).run_once()
