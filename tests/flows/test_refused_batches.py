"""Batches that cannot begin: one sentence as the run's message, and nothing registered."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows.machine import Machine

pytestmark = pytest.mark.prefect


@pytest.fixture(scope="module")
def refused(machine: Machine) -> dict[str, str]:
    """Submit three hopeless batches at once, beside a good file each; give their messages."""
    good = machine.videos.make("good.mp4")
    empty = machine.folder / "empty.mp4"
    empty.touch()
    notes = machine.folder / "notes.txt"
    notes.write_text("no video")
    bad = {"missing": machine.folder / "missing.mp4", "empty": empty, "unknown": notes}
    runs = {name: machine.submit(good, path) for name, path in bad.items()}
    states = {name: machine.wait_for_state(run, "FAILED") for name, run in runs.items()}
    return {name: str(state["message"]) for name, state in states.items()}


def test_missing_file_fails_batch_by_name(machine: Machine, refused: dict[str, str]) -> None:
    """A path where nothing is."""
    path = machine.folder / "missing.mp4"
    assert refused["missing"] == f"{path} does not exist; check the path."


def test_empty_file_fails_batch_by_name(machine: Machine, refused: dict[str, str]) -> None:
    """A file without a byte."""
    path = machine.folder / "empty.mp4"
    assert refused["empty"] == f"{path} is empty; upload it when it is complete."


def test_unknown_extension_fails_batch_by_name(machine: Machine, refused: dict[str, str]) -> None:
    """A file that is no video by its name."""
    path = machine.folder / "notes.txt"
    assert refused["unknown"].startswith(f"{path} is no video by its name; known are ")


def test_refused_batch_registers_nothing(machine: Machine, refused: dict[str, str]) -> None:
    """The good file beside the bad one is not half-registered."""
    del refused
    assert machine.find_upload("good.mp4") is None


def test_unmigrated_store_fails_run(machine: Machine, tmp_path: Path) -> None:
    """A flow that finds no store says so and creates none."""
    nowhere = tmp_path / "nowhere.db"
    with machine.configured(database={"url": f"sqlite:///{nowhere}"}):
        run = machine.start("process-video/local", {"path": str(machine.videos.make("lost.mp4"))})
        state = machine.wait_for_state(run, "FAILED", "COMPLETED")
    assert state["message"].startswith(f"There is no store at {nowhere}; run `postflow migrate`")
    assert not nowhere.exists()


def test_failed_run_logs_no_traceback(machine: Machine, refused: dict[str, str]) -> None:
    """What PostFlow refuses is a sentence in the log as well."""
    del refused
    # Other tests kill this runner, which may well leave tracebacks of Prefect's own.
    assert "postflow.errors." not in (machine.folder / "runner.log").read_text()
