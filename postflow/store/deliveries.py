"""Deliveries: one per approved version, claimed before the work and completed after it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache

from sqlalchemy import bindparam
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus
from postflow.errors import StoreUnavailableError
from postflow.store.announcements import Announcement, announce
from postflow.store.decisions import last_decision
from postflow.store.tables import DeliveryRow, UploadRow, VersionRow
from postflow.store.uploads import is_undoable


def load_delivery(session: Session, upload_id: str, version: int) -> DeliveryRow | None:
    """Return the delivery of this version, claimed or complete."""
    asked = {"upload_id": upload_id, "version": version}
    return session.exec(_select_delivery(), params=asked).first()


@cache  # made once, see uploads.py
def _select_delivery() -> SelectOfScalar[DeliveryRow]:
    return select(DeliveryRow).where(
        DeliveryRow.upload_id == bindparam("upload_id"),
        DeliveryRow.version == bindparam("version"),
    )


def is_delivered(session: Session, row: UploadRow | VersionRow) -> bool:
    """Whether this version, or the current one of this upload, has been delivered."""
    delivery = load_delivery(session, row.upload_id, row.version)
    return delivery is not None and delivery.delivered_at is not None


def is_approved(upload: UploadRow, version: int) -> bool:
    """Whether this is the current version, its approval stands, and nobody gave the upload up."""
    return (
        upload.version == version
        and upload.review_status == ReviewStatus.APPROVED
        and upload.cancelled_at is None
    )


def is_name_taken(session: Session, name: str) -> bool:
    """Whether another delivery stands, or will stand, under this name."""
    return session.exec(select(DeliveryRow).where(DeliveryRow.name == name)).first() is not None


def claim_delivery(
    session: Session, upload: UploadRow, *, name: str, claimed_by: str, now: datetime
) -> DeliveryRow | None:
    """Take the right to deliver the current version; None unless it is approved at this moment.

    An approval that is held gives no right either, until a person releases it, nor does one that
    can still be undone.

    `upload` must be loaded with `lock` in the same transaction. A claim that was left behind by a
    killed process is handed to the next one, with the name it had. Raises StoreUnavailableError
    when another delivery has just taken the name.
    """
    if not is_approved(upload, upload.version):
        return None
    found = load_delivery(session, upload.upload_id, upload.version)
    if found is not None and found.delivered_at is not None:
        return found
    if upload.held_since is not None or is_undoable(upload, now=now):
        return None
    decision = last_decision(session, upload.upload_id, version=upload.version)
    if upload.status == UploadStatus.FAILED or decision is None or decision.id is None:
        return None
    if found is not None:
        found.claimed_by, found.decision_id = claimed_by, decision.id
        session.flush()
        return found
    delivery = DeliveryRow(
        upload_id=upload.upload_id,
        version=upload.version,
        decision_id=decision.id,
        name=name,
        claimed_by=claimed_by,
        claimed_at=now,
    )
    try:
        with session.begin_nested():
            session.add(delivery)
            session.flush()
    except IntegrityError as error:
        raise StoreUnavailableError(
            f"The name {name!r} was taken by another delivery a moment ago; try again for another."
        ) from error
    return delivery


def list_unfinished_deliveries(session: Session, upload_id: str) -> list[DeliveryRow]:
    """Return the deliveries of any version of the upload that were claimed and not completed."""
    statement = select(DeliveryRow).where(
        DeliveryRow.upload_id == upload_id, col(DeliveryRow.delivered_at).is_(None)
    )
    return list(session.exec(statement))


def list_unwritten_recalls(session: Session) -> list[DeliveryRow]:
    """Return the recalled deliveries whose manifest beside the files does not say so yet."""
    statement = select(DeliveryRow).where(
        col(DeliveryRow.recalled_at).is_not(None),
        col(DeliveryRow.recall_written_at).is_(None),
        col(DeliveryRow.path).is_not(None),
    )
    return list(session.exec(statement))


def note_recall_written(session: Session, delivery_id: int, *, now: datetime) -> None:
    """Say that the manifest beside the files tells of the recall."""
    session.get_one(DeliveryRow, delivery_id).recall_written_at = now


def complete_delivery(
    delivery: DeliveryRow,
    *,
    path: str | None,
    sha256: str | None,
    manifest: Mapping[str, object],
    now: datetime,
) -> None:
    """Say that the delivery is there for everybody to see."""
    delivery.path, delivery.sha256, delivery.manifest = path, sha256, dict(manifest)
    delivery.delivered_at = now


def announce_delivery(
    session: Session, upload: UploadRow, delivery: DeliveryRow, *, now: datetime
) -> None:
    """Tell people and automations of a delivery that is complete."""
    told = _about(delivery) | {"path": delivery.path, "sha256": delivery.sha256}
    number = delivery.version
    announce(session, Announcement.DELIVERED, upload, version=number, now=now, payload=told)


def recall_delivery(
    session: Session,
    upload: UploadRow,
    *,
    told: Mapping[str, object],
    now: datetime,
    version: int | None = None,
) -> bool:
    """Note that the delivered version is not to be used any more; False if nothing was delivered.

    Without `version` the current one. Files are never deleted, and a version is recalled once.
    """
    number = upload.version if version is None else version
    delivery = load_delivery(session, upload.upload_id, number)
    if delivery is None or delivery.delivered_at is None:
        return False
    if delivery.recalled_at is None:
        delivery.recalled_at = now
        delivery.manifest = {**(delivery.manifest or {}), "recalled_at": now.isoformat()}
        about = _about(delivery) | dict(told)
        announce(session, Announcement.RECALLED, upload, version=number, now=now, payload=about)
    return True


def _about(delivery: DeliveryRow) -> dict[str, object]:
    """Return the file of the version that was delivered, which need not be the current one."""
    file_id = (delivery.manifest or {}).get("frameio", {}).get("file_id")
    return {"file_id": file_id} if file_id else {}
