"""`postflow watch` as a person runs it: a program that listens until it is interrupted."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.flows.machine import Machine
from tests.flows.prefect_server import eventually

PATIENCE = 60.0  # seconds


@contextmanager
def _watching(
    folder: Path, *options: str, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """Run the program until the block ends."""
    program = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "postflow", "watch", str(folder), "--settle", "1", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment, "COLUMNS": "200"},
    )
    try:
        yield program
    finally:
        if program.poll() is None:
            program.kill()
        program.communicate()


def _interrupt(program: subprocess.Popen[str]) -> str:
    program.send_signal(signal.SIGINT)
    printed, _ = program.communicate(timeout=PATIENCE)
    return printed


def _read_line(program: subprocess.Popen[str]) -> str:
    assert program.stdout is not None
    return program.stdout.readline()


@pytest.mark.parametrize("options", [(), ("--poll",)], ids=["events", "poll"])
def test_interrupt_ends_watch_with_a_sentence(
    tmp_path: Path, sqlite_url: str, options: tuple[str, ...]
) -> None:
    """Ctrl-C ends the program at once, with 130 and without a traceback."""
    folder = tmp_path / "exports"
    folder.mkdir()
    environment = {"POSTFLOW_DATABASE__URL": sqlite_url}
    with _watching(folder, *options, environment=environment) as program:
        assert str(folder) in _read_line(program)
        printed = _interrupt(program)
        assert program.returncode == 130
    assert "Stopped watching" in printed
    assert "Traceback" not in printed


def test_missing_folder_is_refused(tmp_path: Path, sqlite_url: str) -> None:
    """A folder that does not exist is one sentence and exit 1."""
    environment = {"POSTFLOW_DATABASE__URL": sqlite_url}
    with _watching(tmp_path / "nowhere", environment=environment) as program:
        printed, _ = program.communicate(timeout=PATIENCE)
        assert program.returncode == 1
    assert "is not a folder that exists" in printed


def test_refusal_is_told_and_watched_on(tmp_path: Path, sqlite_url: str) -> None:
    """Without Prefect the file is named with what to do, and the watch goes on."""
    folder = tmp_path / "exports"
    folder.mkdir()
    environment = {
        "POSTFLOW_DATABASE__URL": sqlite_url,
        "POSTFLOW_PREFECT__API_URL": "http://127.0.0.1:1/api",
    }
    with _watching(folder, environment=environment) as program:
        _read_line(program)
        (folder / "cut.mp4").write_bytes(b"a video")
        assert _read_line(program).startswith("cut.mp4: ")
        assert program.poll() is None
        _interrupt(program)


@pytest.mark.prefect
def test_dropped_video_gets_its_run(machine: Machine, tmp_path: Path) -> None:
    """A video that appears is submitted once, also over a restart of the watch."""
    folder = tmp_path / "exports"
    folder.mkdir()
    with _watching(folder, environment=machine.environment) as program:
        _read_line(program)
        machine.videos.make("dropped.mp4", folder=folder)
        eventually(lambda: machine.last_run("dropped.mp4"), doing="the video has a run")
        assert "dropped.mp4" in _read_line(program)
        _interrupt(program)
    run = machine.run_of("dropped.mp4")
    with _watching(folder, environment=machine.environment) as program:
        _read_line(program)
        machine.videos.make("dropped too.mp4", folder=folder)
        eventually(lambda: machine.last_run("dropped too.mp4"), doing="the other has a run")
        assert "dropped too.mp4" in _read_line(program)
        _interrupt(program)
    assert machine.run_of("dropped.mp4") == run


@pytest.mark.prefect
def test_same_bytes_under_two_names_are_told(machine: Machine, tmp_path: Path) -> None:
    """`run` names both files, on the terminal and in its JSON; they are one upload."""
    original = machine.videos.make("original.mp4", folder=tmp_path)
    copy = Path(shutil.copy(original, tmp_path / "copy.mp4"))
    ran = subprocess.run(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "postflow", "run", "--detach", str(original), str(copy)],
        capture_output=True,
        text=True,
        env={**os.environ, **machine.environment},
        timeout=PATIENCE,
        check=True,
    )
    told = json.loads(ran.stdout)
    (upload_id,) = told["uploads"]
    twin = {"file": str(copy), "same_as": str(original), "upload_id": upload_id}
    assert told["same_files"] == [twin]
    assert f"copy.mp4 has the same bytes as original.mp4: both are the one video {upload_id}" in (
        ran.stderr
    )
