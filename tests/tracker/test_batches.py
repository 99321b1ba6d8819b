"""A batch is announced as decided exactly once, however its last videos end."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from sqlmodel import select

from postflow.domain.standing import ReviewStatus
from postflow.store.batches import record_batch
from postflow.store.tables import AnnouncementRow
from postflow.tracker.deciding import cancel_upload
from postflow.uploading import fail_unsent
from tests.factories import make_upload
from tests.tracker.conftest import Scene

NAMES = ["a", "b", "c"]


def submit(scene: Scene, *names: str) -> None:
    """Submit these videos together."""
    with scene.store.writing() as session:
        record_batch(session, batch_id="batch", upload_ids=names, now=scene.clock())


def count(scene: Scene) -> int:
    """Return how often the batch was announced as decided."""
    return scene.announced().count("batch-decided")


def track(scene: Scene) -> None:
    """Track the three videos."""
    for name in NAMES:
        scene.track(name, f"file-{name}")


def test_batch_tells_how_its_videos_ended(scene: Scene) -> None:
    """The announcement counts the outcomes."""
    track(scene)
    submit(scene, *NAMES)
    for name in NAMES[:2]:
        scene.decide(upload_id=name)
    assert count(scene) == 0
    scene.decide(ReviewStatus.REJECTED, upload_id="c")
    with scene.store.reading() as session:
        rows = session.exec(select(AnnouncementRow)).all()
    (row,) = [row for row in rows if row.kind == "batch-decided"]
    assert row.payload["outcomes"] == {"approved": 2, "rejected": 1}


def test_changed_verdicts_announce_no_batch_again(scene: Scene) -> None:
    """What is rejected and approved again later was decided once."""
    track(scene)
    submit(scene, *NAMES)
    for name in NAMES:
        scene.decide(upload_id=name)
    for verdict in (ReviewStatus.PENDING, ReviewStatus.REJECTED, ReviewStatus.APPROVED):
        scene.clock.advance(1)
        scene.decide(verdict, upload_id="a")
    assert count(scene) == 1


def test_failed_upload_may_be_the_last_one(scene: Scene) -> None:
    """A flow that cannot send its file closes the batch, and people hear of it."""
    scene.track("a", "file-a")
    with scene.store.writing() as session:
        make_upload(session, "b", file_id=None).status = "uploading"
    submit(scene, "a", "b")
    scene.decide(upload_id="a")
    fail_unsent(scene.store, "b", reason="b.mp4 is empty.", clock=scene.clock)
    assert count(scene) == 1


def test_cancelled_upload_may_be_the_last_one(scene: Scene) -> None:
    """What was given up keeps no batch open."""
    track(scene)
    submit(scene, *NAMES)
    for name in NAMES[:2]:
        scene.decide(upload_id=name)
    with scene.store.writing() as session:
        cancel_upload(session, "c", settings=scene.settings, now=scene.clock())
    assert count(scene) == 1


def test_batch_of_decided_videos_is_announced(scene: Scene) -> None:
    """Where no decision comes any more the tracker finds it by itself, once."""
    track(scene)
    for name in NAMES:
        scene.decide(upload_id=name)
    submit(scene, *NAMES)
    for _ in range(3):
        asyncio.run(scene.resumer.run_once())
        scene.clock.advance(61)
    assert count(scene) == 1


def test_last_videos_at_once_announce_once(scene: Scene) -> None:
    """Two processes that decide the last two videos at the same moment announce the batch once."""
    track(scene)
    submit(scene, *NAMES)
    scene.decide(upload_id="a")
    together = threading.Barrier(2)

    def decide_together(name: str) -> None:
        together.wait(timeout=10)
        scene.decide(upload_id=name)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(decide_together, NAMES[1:]))
    assert count(scene) == 1
