from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

import pytest

from postflow import PostFlowIntegration
from postflow.delivery.encoding import find_ffmpeg
from postflow.errors import PostProcessingError, UnknownUploadError, UploadError
from tests.integration.conftest import Frameio


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Give the bytes of a real, very short video."""
    path = tmp_path_factory.mktemp("videos") / "short.mp4"
    made = "testsrc2=size=64x64:rate=10:duration=0.3"
    subprocess.run(  # noqa: S603 - our own ffmpeg, and no shell
        [find_ffmpeg(), "-loglevel", "error", "-f", "lavfi", "-i", made, str(path)], check=True
    )
    return path.read_bytes()


@pytest.fixture
def video(tmp_path: Path, picture: bytes) -> Path:
    """Give a video file."""
    path = tmp_path / "intro.mp4"
    path.write_bytes(picture)
    return path


def _approve(postflow: PostFlowIntegration, frameio: Frameio, upload_id: str) -> None:
    assert postflow.wait_for_upload_ready(upload_id, timeout=20)
    found = postflow.get_upload_status(upload_id)
    assert found is not None
    frameio.comment(str(found["file_id"]), "Validé !")
    assert postflow.wait_for_approval(upload_id, timeout=20)


def test_same_file_is_the_same_upload(tracking: PostFlowIntegration, video: Path) -> None:
    """A file is uploaded once, whatever a script's second run asks for."""
    first = tracking.upload_and_track(video)

    assert tracking.upload_and_track(str(video)) == first

    found = tracking.get_upload_status(first)
    assert found is not None
    assert found["filename"] == "intro.mp4"
    assert found["file_id"] is not None
    assert tracking.get_tracking_stats()["total_tracked"] == 1


def test_upload_works_beside_an_event_loop(tracking: PostFlowIntegration, video: Path) -> None:
    """A notebook's running event loop is no obstacle."""

    async def cell() -> str:
        return tracking.upload_and_track(video)

    assert tracking.get_upload_status(asyncio.run(cell())) is not None


@pytest.mark.parametrize(
    ("name", "why"), [("gone.mp4", "does not exist"), ("notes.txt", "no video by its name")]
)
def test_unusable_file_is_named(
    tracking: PostFlowIntegration, tmp_path: Path, name: str, why: str
) -> None:
    """What cannot be uploaded is named, and nothing is registered."""
    (tmp_path / "notes.txt").write_text("no video", encoding="utf-8")

    with pytest.raises(UploadError, match=f"{name} .*{why}"):
        tracking.upload_and_track(tmp_path / name)

    assert tracking.get_tracking_stats()["total_tracked"] == 0


def test_approved_video_is_delivered_once(
    tracking: PostFlowIntegration, frameio: Frameio, video: Path
) -> None:
    """Asking again for post-processing gives the delivery that is there."""
    upload_id = tracking.upload_and_track(video)
    _approve(tracking, frameio, upload_id)

    path = tracking.trigger_post_processing(upload_id)

    assert path is not None
    made = path.stat()
    assert tracking.trigger_post_processing(upload_id) == path
    assert path.stat().st_mtime_ns == made.st_mtime_ns
    manifest = json.loads(path.with_suffix(".manifest.json").read_text(encoding="utf-8"))
    assert manifest["upload_id"] == upload_id
    found = tracking.get_upload_status(upload_id)
    assert found is not None
    assert found["delivery"] is not None
    assert found["delivery"]["path"] == str(path)


def test_lost_master_comes_from_frameio(
    tracking: PostFlowIntegration, frameio: Frameio, video: Path
) -> None:
    """Where the local file is gone, the approved original is fetched."""
    upload_id = tracking.upload_and_track(video)
    _approve(tracking, frameio, upload_id)
    video.unlink()

    path = tracking.trigger_post_processing(upload_id)

    assert path is not None
    assert path.is_file()


def test_pending_video_is_not_delivered(tracking: PostFlowIntegration, video: Path) -> None:
    """What nobody approved stays where it is, with a sentence that says so."""
    upload_id = tracking.upload_and_track(video)

    with pytest.raises(PostProcessingError, match=r"intro\.mp4 is pending, not approved"):
        tracking.trigger_post_processing(upload_id)

    assert not tracking.settings.post_processing.output_dir.exists()


def test_unknown_video_is_not_delivered(tracking: PostFlowIntegration) -> None:
    """An id that nobody registered is an error that names it."""
    with pytest.raises(UnknownUploadError, match="nobody"):
        tracking.trigger_post_processing("nobody")
