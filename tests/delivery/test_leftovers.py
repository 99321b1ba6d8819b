"""What a killed delivery left, when nobody delivers the version again."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from sqlmodel import select

from postflow.clock import utc_now
from postflow.delivery.leftovers import clear_leftovers
from postflow.delivery.masters import hash_file
from postflow.domain.standing import ReviewStatus
from postflow.store.tables import AnnouncementRow, DeliveryRow
from postflow.store.uploads import fail_upload, load_upload
from tests.delivery.conftest import Room

ALL = {"clip.mp4", "clip.jpg", "clip.manifest.json"}


@pytest.fixture
def made(room: Room) -> Path:
    """Let a process be killed that has made all files out of sight; give its hidden folder."""
    room.approve("clip", room.videos.make("clip.mp4"))
    room.deliver("clip")
    room.forget_completion("clip")
    hidden = room.folder / f".clip.of-{room.row('clip').id}.left.partial"
    hidden.mkdir()
    for name in ALL:
        (room.folder / name).rename(hidden / name)
    return hidden


def show(room: Room, hidden: Path, *names: str) -> None:
    """Let the process have come so far with showing them."""
    for name in names:
        (hidden / name).rename(room.folder / name)


def clear(room: Room) -> None:
    """Do what the next process of the run does first."""
    clear_leftovers(room.store, "clip", folder=room.folder)


def row(room: Room) -> DeliveryRow:
    """Return the only delivery, of whatever version."""
    with room.store.reading() as session:
        return session.exec(select(DeliveryRow)).one()


def announced(room: Room) -> list[tuple[str, int, object]]:
    """Return what was told of deliveries, of which version and of which file."""
    with room.store.reading() as session:
        rows = session.exec(select(AnnouncementRow)).all()
    told = [(each.kind, each.version, each.payload["file_id"]) for each in rows]
    return [each for each in told if each[0] in {"delivered", "recalled"}]


def change(room: Room, what: str) -> None:
    """Let something happen to the upload, so that nobody delivers its version again."""
    if what == "rejected":
        room.decide("clip", ReviewStatus.REJECTED)
        return
    with room.store.writing() as session:
        upload = load_upload(session, "clip", lock=True)
        if what == "cancelled":
            upload.cancelled_at = utc_now()
        elif what == "failed":
            fail_upload(upload, reason="deleted on Frame.io", now=utc_now())
            upload.gone_at = utc_now()
        else:
            upload.version, upload.review_status = 2, ReviewStatus.PENDING
            upload.file_id = "file-of-version-2"


@pytest.mark.parametrize("what", ["rejected", "cancelled", "failed", "replaced"])
def test_files_that_nobody_wants_vanish(room: Room, made: Path, what: str) -> None:
    """A delivery that is not finished by anybody leaves nothing in the folder."""
    assert made.is_dir()
    change(room, what)
    clear(room)
    assert room.visible() == room.hidden() == set()
    assert row(room).delivered_at is None


@pytest.mark.parametrize("held", [False, True])
def test_what_is_still_wanted_stays(room: Room, made: Path, held: bool) -> None:
    """An approval that stands, or waits to be released, is finished by whoever delivers next."""
    with room.store.writing() as session:
        load_upload(session, "clip", lock=True).held_since = utc_now() if held else None
    clear(room)
    assert room.hidden() == {made.name}


@pytest.mark.parametrize("names", [["clip.jpg"], ["clip.jpg", "clip.manifest.json"]])
def test_poster_without_its_video_vanishes(room: Room, made: Path, names: list[str]) -> None:
    """A crash between the renames shows what belongs to a video that never comes."""
    show(room, made, *names)
    room.decide("clip", ReviewStatus.REJECTED)
    clear(room)
    assert room.visible() == room.hidden() == set()


def test_company_without_a_hidden_folder_vanishes(room: Room, made: Path) -> None:
    """A rename that failed leaves poster and manifest, and its process removed the rest itself."""
    show(room, made, "clip.jpg", "clip.manifest.json")
    (made / "clip.mp4").unlink()
    made.rmdir()
    room.decide("clip", ReviewStatus.REJECTED)
    clear(room)
    assert room.visible() == set()


@pytest.mark.parametrize("is_made", [True, False])
@pytest.mark.parametrize("manifest", ["{}", '{"upload_id": "clip", "version": 1, "files": {}}'])
def test_files_of_others_stay(room: Room, made: Path, manifest: str, is_made: bool) -> None:
    """What no manifest of ours describes is somebody else's, or a deployment of the user's own."""
    (made / "clip.jpg").unlink()
    (room.folder / "clip.jpg").write_bytes(b"somebody's picture")
    if not is_made:
        (made / "clip.manifest.json").unlink()
    (room.folder / "clip.manifest.json").write_text(manifest)
    room.decide("clip", ReviewStatus.REJECTED)
    clear(room)
    assert room.visible() == {"clip.jpg", "clip.manifest.json"}
    assert room.hidden() == set()


@pytest.mark.parametrize("what", ["rejected", "failed"])
def test_video_that_could_be_seen_is_recalled(room: Room, made: Path, what: str) -> None:
    """Somebody may have taken it before the store knew: it counts as delivered, and is recalled."""
    show(room, made, "clip.jpg", "clip.manifest.json", "clip.mp4")
    change(room, what)
    clear(room)
    clear(room)
    assert row(room).path == str(room.folder / "clip.mp4")
    assert row(room).recalled_at is not None
    assert announced(room) == [("recalled", 1, "file-clip")]  # nobody is to publish it
    assert room.visible() == ALL


@pytest.mark.parametrize("what", ["cancelled", "replaced"])
def test_video_whose_own_approval_stands_is_delivered(room: Room, made: Path, what: str) -> None:
    """Nobody took the yes to this version back: it counts as delivered, no more."""
    show(room, made, "clip.jpg", "clip.manifest.json", "clip.mp4")
    change(room, what)
    clear(room)
    assert row(room).delivered_at is not None
    assert row(room).recalled_at is None
    assert announced(room) == [("delivered", 1, "file-clip")]


def test_version_that_was_refused_before_the_next_is_recalled(room: Room, made: Path) -> None:
    """A newer version does not hide that the old one must not be used."""
    show(room, made, "clip.jpg", "clip.manifest.json", "clip.mp4")
    change(room, "rejected")
    change(room, "replaced")
    clear(room)
    assert row(room).recalled_at is not None
    assert announced(room) == [("recalled", 1, "file-clip")]


def test_refusal_while_shown_files_are_found_is_a_recall(
    room: Room, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A yes that is taken back while the next process looks at the files is not lost either."""
    show(room, made, "clip.jpg", "clip.manifest.json", "clip.mp4")

    def hash_slowly(path: Path) -> str:
        room.decide("clip", ReviewStatus.REJECTED)
        return hash_file(path)

    monkeypatch.setattr("postflow.delivery.place.hash_file", hash_slowly)
    assert room.deliver("clip") is None
    assert row(room).recalled_at is not None


def test_folder_that_is_away_costs_no_run(
    room: Room, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All stays as it is for the next time."""

    def be_away(*_: object, **__: object) -> None:
        raise OSError(errno.ESTALE, "Stale file handle")

    room.decide("clip", ReviewStatus.REJECTED)
    with monkeypatch.context() as away:
        away.setattr("pathlib.Path.glob", be_away)
        clear(room)
    assert made.is_dir()
    clear(room)
    assert room.hidden() == set()
