"""One approved version, one delivery, seen whole or not at all."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import imageio_ffmpeg  # type: ignore[import-untyped]  # it has no types
import pytest
from sqlmodel import select

from postflow.domain.standing import ReviewStatus
from postflow.errors import PostProcessingError
from postflow.store.tables import AnnouncementRow
from postflow.store.uploads import load_upload
from tests.delivery.conftest import Room
from tests.factories import NOW


def test_delivery_consists_of_three_files(room: Room) -> None:
    """Video, poster and manifest; the manifest names them by their sha256 and says why."""
    room.approve("clip", room.videos.make("clip.mp4"))
    delivered = room.deliver("clip")
    assert delivered is not None
    assert delivered.path == room.folder / "clip.mp4"
    assert room.visible() == {"clip.mp4", "clip.jpg", "clip.manifest.json"}
    assert room.hidden() == set()
    manifest = json.loads((room.folder / "clip.manifest.json").read_text())
    for name in ("clip.mp4", "clip.jpg"):
        assert manifest["files"][name]["sha256"] == _sha256(room.folder / name)
    assert manifest["verdict"]["who"] == "Cleo"
    assert _codecs(delivered.path) == {"h264", "aac"}


def test_delivering_again_changes_nothing(room: Room) -> None:
    """The second call finds the delivery of the first one."""
    room.approve("clip", room.videos.make("clip.mp4"))
    first = room.deliver("clip")
    made_at = (room.folder / "clip.mp4").stat().st_mtime_ns
    assert room.deliver("clip") == first
    assert (room.folder / "clip.mp4").stat().st_mtime_ns == made_at
    with room.store.reading() as session:
        rows = session.exec(select(AnnouncementRow)).all()
    assert [row.kind for row in rows].count("delivered") == 1


def test_crash_before_commit_delivers_once(room: Room) -> None:
    """Files that were shown when the process died are recorded later, not made again."""
    room.approve("clip", room.videos.make("clip.mp4"))
    room.deliver("clip")
    made_at = (room.folder / "clip.mp4").stat().st_mtime_ns
    room.forget_completion("clip")
    assert room.deliver("clip") is not None
    assert (room.folder / "clip.mp4").stat().st_mtime_ns == made_at
    assert room.row("clip").sha256 == _sha256(room.folder / "clip.mp4")
    assert room.visible() == {"clip.mp4", "clip.jpg", "clip.manifest.json"}


def test_crash_between_renames_is_made_good(room: Room) -> None:
    """A poster and a manifest without their video are replaced by a whole delivery."""
    room.approve("clip", room.videos.make("clip.mp4"))
    room.deliver("clip")
    room.forget_completion("clip")
    (room.folder / "clip.mp4").unlink()
    assert room.deliver("clip") is not None
    manifest = json.loads((room.folder / "clip.manifest.json").read_text())
    assert manifest["files"]["clip.mp4"]["sha256"] == _sha256(room.folder / "clip.mp4")


def test_leftovers_of_killed_process_vanish(room: Room) -> None:
    """The hidden folder of a process that was killed while it encoded is removed."""
    room.approve("clip", room.videos.make("clip.mp4"))
    room.deliver("clip")
    room.forget_completion("clip")
    (room.folder / "clip.mp4").unlink()
    left = room.folder / f".clip.of-{room.row('clip').id}.left.partial"
    left.mkdir()
    (left / "clip.mp4").write_bytes(b"half")
    room.deliver("clip")
    assert room.hidden() == set()


def test_unfinished_delivery_is_never_visible(room: Room) -> None:
    """While the files are made, somebody who looks into the folder sees none of them."""
    room.approve("clip", room.videos.make("clip.mp4")).unlink()
    seen: list[set[str]] = []

    def look(file_id: str, target: Path) -> tuple[str, int]:
        seen.append(room.visible())
        return room.fetch(file_id, target)

    room.deliver("clip", fetch=look)
    assert seen == [set()]


def test_withdrawn_approval_shows_nothing(room: Room) -> None:
    """An approval that is taken back while the files are made leaves nothing to be seen."""
    room.approve("clip", room.videos.make("clip.mp4")).unlink()

    def withdraw(file_id: str, target: Path) -> tuple[str, int]:
        room.decide("clip", ReviewStatus.PENDING)
        return room.fetch(file_id, target)

    assert room.deliver("clip", fetch=withdraw) is None
    assert room.visible() == room.hidden() == set()
    room.decide("clip", ReviewStatus.APPROVED)
    assert room.deliver("clip") is not None


def test_cancelled_upload_shows_nothing(room: Room) -> None:
    """A video that is given up while its files are made is not delivered."""
    room.approve("clip", room.videos.make("clip.mp4")).unlink()

    def cancel(file_id: str, target: Path) -> tuple[str, int]:
        with room.store.writing() as session:
            load_upload(session, "clip").cancelled_at = NOW
        return room.fetch(file_id, target)

    assert room.deliver("clip", fetch=cancel) is None
    assert room.visible() == set()


def test_rejected_version_is_not_claimed(room: Room) -> None:
    """Without an approval no file is made at all."""
    room.approve("clip", room.videos.make("clip.mp4"))
    room.decide("clip", ReviewStatus.REJECTED)
    assert room.deliver("clip") is None
    assert room.visible() == set()


def test_same_file_name_gets_own_delivery(room: Room) -> None:
    """Two uploads called clip.mp4 are both delivered, under two names."""
    room.approve("first", room.videos.make("clip.mp4", folder=room.videos.folder / "a"))
    room.approve("second", room.videos.make("clip.mp4", folder=room.videos.folder / "b"))
    first, second = room.deliver("first"), room.deliver("second")
    assert first is not None
    assert second is not None
    assert first.path != second.path
    assert len(room.visible()) == 6


@pytest.mark.parametrize("name", ["clip.mp4", "clip.jpg", "clip.manifest.json"])
def test_foreign_file_is_not_overwritten(room: Room, name: str) -> None:
    """A file that lies in the output folder already keeps its bytes."""
    room.folder.mkdir()
    (room.folder / name).write_text("somebody else's")
    room.approve("clip", room.videos.make("clip.mp4"))
    room.deliver("clip")
    assert (room.folder / name).read_text() == "somebody else's"
    assert len(room.visible()) == 4


def test_long_name_is_cut_to_fit(room: Room) -> None:
    """A name that fills what file systems allow leaves room for ours."""
    room.approve("long", room.videos.make("é" * 120 + ".mp4"))
    delivered = room.deliver("long")
    assert delivered is not None
    assert delivered.path is not None
    assert delivered.path.stem == "é" * 90


def test_own_profile_makes_other_codec(room: Room) -> None:
    """`post_processing.profile` holds ffmpeg's arguments."""
    room.profile = ("-c:v", "mpeg4", "-an")
    room.approve("clip", room.videos.make("clip.mp4"))
    delivered = room.deliver("clip")
    assert delivered is not None
    assert delivered.path is not None
    assert _codecs(delivered.path) == {"mpeg4"}


