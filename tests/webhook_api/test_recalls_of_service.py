"""The running service tells the manifest beside the files that their delivery is recalled."""

from __future__ import annotations

from pathlib import Path

from postflow.delivery.manifest import read_manifest, write_manifest
from postflow.domain.standing import ReviewStatus
from postflow.store.deliveries import claim_delivery, complete_delivery
from postflow.tracker.deciding import decide_by_hand
from tests.factories import NOW, make_settings, make_upload
from tests.flows.prefect_server import eventually
from tests.webhook_api.conftest import Service


def test_service_writes_recalls(service: Service, tmp_path: Path) -> None:
    """A decision against a delivered version, by whatever process, reaches the folder."""
    path = tmp_path / "clip.manifest.json"
    write_manifest(path, {"upload_id": "clip"})
    with service.store.writing() as session:
        upload = make_upload(session)
        for verdict in (ReviewStatus.APPROVED, ReviewStatus.REJECTED):
            decide_by_hand(
                session,
                "clip",
                verdict=verdict,
                by="Ana",
                reason="seen",
                settings=make_settings(),
                now=NOW,
            )
            if verdict is ReviewStatus.APPROVED:
                row = claim_delivery(session, upload, name="clip", claimed_by="me", now=NOW)
                assert row is not None
                video = str(tmp_path / "clip.mp4")
                complete_delivery(row, path=video, sha256="0", manifest={}, now=NOW)
    manifest = eventually(
        lambda: found if "recalled_at" in (found := read_manifest(path) or {}) else None,
        doing="the manifest says that the delivery is recalled",
    )
    assert manifest == {"upload_id": "clip", "recalled_at": NOW.isoformat()}
