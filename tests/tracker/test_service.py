"""The loops together: they run until told to stop, and none takes another one down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

import pytest

from postflow.clock import utc_now
from postflow.settings.sections import TrackerSettings
from postflow.tracker.service import Tracker
from tests.factories import PROJECT
from tests.tracker.conftest import RUN, Scene


def make_tracker(scene: Scene, *, with_token: bool = True) -> Tracker:
    """Return a tracker on the real clock, as production runs it."""
    quick = TrackerSettings.model_validate({"resume_every": 0.05})
    return Tracker(
        store=scene.store,
        frameio=scene.frameio if with_token else None,
        flow_runs=scene.flow_runs,
        settings=scene.settings.model_copy(update={"tracker": quick}),
        clock=scene.clock,
    )


async def run_until(
    tracker: Tracker,
    happened: Callable[[], bool],
    *,
    projects: Collection[str | None] = (None,),
) -> None:
    """Run the loops, with news of these projects, until something has happened, or for ten seconds."""
    stop = asyncio.Event()
    running = asyncio.create_task(tracker.run(stop))
    deadline = utc_now().timestamp() + 10
    while not happened() and utc_now().timestamp() < deadline:
        tracker.wake(projects)
        await asyncio.sleep(0.01)
    stop.set()
    await asyncio.wait_for(running, timeout=10)
    assert happened()


@pytest.mark.parametrize("project", [None, PROJECT, "never heard of"])
def test_comment_travels_to_the_resume(sqlite_scene: Scene, project: str | None) -> None:
    """With all loops running, a recorded comment ends in a resume, whatever project is told."""
    scene = sqlite_scene
    scene.track()
    scene.wait_for()
    scene.frameio.write("c1", "Approved.")
    scene.receive("comment.created", "c1")
    tracker = make_tracker(scene)
    told = [project]
    asyncio.run(run_until(tracker, lambda: scene.flow_runs.resumed == [RUN], projects=told))
    assert tracker.settler is not None
    assert tracker.settler.projects == {None, PROJECT}


def test_missing_token_keeps_the_inbox(sqlite_scene: Scene) -> None:
    """Without a token events are kept; waking and announcing go on."""
    scene = sqlite_scene
    scene.track()
    scene.wait_for()
    scene.receive("file.ready", "file-1")
    with scene.store.writing() as session:
        upload = scene.upload()
        upload.review_status = "approved"
        session.merge(upload)
    tracker = make_tracker(scene, with_token=False)
    asyncio.run(run_until(tracker, lambda: scene.flow_runs.resumed == [RUN]))
    (event,) = scene.events()
    assert (event.settled_at, event.attempts, event.set_aside_at) == (None, 0, None)
