"""A process that kills itself between two steps: `python -m tests.faults.crash_points POINT …`.

It does with the store what a service or a flow process does, up to the point that is named.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import event
from sqlmodel import Session

from flows.working import Desk, holding_lease, record_end
from postflow.domain.runs import ResumeAnswer
from postflow.frameio.wire import File
from postflow.settings import Settings
from postflow.store.database import Store, open_store
from tests.delivery.conftest import Room
from tests.factories import CLIENT, NOW, make_delivery
from tests.flows.videos import Videos
from tests.tracker.conftest import RUN, Scene
from tests.tracker.fakes import FakeFrameio, RecordingFlowRuns
from webhook_api.intake import Intake


def kill(*_about: object) -> None:
    """End this process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


class _KillingFrameio(FakeFrameio):
    async def fetch_file(self, file_id: str, *, include: object = ()) -> File:
        del include
        kill()
        return self.files[file_id]


class _KillingFlowRuns(RecordingFlowRuns):
    def __init__(self, *, asks: bool) -> None:
        super().__init__()
        self._asks = asks

    async def resume(self, flow_run_id: str) -> ResumeAnswer:
        if self._asks:
            await super().resume(flow_run_id)
        kill()
        raise AssertionError


def _receive(store: Store) -> None:
    intake = Intake(store)
    intake.start()
    delivery = make_delivery("c1", event_type="comment.created", user=CLIENT, at=NOW)
    asyncio.run(intake.record(delivery))
    sys.stdout.write("202\n")


def _between_receive_and_commit(store: Store, _folder: Path) -> None:
    event.listen(store.engine, "commit", kill)
    _receive(store)


def _between_commit_and_answer(store: Store, _folder: Path) -> None:
    event.listen(Session, "after_commit", kill)
    _receive(store)


def _settle(store: Store, frameio: type[FakeFrameio] = FakeFrameio) -> None:
    scene = Scene(store)
    scene.frameio = frameio(scene.clock)
    scene.frameio.add_file()
    scene.frameio.write("c1", "Approved.")
    scene.start()
    asyncio.run(scene.settler.settle_events())


def _between_claim_and_decide(store: Store, _folder: Path) -> None:
    _settle(store, _KillingFrameio)


def _between_decide_and_mark_due(store: Store, _folder: Path) -> None:
    statements: list[str] = []

    def look(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        statements.append(statement)
        if statement.startswith("UPDATE waits"):
            if not any(each.startswith("INSERT INTO decisions") for each in statements):
                sys.exit("nothing is decided yet")
            kill()

    event.listen(store.engine, "before_cursor_execute", look)
    _settle(store)


def _wake(store: Store, *, asks: bool) -> None:
    scene = Scene(store)
    scene.flow_runs = _KillingFlowRuns(asks=asks)
    scene.start()
    asyncio.run(scene.resumer.run_once())


def _between_due_and_resume(store: Store, _folder: Path) -> None:
    _wake(store, asks=False)


def _between_resume_and_its_note(store: Store, _folder: Path) -> None:
    _wake(store, asks=True)


def _between_flow_start_and_close(store: Store, _folder: Path) -> None:
    with holding_lease(Desk(settings=Settings(), store=store, flow_run_id=RUN), "clip"):
        kill()


def _between_end_and_prefect(store: Store, _folder: Path) -> None:
    desk = Desk(settings=Settings(), store=store, flow_run_id=RUN)
    with holding_lease(desk, "clip"):
        record_end(desk, note="Completed: Delivered: clip.mp4")
        kill()


def _between_files_and_record(store: Store, folder: Path) -> None:
    def look(_connection: object) -> None:
        if (folder / "clip.mp4").exists():
            kill()

    event.listen(store.engine, "commit", look)
    _room(store, folder).deliver("clip")


def _between_deliver_and_close(store: Store, folder: Path) -> None:
    _room(store, folder).deliver("clip")
    kill()


def _room(store: Store, folder: Path) -> Room:
    return Room(store=store, videos=Videos(folder.parent / "masters"), folder=folder)


POINTS: dict[str, Callable[[Store, Path], None]] = {
    "receive and commit": _between_receive_and_commit,
    "commit and answer": _between_commit_and_answer,
    "claim and decide": _between_claim_and_decide,
    "decide and mark due": _between_decide_and_mark_due,
    "due and resume": _between_due_and_resume,
    "resume and its note": _between_resume_and_its_note,
    "flow start and close": _between_flow_start_and_close,
    "files and record": _between_files_and_record,
    "deliver and close": _between_deliver_and_close,
    "end and Prefect": _between_end_and_prefect,
}

if __name__ == "__main__":
    POINTS[sys.argv[1]](open_store(sys.argv[2]), Path(sys.argv[3]))
    sys.exit("the point was not reached")
