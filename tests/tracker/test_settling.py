"""From a row in the inbox to a verdict: every event leads to one look at the truth."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from postflow.domain.people import Person
from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus, WaitKind
from postflow.errors import FrameioRefusedError, FrameioUnavailableError
from postflow.tracker.foreign import ForeignSettler
from postflow.tracker.routing import UNTRACKED_COMMENT
from tests.factories import (
    CLIENT,
    EDITOR,
    GUEST,
    REVIEWER,
    make_delivery,
    make_settings,
    make_upload,
)
from tests.tracker.conftest import RUN, Scene
from tests.tracker.fakes import BrokenFrameioError


def settle(scene: Scene) -> None:
    """Settle what is in the inbox now."""

    async def settle_all() -> None:
        await ForeignSettler(store=scene.store, clock=scene.clock).run_once()
        await scene.settler.settle_events()

    asyncio.run(settle_all())


def look(scene: Scene) -> None:
    """Look at what is due."""
    asyncio.run(scene.settler.look_at_due())


def test_comment_becomes_verdict_and_wake_up(scene: Scene) -> None:
    """A reviewer's approval marks the wait due, and the resumer wakes the flow run."""
    scene.track()
    wait_id = scene.wait_for()
    scene.frameio.write("c1", "Approved.")
    scene.receive("comment.created", "c1")
    settle(scene)
    assert scene.upload().review_status == "approved"
    assert scene.wait(wait_id).due_at == scene.clock()
    asyncio.run(scene.resumer.run_once())
    assert scene.flow_runs.resumed == [RUN]


def test_verdict_carries_its_reasons(scene: Scene) -> None:
    """The decision names the comment, its words, its writer, the score and the reason."""
    scene.track()
    scene.frameio.write("c1", "Rejected.", author=REVIEWER)
    scene.receive("comment.created", "c1")
    settle(scene)
    (decision,) = scene.decisions()
    assert (decision.verdict, decision.who) == ("rejected", "René")
    assert (decision.comment_id, decision.comment_text) == ("c1", "Rejected.")
    assert decision.score is not None
    assert decision.reason


def test_event_repeated_five_times_counts_once(scene: Scene) -> None:
    """Five deliveries of one event make one decision, one file read and one comment list."""
    scene.track(read=False)
    scene.frameio.write("c1", "Approved.")
    scene.receive("comment.created", "c1", times=5)
    settle(scene)
    assert scene.frameio.calls == ["comment c1", "file file-1", "comments file-1"]
    assert len(scene.decisions()) == 1
    assert all(event.settled_at and event.upload_id == "clip" for event in scene.events())


def test_many_events_of_one_file_cost_one_look(scene: Scene) -> None:
    """Ten new comments, a change of the file and of its metadata are one look together."""
    scene.track(read=False)
    for number in range(10):
        scene.frameio.write(f"c{number}", "Received, thank you.")
        scene.receive("comment.created", f"c{number}")
    scene.receive("file.updated", "file-1")
    scene.receive("metadata.value.updated", "file-1")
    settle(scene)
    assert scene.frameio.calls == ["file file-1", "comments file-1"]
    assert all(event.settled_at for event in scene.events())


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_order_of_events_is_irrelevant(sqlite_scene: Scene, order: tuple[int, ...]) -> None:
    """A refusal, its edit into an approval and the transcode may arrive in any order."""
    scene = sqlite_scene
    scene.track(read=False)
    scene.frameio.write("c1", "Rejected.")
    scene.clock.advance(5)
    scene.frameio.edit("c1", "Approved.")
    events = [("comment.created", "c1"), ("comment.updated", "c1"), ("file.ready", "file-1")]
    for place in order:
        scene.receive(*events[place])
        settle(scene)
    assert scene.upload().review_status == "approved"
    assert scene.upload().status == "ready"


def test_comment_deleted_before_it_is_read(scene: Scene) -> None:
    """An approval that is gone when we look never counted, and its events are settled."""
    scene.track()
    scene.receive("comment.created", "c1")
    scene.receive("comment.deleted", "c1")
    settle(scene)
    assert scene.upload().review_status == "pending"
    assert all(event.settled_at for event in scene.events())


