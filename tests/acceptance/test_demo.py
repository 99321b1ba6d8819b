"""The demo as a person runs it: real programs, real videos, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from postflow.delivery.masters import hash_file

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(600)]


def _start_demo(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "postflow", "demo"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "COLUMNS": "160"},
    )


def _at_work(folder: Path) -> list[psutil.Process]:
    """Return the processes that work in the folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd().startswith(str(folder)):
                found.append(process)
        except psutil.Error:
            continue
    return found


def _left_behind(folder: Path) -> list[str]:
    """Return the command lines of the processes that still work in the folder."""
    return [" ".join(process.cmdline()) for process in _at_work(folder)]


def test_demo_plays_every_story(tmp_path: Path) -> None:
    """Five videos are approved and delivered, one is rejected, and the demo says so with exit 0."""
    demo = _start_demo(tmp_path)
    printed, _ = demo.communicate(timeout=500)
    assert demo.returncode == 0, printed
    delivered = tmp_path / ".demo" / "delivered"
    videos = sorted(path.name for path in delivered.glob("*.mp4"))
    assert videos == [
        "01-approved-in-french.mp4",
        "02-refusal-edited.mp4",
        "04-a-question-first.mp4",
        "05-status-field.mp4",
        "06-a-new-version_v2.mp4",
    ]
    for video in videos:
        path = delivered / video
        manifest = json.loads(path.with_suffix(".manifest.json").read_text())
        assert manifest["files"][video]["sha256"] == hash_file(path)
        assert manifest["verdict"]["verdict"] == "approved"
        assert path.with_suffix(".jpg").stat().st_size > 0
    assert _left_behind(tmp_path) == []


def test_interrupted_demo_leaves_nothing_running(tmp_path: Path) -> None:
    """Ctrl-C in the middle, while flow processes are alive, stops everything that was started."""
    demo = _start_demo(tmp_path)
    until = time.monotonic() + 120
    while not _flow_process_runs(tmp_path):
        assert demo.poll() is None, demo.communicate()[0]
        assert time.monotonic() < until
        time.sleep(0.1)
    demo.send_signal(signal.SIGINT)
    printed, _ = demo.communicate(timeout=60)
    assert demo.returncode == 130, printed
    assert "Traceback" not in printed
    assert _left_behind(tmp_path) == []


def _flow_process_runs(folder: Path) -> bool:
    """Whether the runner has started a flow process."""
    for process in _at_work(folder):
        try:
            parent = process.parent()
            if parent is not None and "flows.serving" in parent.cmdline():
                return True
        except psutil.Error:
            continue
    return False
