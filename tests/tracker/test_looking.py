"""Reading a file: what its comments say, who wrote them, and readings that cross each other."""

from __future__ import annotations

import asyncio

from sqlmodel import select

from postflow.domain.uploads import UploadStatus
from postflow.settings.sections import ProjectSettings
from postflow.store.deliveries import claim_delivery, complete_delivery
from postflow.store.tables import CommentRow, DeliveryRow
from postflow.store.uploads import load_upload
from postflow.tracker.settling import Settler
from tests.factories import CLIENT, EDITOR, PROJECT, REVIEWER, make_upload
from tests.tracker.conftest import RUN, Scene


def look(scene: Scene, file_id: str = "file-1") -> None:
    """Read the file now."""
    asyncio.run(scene.settler.look_at(file_id))


def settle(scene: Scene) -> None:
    """Settle what is in the inbox now."""
    asyncio.run(scene.settler.settle_events())


def deliver(scene: Scene) -> None:
    """Let the flow deliver the approved version."""
    with scene.store.writing() as session:
        upload = load_upload(session, "clip", lock=True)
        delivery = claim_delivery(session, upload, name="clip", claimed_by="r", now=scene.clock())
        assert delivery is not None
        complete_delivery(delivery, path="clip.mp4", sha256="0", manifest={}, now=scene.clock())


def test_replies_are_read_with_their_authors(scene: Scene) -> None:
    """A reply decides like a comment, and asking who wrote it happens once."""
    scene.track()
    scene.frameio.write("c1", "Received, thank you.", author=EDITOR)
    scene.frameio.write("r1", "Rejected.", author=REVIEWER, reply_to="c1")
    look(scene)
    look(scene)
    assert scene.upload().review_status == "rejected"
    assert scene.frameio.calls.count("comment r1") == 1


def test_reply_by_the_editor_never_approves(scene: Scene) -> None:
    """Replies come without their owner; the editor's is recognised all the same."""
    scene.track()
    scene.frameio.write("c1", "Is it ready?", author=CLIENT)
    scene.frameio.write("r1", "Approved.", author=EDITOR, reply_to="c1")
    look(scene)
    assert scene.upload().review_status == "pending"


def test_hidden_replies_are_not_deleted(scene: Scene) -> None:
    """A refusal in a reply stays open when Frame.io cannot list replies for this kind of file."""
    scene.track()
    scene.frameio.write("c1", "Approved.", author=CLIENT)
    scene.frameio.write("r1", "Rejected.", author=REVIEWER, reply_to="c1")
    look(scene)
    scene.frameio.hide_replies()
    scene.frameio.comments["file-1"].append(
        scene.frameio.comments["file-1"][0].model_copy(
            update={"id": "r1", "text": "Rejected.", "replies": None}
        )
    )
    listed = scene.frameio.comments["file-1"]
    scene.frameio.comments["file-1"] = listed[:1]
    scene.frameio.comments["elsewhere"] = listed[1:]  # shown alone, but in no list of the file
    look(scene)
    assert scene.upload().review_status == "rejected"


def test_comment_listed_twice_counts_once(scene: Scene) -> None:
    """Pages that overlap do not make a file unreadable."""
    scene.track()
    scene.frameio.write("c1", "Approved.")
    scene.frameio.comments["file-1"] *= 2
    look(scene)
    assert scene.upload().review_status == "approved"


def test_strange_characters_do_not_block_a_file(scene: Scene) -> None:
    """A text that PostgreSQL refuses is stored without what it refuses."""
    scene.track()
    scene.frameio.write("c1", "Rejected.\0 \ud83d")
    look(scene)
    look(scene)
    assert scene.upload().review_status == "rejected"
    assert len(scene.decisions()) == 1