def test_deleted_approval_is_taken_back(scene: Scene) -> None:
    """Deleting the comment that approved makes the version pending again, on the record."""
    scene.track()
    scene.frameio.write("c1", "Approved.")
    scene.receive("comment.created", "c1")
    settle(scene)
    scene.frameio.delete("c1")
    scene.receive("comment.deleted", "c1")
    settle(scene)
    assert scene.upload().review_status == "pending"
    assert [decision.verdict for decision in scene.decisions()] == ["approved", "pending"]


def test_foreign_projects_cost_no_call(scene: Scene) -> None:
    """Webhooks cover the workspace; what happens to other projects asks Frame.io nothing."""
    scene.track()
    with scene.store.writing() as session:
        make_upload(session, "by-name", file_id=None, status=UploadStatus.REGISTERED)
    for kind in ("comment.created", "file.ready", "metadata.value.updated", "project.updated"):
        scene.receive(kind, "elsewhere", project_id="project-2")
    settle(scene)
    assert scene.frameio.calls == []
    assert all(event.settled_at and event.note for event in scene.events())


def test_comments_on_untracked_file_are_settled(scene: Scene) -> None:
    """A project may hold many files that are not under review: people comment on those, too."""
    scene.track()
    scene.frameio.add_file("file-9", name="other.mp4")
    for number in range(2):
        scene.frameio.write(f"c{number}", "Approved.", file_id="file-9")
        scene.receive("comment.created", f"c{number}")
    settle(scene)
    assert all(event.settled_at and event.upload_id is None for event in scene.events())
    assert {event.note for event in scene.events()} == {UNTRACKED_COMMENT}
    assert scene.upload().review_status == "pending"


def test_unknown_events_are_settled(scene: Scene) -> None:
    """Whatever Frame.io may invent is kept, and does not come back for ever."""
    scene.receive("share.viewed", "s1")
    scene.record([make_delivery(event_type="nonsense")])
    settle(scene)
    assert all(event.settled_at for event in scene.events())


def test_outage_keeps_events_for_later(scene: Scene) -> None:
    """While Frame.io is down nothing is settled; hours later the verdict is read all the same."""
    scene.track(read=False)
    scene.frameio.write("c1", "Approved.")
    scene.receive("comment.created", "c1")
    scene.frameio.failure = FrameioUnavailableError("Frame.io is down")
    for _ in range(60):
        settle(scene)
        scene.clock.advance(301)
    (event,) = scene.events()
    assert (event.settled_at, event.set_aside_at, event.error) == (None, None, "Frame.io is down")
    scene.frameio.failure = None
    settle(scene)
    assert scene.upload().review_status == "approved"


@pytest.mark.parametrize("status", [401, 403])
def test_refused_token_keeps_events(scene: Scene, status: int) -> None:
    """An expired token is no fault of the events: they wait for a new one."""
    scene.track(read=False)
    scene.frameio.failure = FrameioRefusedError("log in again", status_code=status)
    scene.receive("comment.created", "c1")
    for _ in range(20):
        settle(scene)
        scene.clock.advance(301)
    (event,) = scene.events()
    assert (event.settled_at, event.set_aside_at) == (None, None)


@pytest.mark.parametrize(
    "failure", [BrokenFrameioError("cannot be read"), ValueError("a bug")], ids=["ours", "a-bug"]
)
def test_poisoned_event_is_set_aside(scene: Scene, failure: Exception) -> None:
    """What fails again and again is set aside with its error instead of being tried for ever."""
    scene.track(read=False)
    scene.receive("comment.created", "c1")
    scene.frameio.failure = failure
    for _ in range(scene.settings.tracker.max_attempts + 3):
        settle(scene)
        scene.clock.advance(301)
    (event,) = scene.events()
    assert event.set_aside_at is not None
    assert event.attempts == scene.settings.tracker.max_attempts
    assert str(failure) in (event.error or "")


