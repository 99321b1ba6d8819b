from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from postflow import PostFlowIntegration
from postflow.errors import UploadConflictError, UploadError
from tests.integration.conftest import Integrate, WriteConfig

GUIDE_KEYS = {
    "upload_id",
    "filename",
    "file_id",
    "project_id",
    "status",
    "review_status",
    "comments_count",
    "created_at",
    "webhook_events_received",
}
GUIDE_STATS = {
    "total_tracked",
    "active_tracks",
    "events_processed",
    "comments_analyzed",
    "status_distribution",
    "review_status_distribution",
}


def test_registered_upload_can_be_asked_for(integrate: Integrate) -> None:
    """An upload is known at once, with the guide's keys, while nobody tracks."""
    postflow = integrate()

    postflow.register_upload("upload_001", "ma_video.mp4", "file-1", "project-1", "workspace-1")

    found = postflow.get_upload_status("upload_001")
    assert found is not None
    assert found.keys() >= GUIDE_KEYS
    assert (found["filename"], found["file_id"], found["project_id"]) == (
        "ma_video.mp4",
        "file-1",
        "project-1",
    )
    assert (found["status"], found["review_status"]) == ("registered", "pending")
    assert found["webhook_events_received"] == []


def test_unknown_upload_is_none(integrate: Integrate) -> None:
    """Nothing is known of an id that nobody registered; it is neither ready nor approved."""
    postflow = integrate()

    assert postflow.get_upload_status("nobody") is None
    assert postflow.is_upload_ready("nobody") is False
    assert postflow.is_upload_approved("nobody") is False


def test_same_upload_twice_changes_nothing(integrate: Integrate) -> None:
    """Registering again is harmless, and may bring the file id later."""
    postflow = integrate()
    postflow.register_upload("upload_001", "ma_video.mp4")
    before = postflow.get_upload_status("upload_001")

    postflow.register_upload("upload_001", "ma_video.mp4")

    assert postflow.get_upload_status("upload_001") == before
    postflow.register_upload("upload_001", "ma_video.mp4", file_id="file-1")
    after = postflow.get_upload_status("upload_001")
    assert after is not None
    assert after["file_id"] == "file-1"
    assert postflow.get_tracking_stats()["total_tracked"] == 1


@pytest.mark.parametrize(
    ("filename", "file_id"), [("other.mp4", "file-1"), ("cut.mp4", "file-2")], ids=["name", "file"]
)
def test_other_file_under_an_id_is_refused(
    integrate: Integrate, filename: str, file_id: str
) -> None:
    """An id stands for one file; the refusal names the id."""
    postflow = integrate()
    postflow.register_upload("upload_001", "cut.mp4", "file-1")

    with pytest.raises(UploadConflictError, match="upload_001"):
        postflow.register_upload("upload_001", filename, file_id)


@pytest.mark.parametrize("upload_id", ["", "a b", "é", "x" * 201, "a/b"])
def test_id_that_cannot_be_one_is_refused(integrate: Integrate, upload_id: str) -> None:
    """An id that no address could carry is refused with the letters that are allowed."""
    with pytest.raises(UploadError, match="1 to 200 letters"):
        integrate().register_upload(upload_id, "cut.mp4")


def test_upload_without_a_name_is_refused(integrate: Integrate) -> None:
    """A video without a name could never be recognised."""
    with pytest.raises(UploadError, match="upload_001"):
        integrate().register_upload("upload_001", " ")


def test_missing_store_is_created(integrate: Integrate, tmp_path: Path) -> None:
    """A script needs no other command before it: the store is made where it is missing."""
    postflow = integrate(database={"url": f"sqlite:///{tmp_path}/new/postflow.db"})

    postflow.register_upload("upload_001", "cut.mp4")

    assert (tmp_path / "new" / "postflow.db").exists()


def test_another_process_sees_it(integrate: Integrate, write_config: WriteConfig) -> None:
    """What one script registers, another one that tracks nothing reads."""
    integrate().register_upload("upload_001", "cut.mp4")
    code = (
        "import json, sys; from postflow import init_postflow;"
        "print(json.dumps(init_postflow(sys.argv[1]).get_upload_status('upload_001')))"
    )

    ran = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", code, str(write_config())],
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(ran.stdout)["filename"] == "cut.mp4"


def test_totals_show_every_status(integrate: Integrate) -> None:
    """The totals have the guide's keys, and zeros for what does not occur."""
    postflow = integrate()
    postflow.register_upload("one", "one.mp4")
    postflow.register_upload("two", "two.mp4")

    stats = postflow.get_tracking_stats()

    assert stats.keys() >= GUIDE_STATS
    assert (stats["total_tracked"], stats["active_tracks"]) == (2, 2)
    assert stats["status_distribution"]["registered"] == 2
    assert stats["status_distribution"]["ready"] == 0
    assert stats["review_status_distribution"] == {"pending": 2, "approved": 0, "rejected": 0}


def test_registering_goes_on_after_tracking(integrate: Integrate) -> None:
    """Stopping tracking closes nothing that asking and registering need."""
    postflow = integrate()
    postflow.start_tracking()
    postflow.stop_tracking()

    postflow.register_upload("upload_001", "cut.mp4")

    assert postflow.get_upload_status("upload_001") is not None


def test_configuration_reads_as_a_dictionary(integrate: Integrate) -> None:
    """The effective settings are there by section; no secret is shown."""
    postflow = integrate(
        webhook={"port": 0, "secrets": ["s3cret-of-frameio"]},
        frameio={"token": "s3cret-token"},
        notices={"urls": ["slack://s3cret"]},
    )

    assert postflow.config["webhook"]["enabled"] is True
    assert "s3cret" not in str(postflow.config)


def test_password_of_the_store_is_masked(write_config: WriteConfig) -> None:
    """The database's address is shown without its password."""
    config = write_config(
        database={"url": "postgresql+psycopg://postflow:s3cret@db.example/postflow"}
    )

    assert PostFlowIntegration(config).config["database"]["url"] == (
        "postgresql+psycopg://postflow:***@db.example/postflow"
    )


@pytest.mark.parametrize(
    ("webhook", "url"),
    [
        ({"port": 18080}, "http://127.0.0.1:18080/webhooks/frameio"),
        ({"public_url": "https://hook.example/"}, "https://hook.example/webhooks/frameio"),
        ({"enabled": False}, None),
    ],
    ids=["local", "public", "off"],
)
def test_webhook_url_is_for_frameio(
    integrate: Integrate, webhook: dict[str, object], url: str | None
) -> None:
    """The address is the public one where there is one, and none with webhooks off."""
    assert integrate(webhook=webhook).get_webhook_url() == url
