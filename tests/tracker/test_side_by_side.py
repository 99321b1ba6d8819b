"""What goes on at the same time: files beside each other, each file by one reading at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from postflow.frameio.wire import Comment
from tests.factories import CLIENT, GUEST, REVIEWER
from tests.tracker.conftest import Scene


class Gate:
    """Holds up whoever asks for the comments of one file, and counts them."""

    def __init__(self, scene: Scene, file_id: str) -> None:
        self.come = 0
        self.opened = asyncio.Event()
        fetch = scene.frameio.fetch_comments

        async def fetch_slowly(asked: str) -> list[Comment]:
            if asked == file_id:
                self.come += 1
                await self.opened.wait()
            return await fetch(asked)

        scene.frameio.fetch_comments = fetch_slowly  # type: ignore[method-assign,assignment]  # the fake is made slow


async def until(happened: Callable[[], bool]) -> None:
    """Wait until something has happened, ten seconds at most."""
    async with asyncio.timeout(10):
        while not happened():  # noqa: ASYNC110 -- the store tells nobody what happens in it
            await asyncio.sleep(0.01)


def track_two(scene: Scene) -> None:
    """Track two files, each with an approval nobody has read."""
    for upload_id, file_id, comment_id in (("slow", "file-1", "c1"), ("fast", "file-2", "c2")):
        scene.track(upload_id, file_id, read=False)
        scene.frameio.write(comment_id, "Approved.", file_id=file_id)


def test_slow_file_holds_up_no_other(scene: Scene) -> None:
    """A verdict on one file does not wait for the reading of another one."""
    track_two(scene)
    scene.receive("file.updated", "file-1")
    scene.receive("file.updated", "file-2")

    async def settle() -> None:
        gate = Gate(scene, "file-1")
        settling = asyncio.create_task(scene.settler.settle_events())
        await until(lambda: scene.upload("fast").review_status == "approved")
        assert scene.upload("slow").review_status == "pending"
        gate.opened.set()
        await settling

    asyncio.run(settle())
    assert scene.upload("slow").review_status == "approved"


def test_later_events_are_taken_meanwhile(scene: Scene) -> None:
    """What comes while a file is read is settled beside it, and all is done in the end."""
    track_two(scene)
    scene.receive("file.updated", "file-1")

    async def settle() -> None:
        gate = Gate(scene, "file-1")
        async with asyncio.TaskGroup() as beside:
            assert await scene.settler.settle_beside(beside) == 1
            await until(lambda: gate.come == 1)
            scene.receive("file.updated", "file-2")
            assert await scene.settler.settle_beside(beside) == 1
            await until(lambda: scene.upload("fast").review_status == "approved")
            gate.opened.set()

    asyncio.run(settle())
    assert scene.upload("slow").review_status == "approved"
    assert all(event.settled_at for event in scene.events())


def test_one_file_is_read_by_one_at_a_time(scene: Scene) -> None:
    """A second reading of a file begins when the first one is written down."""
    scene.track(read=False)
    scene.frameio.write("c1", "Rejected.")

    async def look_twice() -> None:
        gate = Gate(scene, "file-1")
        looks = [asyncio.create_task(scene.settler.look_at("file-1")) for _ in range(2)]
        await until(lambda: gate.come == 1)
        await asyncio.sleep(0.1)
        assert gate.come == 1
        gate.opened.set()
        await asyncio.gather(*looks)
        assert gate.come == 2

    asyncio.run(look_twice())
    assert scene.upload().review_status == "rejected"


def test_words_of_several_people_cost_one_look(scene: Scene) -> None:
    """Comments of three people on one file, all of them new, are one reading of it."""
    scene.track(read=False)
    for number, person in enumerate((CLIENT, REVIEWER, GUEST)):
        scene.frameio.write(f"c{number}", "Received, thank you.", author=person)
        scene.receive("comment.created", f"c{number}", user=person)
    asyncio.run(scene.settler.settle_events())
    assert scene.frameio.calls.count("file file-1") == 1
    assert scene.frameio.calls.count("comments file-1") == 1
    assert all(event.settled_at and event.upload_id == "clip" for event in scene.events())