def test_poisoned_file_holds_up_no_other(scene: Scene) -> None:
    """A file that cannot be read does not keep the next file's verdict waiting."""
    scene.track("bad", "file-bad", read=False)
    scene.track("good", "file-good", read=False)
    del scene.frameio.comments["file-bad"]  # reading it raises what nobody foresaw
    scene.frameio.write("c2", "Approved.", file_id="file-good")
    scene.receive("file.ready", "file-bad")
    scene.receive("comment.created", "c2")
    settle(scene)
    assert scene.upload("good").review_status == "approved"


def test_poisoned_file_holds_up_no_look(scene: Scene) -> None:
    """Polling goes on behind a file that cannot be read."""
    scene.track("bad", "file-bad")
    scene.clock.advance(1)
    scene.track("good", "file-good")
    del scene.frameio.comments["file-bad"]
    scene.frameio.write("c2", "Approved.", file_id="file-good")
    look(scene)
    assert scene.upload("good").review_status == "approved"


def test_own_user_never_decides(scene: Scene) -> None:
    """What PostFlow itself writes at Frame.io is no verdict, even on somebody else's upload."""
    scene.track()
    itself = Person(id="postflow", email="bot@studio.example", name="PostFlow")
    scene.frameio.write("c1", "Approved.", author=itself)
    scene.receive("comment.created", "c1", user=itself)
    settle(scene)
    assert scene.upload().review_status == ReviewStatus.PENDING


def test_own_uploader_never_approves(scene: Scene) -> None:
    """The editor who uploaded the version decides nothing about it."""
    scene.track()
    scene.frameio.write("c1", "Approved.", author=EDITOR)
    scene.receive("comment.created", "c1", user=EDITOR)
    settle(scene)
    assert scene.upload().review_status == "pending"
    assert scene.decisions() == []


def test_guest_only_rejects_beside_approvers(scene: Scene) -> None:
    """Once approvers are named, a guest who types an approver's address does not approve."""
    scene.start(make_settings(approvers=[CLIENT.email]))
    scene.track()
    impostor = type(GUEST)(email=CLIENT.email, name=CLIENT.name)
    scene.frameio.write("c1", "Approved.", author=impostor)
    scene.receive("comment.created", "c1", user=None)
    settle(scene)
    assert scene.upload().review_status == "pending"
    scene.clock.advance(1)
    scene.frameio.write("c2", "Approved.")
    scene.receive("comment.created", "c2")
    settle(scene)
    assert scene.upload().review_status == "approved"


def test_ready_file_wakes_its_wait(scene: Scene) -> None:
    """The end of the transcode is seen, announced once, and wakes the flow run."""
    scene.track(read=False)
    wait_id = scene.wait_for(WaitKind.READY)
    scene.receive("file.ready", "file-1", times=2)
    settle(scene)
    assert scene.upload().status == "ready"
    assert scene.wait(wait_id).due_at is not None
    assert scene.announced() == ["ready"]


def test_polling_alone_gives_the_verdict(scene: Scene) -> None:
    """Without any webhook the same outcome comes with the next look."""
    scene.track()
    wait_id = scene.wait_for()
    look(scene)
    scene.frameio.write("c1", "Approved.")
    scene.clock.advance(scene.settings.tracker.poll_every.total_seconds())
    look(scene)
    assert scene.upload().review_status == "approved"
    assert scene.wait(wait_id).due_at is not None


def test_finished_uploads_are_not_polled(scene: Scene) -> None:
    """A file that failed or was given up is not looked at for ever."""
    scene.track()
    del scene.frameio.files["file-1"]
    for _ in range(5):
        look(scene)
        scene.clock.advance(31)
    assert scene.upload().status == "failed"
    scene.receive("file.deleted", "file-1")
    settle(scene)
    scene.frameio.calls.clear()
    scene.clock.advance(86_400)
    look(scene)
    assert scene.frameio.calls == []


def test_comments_may_decide_nothing(scene: Scene) -> None:
    """With intelligent tracking off comments are stored and analysed but decide nothing."""
    quiet = scene.settings.webhook.model_copy(update={"intelligent_tracking": False})
    scene.start(scene.settings.model_copy(update={"webhook": quiet}))
    scene.track()
    scene.frameio.write("c1", "Approved.")
    scene.receive("comment.created", "c1")
    settle(scene)
    assert scene.upload().review_status == "pending"
    assert scene.frameio.calls
