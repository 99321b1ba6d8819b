from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from postflow.simulator.config import SimulatorConfig
from tests.frameio.killed_upload import DiskJournal, upload
from tests.frameio.simulated import Simulated, simulate
from tests.frameio.storage import Video

DEADLINE = 30.0


def wait_until_finished(journal: DiskJournal, *, parts: int) -> int:
    """Wait until so many parts are on record and return how many there are."""
    ends_at = time.monotonic() + DEADLINE
    while time.monotonic() < ends_at:
        recorded = journal.load()
        if recorded is not None and len(recorded.finished) >= parts:
            return len(recorded.finished)
        time.sleep(0.01)
    raise AssertionError("the upload did not get that far")


def kill_in_the_middle(frameio: Simulated, video: Video, journal: Path) -> int:
    """Start an upload in another process, kill it, and return how many parts are on record."""
    process = subprocess.Popen(  # noqa: S603 -- our own interpreter and module
        [
            sys.executable, "-m", "tests.frameio.killed_upload",
            frameio.address, frameio.root, str(video.path), str(journal),
        ]
    )  # fmt: skip
    try:
        return wait_until_finished(DiskJournal(journal), parts=3)
    finally:
        process.kill()
        process.wait(DEADLINE)


@pytest.mark.parametrize("deleted", [False, True], ids=["goes on", "begins anew"])
def test_killed_upload_arrives_whole(tmp_path: Path, *, deleted: bool) -> None:
    """After kill -9 the next process sends the rest, or all if the placeholder is gone."""
    video, journal = Video(tmp_path / "cut.mp4", os.urandom(1_000_000)), tmp_path / "journal.json"
    config = SimulatorConfig(part_size=100_000, transcode_delay=timedelta(0))
    with simulate(config) as frameio:
        frameio.fault("slow", method="PUT", path="*part_7*", seconds=60)
        frameio.fault("slow", method="PUT", path="*part_8*", seconds=60)
        finished = kill_in_the_middle(frameio, video, journal)
        frameio.order("DELETE", "/faults")
        if deleted:
            frameio.order("DELETE", f"/files/{frameio.state['files'][0]['id']}")
        before = len(frameio.calls("PUT", "/parts/*"))
        uploaded = asyncio.run(upload(frameio.address, frameio.root, video.path, journal))
        [there] = frameio.state["files"]
        sent = len(frameio.calls("PUT", "/parts/*")) - before
    assert there["sha256"] == uploaded.sha256 == hashlib.sha256(video.data).hexdigest()
    assert sent == 10 if deleted else sent <= 10 - finished
