"""What PostFlow itself does at Frame.io comes back as webhooks: it never counts, and never loops."""

from __future__ import annotations

import asyncio

import pytest

from postflow.domain.people import Person
from postflow.domain.standing import ReviewStatus
from postflow.store.own_users import find_own_user, remember_own_user
from postflow.store.uploads import load_upload
from postflow.tracker.deciding import redecide
from tests.factories import CLIENT, after, make_settings
from tests.tracker.conftest import Scene

ITSELF = Person(id="postflow", email="bot@studio.example", name="PostFlow")


@pytest.fixture
def tracked(scene: Scene) -> Scene:
    """Give a scene with a video that somebody else has uploaded."""
    scene.track()
    return scene


def settle(scene: Scene) -> None:
    """Settle what is in the inbox."""
    asyncio.run(scene.settler.settle_events())


def look(scene: Scene) -> None:
    """Read the file and its comments."""
    asyncio.run(scene.settler.look_at("file-1"))


@pytest.mark.parametrize("text", ["Approved.", "Rejected.", "Please remove the logo."])
def test_own_comment_decides_nothing(tracked: Scene, text: str) -> None:
    """Neither a yes nor a no of PostFlow's own user makes a decision or an announcement."""
    tracked.frameio.write("c1", text, author=ITSELF)
    tracked.receive("comment.created", "c1", user=ITSELF)
    settle(tracked)
    assert (tracked.decisions(), tracked.announced()) == ([], ["ready"])


@pytest.mark.parametrize("value", ["Approved", "Rejected"])
def test_own_status_decides_nothing(tracked: Scene, value: str) -> None:
    """A Status that PostFlow's own user has set is an echo, by the webhook that names its setter."""
    tracked.frameio.set_status(value)
    tracked.receive("metadata.value.updated", "file-1", user=ITSELF)
    settle(tracked)
    assert (tracked.decisions(), tracked.announced()) == ([], ["ready"])


def test_own_status_takes_no_approval_away(tracked: Scene) -> None:
    """An echo after somebody's yes leaves the yes as it is."""
    tracked.frameio.write("c1", "Approved.", author=CLIENT)
    look(tracked)
    tracked.clock.advance(60)
    tracked.frameio.set_status("Rejected")
    tracked.receive("metadata.value.updated", "file-1", user=ITSELF)
    settle(tracked)
    assert tracked.upload().review_status == "approved"
    assert len(tracked.decisions()) == 1


def test_echoes_do_not_loop(tracked: Scene) -> None:
    """Each echo costs one reading and makes nothing new: a hundred of them end."""
    for number in range(100):
        tracked.frameio.write(f"c{number}", "Approved.", author=ITSELF)
        tracked.receive("comment.created", f"c{number}", user=ITSELF)
    settle(tracked)
    calls = len(tracked.frameio.calls)
    for _ in range(3):
        settle(tracked)
    assert len(tracked.frameio.calls) == calls
    assert all(event.settled_at for event in tracked.events())
    assert tracked.announced() == ["ready"]


def test_other_processes_know_the_own_user(tracked: Scene) -> None:
    """The command line decides without asking Frame.io, and still hears no echo."""
    tracked.frameio.write("c1", "Approved.", author=CLIENT)
    look(tracked)
    tracked.clock.advance(60)
    decide_as_command(tracked, ReviewStatus.PENDING)
    tracked.clock.advance(60)
    tracked.frameio.write("c2", "Approved.", author=ITSELF)
    look(tracked)
    decide_as_command(tracked, None)
    assert tracked.upload().review_status == "pending"


def test_own_remark_is_no_objection_to_silence(scene: Scene) -> None:
    """The resumer, which never asks Frame.io who PostFlow is, does not take an echo for a word."""
    scene.start(make_settings(timeout=3600, on_timeout="approve"))
    scene.track()
    scene.wait_for()
    scene.frameio.write("c1", "Which font is that?", author=ITSELF)
    scene.clock.advance(3600)
    look(scene)
    asyncio.run(scene.resumer.run_once())
    assert scene.upload().review_status == "approved"


def test_former_own_user_is_a_person_again(scene: Scene) -> None:
    """After signing in as a service account, whoever signed in before may approve."""
    with scene.store.writing() as session:
        remember_own_user(session, str(CLIENT.id), now=scene.clock())
        remember_own_user(session, "postflow", now=after(1))
        assert find_own_user(session) == "postflow"
    scene.clock.advance(2)
    scene.track()
    scene.frameio.write("c1", "Approved.", author=CLIENT)
    look(scene)
    assert scene.upload().review_status == "approved"


def decide_as_command(scene: Scene, verdict: ReviewStatus | None) -> None:
    """Decide as another process would, whose settings know no own user; None only recalculates."""
    if verdict is not None:
        scene.decide(verdict)
        return
    with scene.store.writing() as session:
        redecide(
            session,
            load_upload(session, "clip", lock=True),
            settings=scene.settings,
            now=scene.clock(),
        )