def test_overtaken_reading_is_thrown_away(scene: Scene) -> None:
    """A slow reading from before a refusal is not written over the one that saw it."""
    scene.track(read=False)
    scene.frameio.write("c1", "Approved.", author=CLIENT)
    slow, fast = scene.settler, scene.another_settler()

    async def cross() -> None:
        begun = asyncio.Event()
        go_on = asyncio.Event()
        fetch = scene.frameio.fetch_comments

        async def fetch_slowly(file_id: str) -> list[object]:
            found = await fetch(file_id)
            begun.set()
            await go_on.wait()
            return list(found)

        scene.frameio.fetch_comments = fetch_slowly  # type: ignore[method-assign,assignment]  # the fake is made slow
        scene.receive("comment.created", "c1")
        settling = asyncio.create_task(slow.settle_events())
        await begun.wait()
        scene.frameio.fetch_comments = fetch  # type: ignore[method-assign]  # and fast again
        scene.frameio.write("c2", "Rejected.", author=REVIEWER)
        await fast.look_at("file-1")
        go_on.set()
        await settling

    asyncio.run(cross())
    assert scene.upload().review_status == "rejected"
    (event,) = scene.events()
    assert event.settled_at is None
    scene.clock.advance(3)
    settle(scene)
    assert scene.upload().review_status == "rejected"
    assert scene.events()[0].settled_at is not None


def test_file_must_be_missed_twice(scene: Scene) -> None:
    """A single 404 may be a hiccup; the second one, seconds later, is a deletion."""
    scene.track()
    look(scene)
    file = scene.frameio.files.pop("file-1")
    scene.receive("file.deleted", "file-1", times=3)
    settle(scene)
    assert scene.upload().status == "ready"
    scene.frameio.files["file-1"] = file
    scene.clock.advance(6)
    look(scene)
    del scene.frameio.files["file-1"]
    look(scene)
    assert scene.upload().status == "ready"
    scene.clock.advance(5)
    look(scene)
    assert scene.upload().status == "failed"
    assert "deleted on Frame.io; run it again" in (scene.upload().failure or "")
    assert scene.announced().count("failed") == 1


def test_deletion_after_delivery_is_a_recall(scene: Scene) -> None:
    """A file that is deleted after its delivery did not fail: its delivery is recalled."""
    scene.track()
    scene.frameio.write("c1", "Approved.")
    look(scene)
    deliver(scene)
    del scene.frameio.files["file-1"]
    look(scene)
    scene.clock.advance(6)
    look(scene)
    assert scene.upload().status == "ready"
    assert scene.announced().count("recalled") == 1


def test_rejection_after_delivery_is_a_recall(scene: Scene) -> None:
    """A refusal after the delivery is recorded, announced once, and marks the manifest."""
    scene.track()
    scene.frameio.write("c1", "Approved.")
    look(scene)
    deliver(scene)
    scene.clock.advance(5)
    scene.frameio.write("c2", "Rejected.", author=REVIEWER)
    look(scene)
    look(scene)
    assert scene.announced().count("recalled") == 1
    with scene.store.reading() as session:
        delivery = session.exec(select(DeliveryRow)).one()
    assert delivery.recalled_at == scene.clock()
    assert delivery.manifest is not None
    assert "recalled_at" in delivery.manifest


def test_second_approval_is_not_announced(scene: Scene) -> None:
    """Automations that deliver on the event must not deliver again for every further yes."""
    scene.track()
    for number, author in enumerate((CLIENT, REVIEWER)):
        scene.frameio.write(f"c{number}", "Approved.", author=author)
        look(scene)
        scene.clock.advance(5)
    assert scene.announced().count("approved") == 1
    assert [decision.verdict for decision in scene.decisions()] == ["approved", "approved"]


def test_registered_name_attaches_to_its_file(scene: Scene) -> None:
    """A video registered without a file is attached once Frame.io reports one of its name."""
    with scene.store.writing() as session:
        make_upload(session, file_id=None, status=UploadStatus.REGISTERED)
    scene.frameio.add_file("file-9", name="clip.mp4")
    scene.receive("file.created", "file-9")
    scene.receive("file.ready", "file-9")
    settle(scene)
    assert scene.upload().file_id == "file-9"
    assert scene.upload().status == "ready"
    assert scene.frameio.calls.count("comments file-9") == 1


