"""A new version that PostFlow uploads itself: beside the old one, then on top of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from postflow.clock import utc_now
from postflow.domain.uploads import WaitOutcome
from postflow.errors import PostFlowError, UploadConflictError, UploadError
from postflow.frameio.client import FrameioClient
from postflow.frameio.stacks import find_place_beside, stack_on_top
from postflow.settings.sections import FrameioSettings
from postflow.store.claims import take_claim
from postflow.submitting import plan_run
from tests.versions.rounds import RUN, Rounds


def test_new_version_lies_on_the_old_one(rounds: Rounds) -> None:
    """Both files are versions in one stack, the new one is current and waits for its review."""
    upload_id = rounds.submit(rounds.video("clip.mp4"))
    old = rounds.row(upload_id).file_id
    again = rounds.submit(rounds.video("other name.mp4"), of=upload_id)
    upload = rounds.row(upload_id)
    assert again == upload_id
    assert (upload.version, upload.status, upload.review_status) == (2, "ready", "pending")
    assert rounds.stacks() == [[old, upload.file_id]]
    assert rounds.versions(upload_id)[1].sha256 == upload.sha256


def test_third_version_joins_the_stack(rounds: Rounds) -> None:
    """Where there is a stack already, the new file is moved into it."""
    upload_id = rounds.submit(rounds.video("clip.mp4"))
    files = [rounds.row(upload_id).file_id]
    for _ in range(2):
        rounds.submit(rounds.video("clip.mp4"), of=upload_id)
        files.append(rounds.row(upload_id).file_id)
    assert rounds.stacks() == [files]


def test_version_goes_beside_a_moved_file(rounds: Rounds) -> None:
    """The folder of the old file counts, not the one in the settings."""
    upload_id = rounds.submit(rounds.video("clip.mp4"))
    rounds.settings = rounds.settings.model_copy(
        update={"frameio": rounds.settings.frameio.model_copy(update={"folder": "Elsewhere"})}
    )
    rounds.submit(rounds.video("clip.mp4"), of=upload_id)
    folders = [folder["name"] for folder in rounds.order("GET", "/state")["folders"]]
    assert "Elsewhere" not in folders
    assert len(rounds.stacks()) == 1


def test_waiting_run_is_the_one_that_uploads(rounds: Rounds) -> None:
    """The sleeping run is woken for the new version, and no second run is planned."""
    upload_id = rounds.submit(rounds.video("clip.mp4"))
    wait_id = rounds.wait_for(upload_id)
    rounds.register(rounds.video("clip.mp4"), of=upload_id)
    assert rounds.wait(wait_id).due_at is not None
    attempt = plan_run(rounds.store, upload_id, is_over=False, since=utc_now())
    assert attempt is not None
    assert (attempt.version, attempt.flow_run_id) == (2, RUN)
    assert rounds.close(wait_id) is WaitOutcome.SUPERSEDED


def test_same_bytes_again_are_no_new_version(rounds: Rounds) -> None:
    """Submitting the current version once more changes nothing, nor does an older one."""
    first, second = rounds.video("clip.mp4"), rounds.video("better.mp4")
    upload_id = rounds.submit(first)
    rounds.submit(second, of=upload_id)
    assert rounds.register(second, of=upload_id) == upload_id
    assert rounds.register(first) == upload_id
    upload = rounds.row(upload_id)
    assert (upload.version, upload.path) == (2, str(second))


def test_file_of_another_upload_is_refused(rounds: Rounds) -> None:
    """One file cannot be a version of two uploads."""
    one, other = rounds.video("one.mp4"), rounds.video("other.mp4")
    upload_id = rounds.submit(one)
    rounds.submit(other)
    with pytest.raises(UploadConflictError, match="already tracked as 'other-"):
        rounds.register(other, of=upload_id)


def test_version_waits_for_the_upload_before(rounds: Rounds) -> None:
    """While the old version is on its way to Frame.io a new one is refused, by name too."""
    upload_id = rounds.register(rounds.video("shot_v001.mp4"))
    with rounds.store.writing() as session:
        take_claim(
            session, upload_id, holder="somebody", now=utc_now(), lease=timedelta(seconds=60)
        )
    new = rounds.video("shot_v002.mp4")
    for of in (upload_id, None):
        with pytest.raises(UploadError, match="still being uploaded"):
            rounds.register(new, of=of)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("shot_010_v001.mp4", "shot_010_v002.mp4"),
        ("shot_v9.mp4", "SHOT_V10.mov"),
        ("100%_done_v1.mp4", "100%_done_v2.mp4"),
    ],
)
def test_higher_number_is_the_next_version(rounds_on_each: Rounds, old: str, new: str) -> None:
    """The same stem with a higher `_v` number follows the tracked file by itself."""
    rounds = rounds_on_each
    upload_id = rounds.submit(rounds.video(old))
    assert rounds.register(rounds.video(new)) == upload_id
    assert [version.filename for version in rounds.versions(upload_id)] == [old, new]


@pytest.mark.parametrize(
    "other", ["shot_v001.mov", "shot_v0.mp4", "shot.mp4", "shots_v002.mp4", "a shot_v002.mp4"]
)
def test_other_names_are_uploads_of_their_own(rounds: Rounds, other: str) -> None:
    """An equal or lower number, no number, or another stem follows nothing."""
    upload_id = rounds.submit(rounds.video("shot_v001.mp4"))
    assert rounds.register(rounds.video(other)) != upload_id


def test_setting_keeps_numbered_files_apart(rounds: Rounds) -> None:
    """With `frameio.auto_version` off, `_v002` is an upload of its own."""
    upload_id = rounds.submit(rounds.video("shot_v001.mp4"))
    off = FrameioSettings.model_validate(
        rounds.settings.frameio.model_dump() | {"auto_version": False}
    )
    rounds.settings = rounds.settings.model_copy(update={"frameio": off})
    assert rounds.register(rounds.video("shot_v002.mp4")) != upload_id


def test_too_many_rounds_are_refused(rounds: Rounds) -> None:
    """After `review.max_rounds` versions the next file is refused with a sentence."""
    upload_id = rounds.submit(rounds.video("clip.mp4"))
    for number in (2, 3):
        rounds.submit(rounds.video("clip.mp4"), of=upload_id)
        rounds.settle_until_ready(upload_id, version=number)
    with pytest.raises(UploadError, match=r"3 review rounds.*review\.max_rounds"):
        rounds.register(rounds.video("clip.mp4"), of=upload_id)


def test_crash_before_stacking_is_made_good(rounds: Rounds) -> None:
    """A process killed between upload and stacking leaves a file that the next call stacks.

    Although the tracker has seen the file ready meanwhile.
    """
    upload_id = rounds.submit(rounds.video("clip.mp4"))
    rounds.register(rounds.video("clip.mp4"), of=upload_id)
    stacking = {"method": "POST", "path": "*/version_stacks"}
    rounds.order("POST", "/faults", kind="answer", status=403, times=None, **stacking)
    with pytest.raises(PostFlowError):
        rounds.upload(upload_id)
    rounds.settle_until_ready(upload_id, version=2)
    assert rounds.stacks() == []
    rounds.order("DELETE", "/faults")
    rounds.upload(upload_id)
    old, new = rounds.versions(upload_id)
    assert rounds.stacks() == [[old.file_id, new.file_id]]
    assert new.placeholder is None
    assert _count(rounds, "clip.mp4") == 2


def test_lost_answer_of_stacking_makes_one_stack(rounds: Rounds) -> None:
    """A create that took effect although its answer was an error is not repeated."""
    upload_id = rounds.submit(rounds.video("clip.mp4"))
    stacking = {"method": "POST", "path": "*/version_stacks"}
    rounds.order("POST", "/faults", kind="answer", status=502, after_effect=True, **stacking)
    rounds.submit(rounds.video("clip.mp4"), of=upload_id)
    assert len(rounds.stacks()) == 1


def test_stacking_again_changes_nothing(rounds: Rounds) -> None:
    """Whatever is stacked already stays as it is; a file that is gone is stacked on by nobody."""
    upload_id = rounds.submit(rounds.video("clip.mp4"))
    rounds.submit(rounds.video("clip.mp4"), of=upload_id)
    old, new = (str(version.file_id) for version in rounds.versions(upload_id))

    async def again(frameio: FrameioClient) -> None:
        await stack_on_top(frameio, older=[old], newer=new)
        await stack_on_top(frameio, older=[str(uuid4())], newer=new)
        assert await find_place_beside(frameio, []) is None

    rounds.call(again)
    assert rounds.stacks() == [[old, new]]


def test_delivery_of_numbered_version_keeps_its_name(rounds: Rounds, tmp_path: Path) -> None:
    """A version that says its number in its name is delivered under that name."""
    upload_id = rounds.submit(rounds.playable("shot_v001.mp4"))
    rounds.submit(rounds.playable("shot_v002.mp4"))
    rounds.say("shot_v002.mp4", "Approved!")
    rounds.settle_until_reviewed(upload_id, "approved")
    delivered = rounds.deliver(upload_id)
    assert delivered is not None
    assert delivered.path == tmp_path / "delivered" / "shot_v002.mp4"


def _count(rounds: Rounds, name: str) -> int:
    return sum(file["name"] == name for file in rounds.order("GET", "/state")["files"])
