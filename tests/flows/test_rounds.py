"""Several rounds in one flow run, with a real Prefect server."""

from __future__ import annotations

import json

import pytest

from tests.flows.machine import Machine
from tests.flows.prefect_server import eventually

pytestmark = pytest.mark.prefect


def test_refused_run_goes_on_with_stacked_version(machine: Machine) -> None:
    """Refused, stacked upon in Frame.io's interface, approved: one run, delivered once."""
    path = machine.videos.make("again.mp4")
    machine.submit(path)
    machine.wait_until_suspended("again.mp4")
    run = machine.run_of("again.mp4")
    machine.say("again.mp4", "dana@client.example", "Please fix the logo.", timestamp=12)
    eventually(lambda: machine.artifacts(run, "change-list"), doing="the refusal is known")
    machine.control(
        "POST", "/files/again.mp4/versions", {"as": "ed@studio.example", "file_name": "better.mp4"}
    )
    eventually(lambda: _round(machine) == 2, doing="a second round")
    changes = eventually(lambda: machine.artifacts(run, "open-changes"), doing="open changes")
    (row,) = json.loads(changes[0]["data"])
    assert row["comment"] == "Please fix the logo."
    eventually(lambda: _waits(machine, run)[-1] == ("approval", 2, None), doing="it waits again")
    machine.say("better.mp4", "dana@client.example", "Great now, approved!")
    state = machine.wait_for_state(run, "COMPLETED", "FAILED")
    assert state["message"] == f"Delivered: {machine.delivered / 'again_v2.mp4'}"
    assert machine.run_of("again.mp4") == run
    assert [wait for wait in _waits(machine, run) if wait[0] == "approval"] == [
        ("approval", 1, "superseded"),
        ("approval", 2, "approved"),
    ]


def test_submitted_version_wakes_its_run(machine: Machine) -> None:
    """`--new-version-of` hands the file to the run that waits, which uploads and stacks it."""
    machine.submit(machine.videos.make("mine.mp4"))
    machine.wait_until_suspended("mine.mp4")
    run = machine.run_of("mine.mp4")
    upload = machine.upload("mine.mp4")
    batch = machine.submit(machine.videos.make("mine, better.mp4"), new_version_of=upload.upload_id)
    assert machine.wait_for_state(batch, "COMPLETED", "FAILED")["message"] == "1 videos, 1 runs"
    eventually(lambda: _waits(machine, run)[-1] == ("approval", 2, None), doing="it waits again")
    assert machine.run_of("mine.mp4") == run
    stacks = machine.control("GET", "/state")["version_stacks"]
    assert [stack["name"] for stack in stacks].count("mine, better.mp4") == 1
    machine.say("mine.mp4", "camille@client.example", "Approved, the old one!")
    machine.say("mine, better.mp4", "camille@client.example", "Approved!")
    assert machine.wait_for_state(run, "COMPLETED", "FAILED")["type"] == "COMPLETED"
    assert (machine.delivered / "mine_v2.mp4").is_file()
    assert not (machine.delivered / "mine.mp4").exists()


def _round(machine: Machine) -> int:
    return machine.upload("again.mp4").version


def _waits(machine: Machine, run: str) -> list[tuple[str, int, str | None]]:
    return [(wait.kind, wait.version, wait.outcome) for wait in machine.waits_of(run)]
