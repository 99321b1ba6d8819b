"""What goes on at the same time: files beside each other, each by one reading; wake-ups too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from postflow.domain.runs import ResumeAnswer
from postflow.domain.standing import ReviewStatus
from postflow.errors import PrefectUnavailableError, StoreUnavailableError
from postflow.frameio.wire import Comment
from postflow.tracker.deciding import decide_by_hand
from postflow.tracker.outbox import list_marked
from tests.factories import CLIENT, GUEST, REVIEWER
from tests.tracker.conftest import RUN, Scene


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


def test_slow_resume_holds_up_no_other(scene: Scene) -> None:
    """Prefect's answer about one run is not waited for before the next is called, nor asked twice."""
    other = "22222222-2222-4222-8222-222222222222"
    opened = asyncio.Event()
    resume = scene.flow_runs.resume

    async def resume_slowly(flow_run_id: str) -> ResumeAnswer:
        if flow_run_id == RUN:
            await opened.wait()
        return await resume(flow_run_id)

    scene.flow_runs.resume = resume_slowly  # type: ignore[method-assign]  # the fake is made slow
    for upload_id, file_id, run in (("slow", "file-1", RUN), ("fast", "file-2", other)):
        scene.track(upload_id, file_id)
        scene.wait_for(upload_id=upload_id, run=run)

    async def wake() -> None:
        async with asyncio.TaskGroup() as beside:
            scene.decide(upload_id="slow")
            assert await scene.resumer.wake_beside(beside) == 1
            scene.decide(upload_id="fast")
            assert await scene.resumer.wake_beside(beside) == 1
            await until(lambda: scene.flow_runs.resumed == [other])
            assert await scene.resumer.wake_beside(beside) == 0
            opened.set()

    asyncio.run(wake())
    assert scene.flow_runs.resumed == [other, RUN]


def test_prefect_that_is_away_is_asked_once_for_all(scene: Scene) -> None:
    """Nobody else is called after the first who got no answer; each is called again later."""
    waits = []
    for number in range(20):
        run = f"22222222-2222-4222-8222-{number:012}"
        scene.track(f"clip-{number}", f"file-{number}")
        waits.append(scene.wait_for(upload_id=f"clip-{number}", run=run))
        scene.decide(upload_id=f"clip-{number}")
    asked: list[str] = []

    async def be_away(flow_run_id: str) -> ResumeAnswer:
        asked.append(flow_run_id)
        raise PrefectUnavailableError("Prefect's server does not answer")

    scene.flow_runs.resume = be_away  # type: ignore[method-assign]  # the fake fails late
    assert asyncio.run(scene.resumer.wake_due()) == 20
    assert 0 < len(asked) <= 8
    assert all(scene.wait(each).last_answer for each in waits)


def test_store_that_fails_ends_the_round(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be written down nobody else is called; the tracker is told, and pauses."""
    for number in range(20):
        scene.track(f"clip-{number}", f"file-{number}")
        run = f"22222222-2222-4222-8222-{number:012}"
        scene.wait_for(upload_id=f"clip-{number}", run=run)
        scene.decide(upload_id=f"clip-{number}")

    def refuse(*_: object, **__: object) -> None:
        raise StoreUnavailableError("The disk is full")

    async def wake() -> None:
        with monkeypatch.context() as full:
            full.setattr(scene.resumer._outbox, "note", refuse)
            async with asyncio.TaskGroup() as beside:
                assert await scene.resumer.wake_beside(beside) == 20
        with pytest.raises(StoreUnavailableError):
            await scene.resumer.wake_beside(beside)
        assert 0 < len(scene.flow_runs.resumed) <= 8
        assert await scene.resumer.wake_due() == 20

    asyncio.run(wake())
    assert len(set(scene.flow_runs.resumed)) == 20


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


def test_handed_over_run_is_called_once(scene: Scene) -> None:
    """Who was told of a verdict calls the run although the same round finds it in the store, too."""
    scene.track()
    wait_id = scene.wait_for()
    due = scene.decide()
    assert [(each.wait_id, each.flow_run_id) for each in due] == [(wait_id, RUN)]

    async def wake() -> None:
        scene.resumer.hand_over(due)
        async with asyncio.TaskGroup() as tasks:
            assert await scene.resumer.wake_beside(tasks) == 1
            scene.resumer.hand_over(due)  # while it is called
        async with asyncio.TaskGroup() as tasks:
            assert await scene.resumer.wake_beside(tasks) == 0

    asyncio.run(wake())
    assert scene.flow_runs.resumed == [RUN]
    assert scene.wait(wait_id).accepted_at == scene.clock()


def test_nobody_is_marked_whose_answer_was_taken_back(scene: Scene) -> None:
    """A yes and its end in one transaction call nobody."""
    scene.track()
    scene.wait_for()
    with scene.store.writing() as session:
        for verdict in (ReviewStatus.APPROVED, ReviewStatus.PENDING):
            decide_by_hand(
                session,
                "clip",
                verdict=verdict,
                by="Ana",
                reason="seen",
                settings=scene.settings,
                now=scene.clock(),
            )
        assert list_marked(session) == []
