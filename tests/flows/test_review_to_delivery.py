"""Videos under review, with a real Prefect server: asleep, woken, delivered, refused."""

from __future__ import annotations

import json

import pytest

from tests.flows.machine import Machine
from tests.flows.prefect_server import eventually

pytestmark = pytest.mark.prefect

NAMES = ["approved.mp4", "refused.mp4", "pressed.mp4", "repeated.mp4", "cancelled.mp4"]


@pytest.fixture(scope="module")
def batch(machine: Machine) -> str:
    """Give a batch whose videos all wait for their reviewers."""
    paths = [machine.videos.make(name, folder=machine.folder / "batch") for name in NAMES]
    flow_run_id = machine.submit(paths[0].parent)
    machine.wait_until_suspended(*NAMES)
    return flow_run_id


def test_waiting_video_has_no_process(machine: Machine, batch: str) -> None:
    """Suspended means: Prefect says PAUSED, and no process works on the run."""
    del batch
    for name in NAMES:
        assert machine.state(machine.run_of(name))["name"] == "Suspended"
        assert machine.processes_of(machine.run_of(name)) == []


def test_batch_shows_files_uploads_and_runs(machine: Machine, batch: str) -> None:
    """The batch completes at once and leaves a table of files, uploads and links to runs."""
    assert machine.wait_for_state(batch, "COMPLETED")["message"] == "5 videos, 5 runs"
    (table,) = machine.artifacts(batch, "batch")
    rows = {row["file"]: row for row in json.loads(table["data"])}
    assert sorted(rows) == sorted(NAMES)
    for name, row in rows.items():
        upload = machine.upload(name)
        assert row["upload"] == upload.upload_id
        assert machine.run_of(name) in row["run"]


@pytest.fixture(scope="module")
def reviewed(machine: Machine, batch: str) -> None:
    """Let all reviewers speak at once."""
    del batch
    run = machine.run_of("pressed.mp4")
    machine.server.post(f"/flow_runs/{run}/resume", {})
    machine.say("approved.mp4", "camille@client.example", "C'est validé pour moi, parfait !")
    machine.say("refused.mp4", "dana@client.example", "Please fix the logo.", timestamp=12)
    for _ in range(3):
        machine.say("repeated.mp4", "camille@client.example", "Approved!")
        machine.server.post(f"/flow_runs/{machine.run_of('repeated.mp4')}/resume", {})


def test_approved_video_is_delivered_once(machine: Machine, reviewed: None) -> None:
    """An approval wakes the run, which delivers and ends Completed; the manifest says why."""
    state = machine.wait_for_state(machine.run_of("approved.mp4"), "COMPLETED", "FAILED")
    assert state["message"] == f"Delivered: {machine.delivered / 'approved.mp4'}"
    manifest = json.loads((machine.delivered / "approved.manifest.json").read_text())
    upload = machine.upload("approved.mp4")
    assert manifest["upload_id"] == upload.upload_id
    assert manifest["master"]["sha256"] == upload.sha256
    assert manifest["verdict"]["comment"] == "C'est validé pour moi, parfait !"
    assert [d.upload_id for d in machine.deliveries()].count(upload.upload_id) == 1


def test_verdict_appears_on_suspended_run(machine: Machine, reviewed: None) -> None:
    """While a refused run sleeps on, its page shows the verdict and what is to be changed."""
    run = machine.run_of("refused.mp4")
    changes = eventually(lambda: machine.artifacts(run, "change-list"), doing="a change list")
    (row,) = json.loads(changes[0]["data"])
    assert (row["comment"], row["done"]) == ("Please fix the logo.", "no")
    (verdict,) = machine.artifacts(run, "verdict")
    assert verdict["data"].startswith("**Rejected**")
    assert "> Please fix the logo." in verdict["data"]
    assert machine.state(run)["type"] == "PAUSED"


def test_resume_by_hand_suspends_again(machine: Machine, reviewed: None) -> None:
    """Pressing Resume without a decision makes the run look, and sleep again in the same wait."""
    run = machine.run_of("pressed.mp4")
    eventually(lambda: _times_suspended(machine, run) == 2, doing="suspended a second time")
    kinds = [wait.kind for wait in machine.waits_of(run)]
    assert kinds.count("ready") <= 1  # none if it was ready before the run first looked
    assert kinds.count("approval") == 1
    assert len(machine.artifacts(run, "frameio-link")) == 1


def test_second_look_finds_later_decision(machine: Machine, reviewed: None) -> None:
    """A run that once found no decision finds the one that came later: nothing is cached."""
    run = machine.run_of("pressed.mp4")
    eventually(lambda: _times_suspended(machine, run) == 2, doing="suspended a second time")
    machine.say("pressed.mp4", "camille@client.example", "Looks great, approved")
    assert machine.wait_for_state(run, "COMPLETED", "FAILED")["type"] == "COMPLETED"
    assert (machine.delivered / "pressed.mp4").is_file()


def test_repeated_verdict_delivers_once(machine: Machine, reviewed: None) -> None:
    """Three approvals and three early resumes end in one delivery."""
    run = machine.run_of("repeated.mp4")
    assert machine.wait_for_state(run, "COMPLETED", "FAILED")["type"] == "COMPLETED"
    upload = machine.upload("repeated.mp4")
    assert [d.upload_id for d in machine.deliveries()].count(upload.upload_id) == 1


def test_later_approval_wakes_refused_run(machine: Machine, reviewed: None) -> None:
    """With `on_rejected: wait` the same run is woken when the same version is approved after all."""
    run = machine.run_of("refused.mp4")
    eventually(lambda: machine.artifacts(run, "change-list"), doing="the refusal is known")
    machine.say("refused.mp4", "dana@client.example", "Forget it, approved as it is.")
    assert machine.wait_for_state(run, "COMPLETED", "FAILED")["type"] == "COMPLETED"
    assert (machine.delivered / "refused.mp4").is_file()


def test_prefect_holds_events_of_upload(machine: Machine, reviewed: None) -> None:
    """Automations find ready, approved and delivered in Prefect, with ids of upload and run."""
    upload = machine.upload("approved.mp4")
    resource = f"postflow.upload.{upload.upload_id}"
    body = {"filter": {"resource": {"id": [resource]}}, "limit": 50}

    def names() -> set[str]:
        events = machine.server.post("/events/filter", body).json()["events"]
        return {event["event"].removeprefix("postflow.upload.") for event in events}

    eventually(lambda: names() >= {"ready", "approved", "delivered"}, doing="three events")


def test_runs_carry_name_and_tags(machine: Machine, batch: str) -> None:
    """Prefect's list shows the file's name, the project found by the upload, and the batch."""
    run = machine.server.get(f"/flow_runs/{machine.run_of('cancelled.mp4')}").json()
    project = next(iter(machine.simulator.world.state.projects))
    assert run["name"] == "cancelled.mp4"
    assert {"postflow", f"project:{project}", f"batch:{batch}"} <= set(run["tags"])


def _times_suspended(machine: Machine, flow_run_id: str) -> int:
    states = machine.server.get(f"/flow_run_states/?flow_run_id={flow_run_id}").json()
    return sum(state["name"] == "Suspended" for state in states)
