"""What is delivered is what was approved, whatever became of the file on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from postflow.domain.standing import ReviewStatus
from postflow.errors import FrameioUnavailableError, PostProcessingError
from postflow.store.uploads import load_upload
from tests.delivery.conftest import Room


def test_untouched_master_is_used_as_is(room: Room) -> None:
    """Nothing is fetched while the local file has the approved sha256."""
    room.approve("clip", room.videos.make("clip.mp4"))
    assert room.deliver("clip") is not None
    assert room.fetched == []
    assert _manifest(room)["master"]["fetched_from_frameio"] is False


def test_overwritten_master_is_fetched_instead(room: Room) -> None:
    """A master that was overwritten during the wait is not what was approved."""
    path = room.approve("clip", room.videos.make("clip.mp4"))
    approved = _approved_sha256(room)
    room.videos.make("clip.mp4")
    assert room.deliver("clip") is not None
    assert room.fetched == ["file-clip"]
    manifest = _manifest(room)
    assert manifest["master"]["sha256"] == approved
    assert manifest["master"]["fetched_from_frameio"] is True
    assert path.exists()


def test_same_size_overwrite_is_noticed(room: Room) -> None:
    """One changed byte is enough: the sha256 is computed anew, not only the size compared."""
    path = room.approve("clip", room.videos.make("clip.mp4"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert room.deliver("clip") is not None
    assert room.fetched == ["file-clip"]


def test_removed_master_is_fetched_instead(room: Room) -> None:
    """A master that was moved away during the wait does no harm."""
    room.approve("clip", room.videos.make("clip.mp4")).unlink()
    assert room.deliver("clip") is not None
    assert room.fetched == ["file-clip"]
    assert room.visible() == {"clip.mp4", "clip.jpg", "clip.manifest.json"}


def test_both_gone_delivers_nothing(room: Room) -> None:
    """Without the file and without the original there is one sentence and no delivery."""
    room.approve("clip", room.videos.make("clip.mp4")).unlink()
    room.originals.clear()
    with pytest.raises(PostProcessingError, match=r"The master of clip.mp4 is gone or changed"):
        room.deliver("clip")
    assert room.visible() == set()


def test_absent_frameio_is_worth_another_try(room: Room) -> None:
    """Without the file, and Frame.io away just now, the same call may work later."""
    room.approve("clip", room.videos.make("clip.mp4")).unlink()

    def be_away(file_id: str, target: Path) -> tuple[str, int]:
        raise FrameioUnavailableError(f"Frame.io does not answer ({file_id}, {target.name}).")

    with pytest.raises(FrameioUnavailableError, match=r"nothing was delivered") as caught:
        room.deliver("clip", fetch=be_away)
    assert caught.value.retryable
    assert room.visible() == room.hidden() == set()
    assert room.deliver("clip") is not None


def test_different_original_delivers_nothing(room: Room) -> None:
    """An original whose bytes are not the approved ones is refused as well."""
    room.approve("clip", room.videos.make("clip.mp4")).unlink()
    room.originals["file-clip"] = room.videos.make("other.mp4")
    with pytest.raises(PostProcessingError, match=r"is not the one that was uploaded"):
        room.deliver("clip")
    assert room.visible() == room.hidden() == set()


def test_own_deployment_gets_checked_master(room: Room) -> None:
    """The user's own deployment is handed the approved bytes and the verdict, once."""
    room.approve("clip", room.videos.make("clip.mp4")).unlink()
    started: list[dict[str, object]] = []
    assert room.hand_over("clip", started) is not None
    assert room.hand_over("clip", started) is not None
    (parameters,) = started
    assert sorted(parameters) == ["file_id", "manifest", "master", "upload_id", "version"]
    assert str(parameters["master"]).startswith(str(room.folder / ".masters"))
    assert room.visible() == set()


def test_withdrawn_approval_starts_nothing(room: Room) -> None:
    """An approval that is taken back while the master is fetched starts no deployment."""
    room.approve("clip", room.videos.make("clip.mp4"))
    room.decide("clip", ReviewStatus.PENDING)
    started: list[dict[str, object]] = []
    assert room.hand_over("clip", started) is None
    assert started == []


def _manifest(room: Room) -> dict[str, dict[str, object]]:
    loaded: dict[str, dict[str, object]] = json.loads(
        (room.folder / "clip.manifest.json").read_text()
    )
    return loaded


def _approved_sha256(room: Room) -> str | None:
    with room.store.reading() as session:
        return load_upload(session, "clip").sha256
