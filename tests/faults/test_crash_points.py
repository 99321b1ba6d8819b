"""kill -9 between any two steps, from the webhook to the delivery, on both databases.

Each test lets a process of its own die at one point, and shows what the next process makes of it.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from postflow.domain.runs import RunState
from postflow.store.database import Store
from postflow.store.flow_runs import load_run
from postflow.store.waits import close_wait
from tests.delivery.conftest import Room
from tests.factories import CLIENT, make_delivery
from tests.faults.crash_points import POINTS
from tests.flows.videos import Videos
from tests.tracker.conftest import RUN, Scene

ROOT = Path(__file__).parents[2]


@pytest.fixture
def scene(store: Store) -> Scene:
    """Give a scene whose reviewer has approved at Frame.io, and whose inbox is empty."""
    scene = Scene(store)
    scene.track(read=False)
    scene.frameio.write("c1", "Approved.")
    return scene


@pytest.fixture
def room(store: Store, tmp_path: Path) -> Room:
    """Give a place to deliver to, with one approved video."""
    room = Room(store=store, videos=Videos(tmp_path / "masters"), folder=tmp_path / "delivered")
    room.approve("clip", room.videos.make("clip.mp4"))
    return room


def die_between(point: str, store: Store, folder: Path = ROOT) -> str:
    """Let a process die at this point; return what it had printed."""
    url = store.engine.url.render_as_string(hide_password=False)
    died = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-m", "tests.faults.crash_points", point, url, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=120,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    return died.stdout


def receive(scene: Scene) -> None:
    """Let Frame.io send the delivery, or send it again."""
    scene.record([make_delivery("c1", event_type="comment.created", user=CLIENT, at=scene.clock())])


def settle(scene: Scene) -> int:
    """Let the next process settle what is in the inbox."""
    scene.start()
    return asyncio.run(scene.settler.settle_events())


def resume(scene: Scene) -> None:
    """Let the next process do one round of waking."""
    asyncio.run(scene.resumer.run_once())


def close(scene: Scene, wait_id: int) -> str | None:
    """Let the flow take its answer."""
    with scene.store.writing() as session:
        return close_wait(session, wait_id, review=scene.settings.review, now=scene.clock())


def pass_lease(scene: Scene) -> None:
    """Let the lease of the run that died go by, and the time for which silence is watched."""
    with scene.store.reading() as session:
        run = load_run(session, RUN)
    assert run is not None
    until = run.lease_until or scene.clock()
    for pause in ((until - scene.clock()).total_seconds(), 10, 10):  # the process had the real time
        scene.clock.advance(pause)
        resume(scene)


def verdicts(scene: Scene) -> list[str]:
    """Return the verdicts of all decisions."""
    return [decision.verdict for decision in scene.decisions()]


def test_killed_between_receive_and_commit(scene: Scene) -> None:
    """Nothing is answered and nothing stored, so Frame.io sends it again."""
    assert die_between("receive and commit", scene.store) == ""
    assert scene.events() == []
    receive(scene)
    assert (settle(scene), verdicts(scene)) == (1, ["approved"])


def test_killed_between_commit_and_answer(scene: Scene) -> None:
    """What was not answered is stored all the same, and its repeat decides nothing new."""
    assert die_between("commit and answer", scene.store) == ""
    assert len(scene.events()) == 1
    receive(scene)
    assert (settle(scene), verdicts(scene)) == (2, ["approved"])


def test_killed_between_claim_and_decide(scene: Scene) -> None:
    """A claimed event is nobody's until its lease ends; then the next process decides."""
    receive(scene)
    die_between("claim and decide", scene.store)
    (event,) = scene.events()
    assert (event.attempts, event.settled_at, verdicts(scene)) == (1, None, [])
    assert settle(scene) == 0
    scene.clock.advance(60)
    assert (settle(scene), verdicts(scene)) == (1, ["approved"])