def test_impossible_profile_is_one_sentence(room: Room) -> None:
    """A misspelt codec is reported with the setting that holds it; nothing is visible."""
    room.profile = ("-c:v", "no-such-codec")
    room.approve("clip", room.videos.make("clip.mp4"))
    with pytest.raises(PostProcessingError, match=r"clip.mp4 could not be encoded .*profile\.$"):
        room.deliver("clip")
    assert room.visible() == room.hidden() == set()


def test_unreadable_video_is_one_sentence(room: Room) -> None:
    """A file that is no video in spite of its name is named."""
    path = room.videos.folder / "notes.mp4"
    path.parent.mkdir()
    path.write_text("no video at all")
    room.approve("notes", path)
    with pytest.raises(PostProcessingError, match=r"^notes.mp4 could not be encoded \("):
        room.deliver("notes")
    assert room.visible() == room.hidden() == set()


def test_unwritable_folder_is_one_sentence(room: Room) -> None:
    """An output folder that cannot be made is named with its setting."""
    room.folder.write_text("a file stands where the folder should be")
    room.approve("clip", room.videos.make("clip.mp4"))
    with pytest.raises(PostProcessingError, match=r"post_processing\.output_dir"):
        room.deliver("clip")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _codecs(path: Path) -> set[str]:
    """Return the codecs of a file's streams, as ffmpeg prints them."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", str(path)]
    printed = subprocess.run(command, capture_output=True, text=True, check=False).stderr  # noqa: S603 - ffmpeg, no shell
    streams = [line for line in printed.splitlines() if "Stream #" in line]
    return {line.split(": ")[2].split()[0].rstrip(",") for line in streams}