def test_unknown_file_id_attaches_by_name(scene: Scene) -> None:
    """An id that Frame.io never knew does not fail the video: its file may come under its name."""
    with scene.store.writing() as session:
        upload = make_upload(session, file_id="no-such-file", status=UploadStatus.REGISTERED)
        upload.look_at = scene.clock()
    for _ in range(3):
        asyncio.run(scene.settler.look_at_due())
        scene.clock.advance(60)
    assert scene.upload().status == "registered"
    scene.frameio.add_file("file-9", name="clip.mp4")
    scene.receive("file.ready", "file-9")
    settle(scene)
    assert scene.upload().file_id == "file-9"
    assert scene.upload().status == "ready"


def test_two_files_of_one_name_attach_in_order(scene: Scene) -> None:
    """The first file of the name is taken; the second one belongs to nobody."""
    with scene.store.writing() as session:
        make_upload(session, file_id=None, status=UploadStatus.REGISTERED)
    for file_id in ("file-8", "file-9"):
        scene.frameio.add_file(file_id, name="clip.mp4")
        scene.receive("file.created", file_id)
    settle(scene)
    assert scene.upload().file_id == "file-8"


def test_file_reported_before_registration_attaches(scene: Scene) -> None:
    """Registering a moment after Frame.io has reported the file is early enough."""
    scene.frameio.add_file("file-9", name="clip.mp4")
    scene.receive("file.created", "file-9")
    scene.receive("file.ready", "file-9")
    settle(scene)
    scene.clock.advance(30)
    with scene.store.writing() as session:
        make_upload(session, file_id=None, status=UploadStatus.REGISTERED, now=scene.clock())
    settle(scene)
    assert scene.upload().file_id == "file-9"


def test_comment_finds_the_file_by_name(scene: Scene) -> None:
    """A comment on a file that was reported long ago attaches the video that waits for it."""
    with scene.store.writing() as session:
        make_upload(session, file_id=None, status=UploadStatus.REGISTERED)
    scene.frameio.add_file("file-9", name="clip.mp4")
    scene.frameio.write("c1", "Approved.", file_id="file-9")
    scene.receive("comment.created", "c1")
    settle(scene)
    assert scene.upload().review_status == "approved"


def test_unknown_author_is_asked_for_again(scene: Scene) -> None:
    """A comment whose author could not be read never approves, until its author is known."""
    scene.track()
    scene.frameio.write("c1", "Approved.")
    look(scene)
    with scene.store.writing() as session:
        row = session.get_one(CommentRow, "c1")
        row.author_id, row.author_email, row.author_name = None, None, ""
    top = scene.frameio.comments["file-1"][0]
    scene.frameio.comments["file-1"] = [top.model_copy(update={"owner": None})]
    look(scene)
    with scene.store.reading() as session:
        assert session.get_one(CommentRow, "c1").author_id == CLIENT.id


def test_project_of_the_own_user_is_still_read(sqlite_scene: Scene) -> None:
    """A project whose only approver is PostFlow itself is read like others, and approves nothing."""
    scene = sqlite_scene
    own = ProjectSettings.model_validate({"review": {"approvers": ["postflow"]}})
    scene.start(scene.settings.model_copy(update={"projects": {PROJECT: own}}))
    scene.track()
    scene.frameio.write("c1", "Approved.")
    look(scene)
    assert scene.upload().review_status == "pending"
    scene.frameio.write("c2", "Rejected.", author=REVIEWER)
    look(scene)
    assert scene.upload().review_status == "rejected"


def test_look_hands_over_who_is_due(scene: Scene) -> None:
    """Whoever wakes flow runs is told whom to call after the commit, and only of those."""
    told: list[tuple[str, list[str]]] = []
    settler = Settler(
        store=scene.store,
        frameio=scene.frameio,
        settings=scene.settings,
        clock=scene.clock,
        on_due=lambda due: told.append(
            (scene.upload().review_status, [each.flow_run_id for each in due])
        ),
    )
    scene.track()
    scene.wait_for()
    scene.frameio.write("c1", "Nice colours.", author=CLIENT)
    scene.receive("comment.created", "c1")
    asyncio.run(settler.settle_events())
    assert told == []
    scene.frameio.write("c2", "Approved.", author=CLIENT)
    scene.receive("comment.created", "c2")
    asyncio.run(settler.settle_events())
    assert told == [("approved", [RUN])]
    scene.receive("comment.created", "c2")
    asyncio.run(settler.settle_events())
    assert len(told) == 1
