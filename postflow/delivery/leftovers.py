"""What killed processes left of deliveries: recorded if it could be seen, else removed if unwanted.

A delivery that is still wanted is finished by whoever delivers next (`delivering.py`). One whose
approval was withdrawn, or whose version was replaced, before that would stay half made for ever.
What a deployment of the user's own makes is known to nobody here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import structlog
from sqlmodel import Session

from postflow.clock import Clock, utc_now
from postflow.delivery.place import Place
from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus
from postflow.store.database import Store
from postflow.store.decisions import last_decision
from postflow.store.deliveries import (
    announce_delivery,
    complete_delivery,
    is_approved,
    list_unfinished_deliveries,
    recall_delivery,
)
from postflow.store.tables import DeliveryRow, UploadRow
from postflow.store.uploads import load_upload

_log = structlog.get_logger("postflow.delivery")


def clear_leftovers(store: Store, upload_id: str, *, folder: Path, clock: Clock = utc_now) -> None:
    """Record or remove what killed processes left of the upload's unfinished deliveries.

    Call it only while no other process works on the upload; again, it changes nothing. While the
    folder is away all stays as it is, for the next time.
    """
    with store.reading() as session:
        upload = load_upload(session, upload_id)
        rows = list_unfinished_deliveries(session, upload_id)
    for row in rows:
        place = Place(folder=folder, delivery=row)
        try:
            shown = place.find_shown()
            if shown is not None:
                record_shown(store, place, shown, clock=clock)
            elif not _is_wanted(upload, row):
                place.remove_unfinished()
        except OSError as error:
            _log.warning("leftovers not cleared yet", upload_id=upload_id, error=error.strerror)


def record_shown(
    store: Store, place: Place, manifest: dict[str, Any], *, clock: Clock
) -> DeliveryRow:
    """Record a delivery whose files stand there although the store does not know it.

    The approval was there in the transaction that showed them. If it was taken back since, the
    delivery is recalled at once, for somebody may have taken the video.
    """
    now = clock()
    with store.writing() as session:
        upload = load_upload(session, place.delivery.upload_id, lock=True)
        delivery = session.get_one(DeliveryRow, place.delivery.id)
        if delivery.delivered_at is None:
            complete_delivery(
                delivery,
                path=str(place.video),
                sha256=place.read_sha256(manifest),
                manifest=manifest,
                now=now,
            )
            told = _tell_why_not(session, upload, delivery)
            if told is None:
                announce_delivery(session, upload, delivery, now=now)
            else:  # and nothing else: whoever publishes what is delivered must not hear of it
                recall_delivery(session, upload, version=delivery.version, told=told, now=now)
        return delivery


def _is_wanted(upload: UploadRow, delivery: DeliveryRow) -> bool:
    """Whether it may yet be finished: what is held, or can be undone, only waits."""
    return is_approved(upload, delivery.version) and upload.status != UploadStatus.FAILED


def _tell_why_not(
    session: Session, upload: UploadRow, delivery: DeliveryRow
) -> dict[str, object] | None:
    """Return why the version is not to be used any more; None where its approval stands."""
    decision = last_decision(session, upload.upload_id, version=delivery.version)
    if decision is None or decision.verdict != ReviewStatus.APPROVED:
        return {"who": decision.who, "reason": decision.reason} if decision else {}
    is_current = upload.version == delivery.version
    if is_current and upload.status == UploadStatus.FAILED and upload.gone_at is not None:
        return {"reason": upload.failure}
    return None