def test_killed_between_decide_and_mark_due(scene: Scene) -> None:
    """A decision without its wake-up never shows: both come with the next process, or neither."""
    wait_id = scene.wait_for()
    receive(scene)
    die_between("decide and mark due", scene.store)
    assert (verdicts(scene), scene.wait(wait_id).due_at) == ([], None)
    assert scene.upload().head_hash is None
    scene.clock.advance(60)
    assert (settle(scene), verdicts(scene)) == (1, ["approved"])
    assert scene.wait(wait_id).due_at == scene.clock()


@pytest.fixture
def due(scene: Scene) -> int:
    """Let a flow run wait whose answer is there; give its wait."""
    wait_id = scene.wait_for()
    receive(scene)
    settle(scene)
    return wait_id


def test_killed_between_due_and_resume(scene: Scene, due: int) -> None:
    """The wake-up that is owed is given by the next process."""
    die_between("due and resume", scene.store)
    assert scene.wait(due).attempts == 0
    resume(scene)
    assert scene.flow_runs.resumed == [RUN]
    assert close(scene, due) == "approved"


def test_killed_between_resume_and_its_note(scene: Scene, due: int) -> None:
    """A resume that nobody remembers is repeated; the run takes its answer once."""
    die_between("resume and its note", scene.store)
    assert scene.wait(due).accepted_at is None
    resume(scene)
    assert scene.flow_runs.resumed == [RUN]
    assert (close(scene, due), close(scene, due)) == ("approved", "approved")


def test_killed_between_resume_and_flow_start(scene: Scene, due: int) -> None:
    """An accepted resume whose process never starts is found Crashed, and started again."""
    resume(scene)
    assert scene.wait(due).accepted_at is not None
    scene.flow_runs.states[RUN] = RunState.CRASHED
    scene.clock.advance(15)
    resume(scene)
    assert scene.flow_runs.restarted == [RUN]
    assert close(scene, due) == "approved"


def test_killed_between_flow_start_and_close(scene: Scene, due: int) -> None:
    """A process that dies after its first line leaves a lease that runs out, and is replaced."""
    die_between("flow start and close", scene.store)
    scene.flow_runs.states[RUN] = RunState.RUNNING
    pass_lease(scene)
    assert scene.flow_runs.restarted == [RUN]
    assert close(scene, due) == "approved"


def test_killed_between_files_and_record(room: Room) -> None:
    """Files that were shown but not recorded are the delivery; nothing is made again."""
    die_between("files and record", room.store, room.folder)
    shown = _times(room)
    assert (len(shown), room.row("clip").delivered_at) == (3, None)
    delivered = room.deliver("clip")
    assert delivered is not None
    assert (_times(room), room.hidden()) == (shown, set())
    assert room.row("clip").delivered_at is not None


def test_killed_between_deliver_and_close(room: Room) -> None:
    """A run that comes back after its delivery finds it, and delivers no second time."""
    die_between("deliver and close", room.store, room.folder)
    shown, before = _times(room), room.row("clip")
    delivered = room.deliver("clip")
    assert delivered is not None
    assert delivered.path == room.folder / "clip.mp4"
    assert (_times(room), room.row("clip")) == (shown, before)


def test_killed_between_end_and_prefect(scene: Scene) -> None:
    """A run that had no time to tell Prefect how it ended is not Running there for ever."""
    die_between("end and Prefect", scene.store)
    scene.flow_runs.states[RUN] = RunState.RUNNING
    pass_lease(scene)
    assert scene.flow_runs.ended == [(RUN, "Completed: Delivered: clip.mp4")]
    pass_lease(scene)
    assert len(scene.flow_runs.ended) == 1
    assert scene.flow_runs.restarted == []


def _times(room: Room) -> dict[str, int]:
    """Return what somebody sees in the folder, and when each file was made."""
    return {name: (room.folder / name).stat().st_mtime_ns for name in room.visible()}


def test_every_point_has_its_test() -> None:
    """No point is left without a test that dies there."""
    source = Path(__file__).read_text(encoding="utf-8")
    assert [point for point in POINTS if f'die_between("{point}"' not in source] == []
