"""Events that are settled once more: nothing that holds already changes."""

from __future__ import annotations

import asyncio

from postflow.errors import FrameioRefusedError
from postflow.store.inbox import replay_matching
from tests.factories import REVIEWER
from tests.tracker.conftest import Scene
from tests.tracker.test_service import make_tracker


def settle(scene: Scene) -> int:
    """Settle what is in the inbox now."""
    return asyncio.run(scene.settler.settle_events())


def replay(scene: Scene, *, failed: bool = False) -> int:
    """Replay as the command does."""
    with scene.store.writing() as session:
        return replay_matching(session, failed=failed)


def test_replaying_everything_changes_nothing(scene: Scene) -> None:
    """A whole history settled again adds no decision, ruling or announcement."""
    scene.track(read=False)
    scene.frameio.write("c1", "Approved.")
    scene.receive("comment.created", "c1")
    settle(scene)
    scene.clock.advance(60)
    scene.frameio.write("c2", "Rejected, the logo is cut off.", author=REVIEWER)
    scene.frameio.set_status("Approved")
    scene.receive("comment.created", "c2", user=REVIEWER)
    scene.receive("metadata.value.updated", "file-1")
    settle(scene)
    before = (scene.decisions(), scene.announced(), scene.upload().review_status)
    for _ in range(2):
        scene.clock.advance(3600)
        assert replay(scene) == 3
        assert settle(scene) == 3
    assert (scene.decisions(), scene.announced(), scene.upload().review_status) == before
    assert all(event.settled_at == scene.clock() for event in scene.events())


def test_poisoned_event_recovers_by_replay(scene: Scene) -> None:
    """An event that was set aside after all its tries is settled once its cause is gone."""
    scene.track(read=False)
    scene.frameio.write("c1", "Approved.")
    scene.receive("comment.created", "c1")
    scene.frameio.failure = FrameioRefusedError("Frame.io refuses it.", status_code=422)
    for _ in range(scene.settings.tracker.max_attempts):
        settle(scene)
        scene.clock.advance(3600)
    (event,) = scene.events()
    assert (event.attempts, event.error) == (8, "Frame.io refuses it.")
    assert event.set_aside_at is not None
    assert settle(scene) == 0
    scene.frameio.failure = None
    assert replay(scene, failed=True) == 1
    settle(scene)
    (event,) = scene.events()
    assert (event.error, event.set_aside_at) == (None, None)
    assert scene.upload().review_status == "approved"


def test_running_service_takes_up_a_replay(scene: Scene) -> None:
    """A replay by another process is settled within a second, without anybody telling the service."""
    scene.track(read=False)
    scene.receive("comment.created", "c1")
    settle(scene)
    scene.frameio.write("c1", "Approved.")

    async def serve() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(make_tracker(scene).run(stop))
        await asyncio.to_thread(replay, scene)
        for _ in range(100):
            if scene.upload().review_status == "approved":
                break
            await asyncio.sleep(0.01)
        stop.set()
        await asyncio.wait_for(running, timeout=10)

    asyncio.run(serve())
    assert scene.upload().review_status == "approved"
