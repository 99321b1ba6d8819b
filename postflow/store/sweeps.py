"""Sweeps over everything under review: which uploads, and when each has its turn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, bindparam, or_, update
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from postflow.domain.uploads import UploadStatus
from postflow.store.tables import DeliveryRow, UploadRow, VersionRow


def count_open_reviews(session: Session) -> int:
    """Return how many files are watched for a verdict."""
    open_reviews = _open_reviews().subquery()
    return session.exec(select(func.count()).select_from(open_reviews)).one()


def oldest_open_review(session: Session) -> datetime | None:
    """Return since when the oldest of them is tracked; None where none is open."""
    open_reviews = _open_reviews().subquery()
    oldest = select(func.min(UploadRow.created_at)).where(
        col(UploadRow.upload_id).in_(select(open_reviews.c.upload_id))
    )
    return session.exec(oldest).one()


def list_open_reviews(session: Session, *, not_read_since: datetime | None = None) -> list[str]:
    """Return the uploads that are watched for a verdict, those that were read longest ago first.

    `not_read_since` leaves out what was read after it.
    """
    statement = _open_reviews()
    if not_read_since is not None:
        read_at = col(VersionRow.read_at)
        statement = statement.where(or_(read_at.is_(None), read_at < not_read_since))
    # NULL sorts first on one database and last on the other; files never read come first here.
    never_first = (col(VersionRow.read_at).is_not(None), col(VersionRow.read_at))
    return list(session.exec(statement.order_by(*never_first, col(UploadRow.upload_id))))


def schedule_looks(
    session: Session, upload_ids: Sequence[str], *, first_at: datetime, pause: timedelta
) -> None:
    """Let these files be read one after the other, unless their turn comes earlier anyway."""
    turns = [
        {"id": upload_id, "turn": first_at + number * pause}
        for number, upload_id in enumerate(upload_ids)
    ]
    if not turns:
        return
    table = UploadRow.__table__  # type: ignore[attr-defined]  # SQLModel does not type it
    statement = (
        update(table)
        .where(table.c.upload_id == bindparam("id"), table.c.look_at > bindparam("turn"))
        .values(look_at=bindparam("turn"))
    )
    session.connection().execute(statement, turns)


def _open_reviews() -> SelectOfScalar[str]:
    version = and_(
        col(VersionRow.upload_id) == col(UploadRow.upload_id),
        col(VersionRow.version) == col(UploadRow.version),
    )
    delivered = (
        select(DeliveryRow.id)
        .where(
            DeliveryRow.upload_id == UploadRow.upload_id,
            DeliveryRow.version == UploadRow.version,
            col(DeliveryRow.delivered_at).is_not(None),
        )
        .exists()
    )
    return (
        select(UploadRow.upload_id)
        .join(VersionRow, version)
        .where(
            col(UploadRow.file_id).is_not(None),
            col(UploadRow.look_at).is_not(None),
            UploadRow.status != UploadStatus.FAILED,
            col(UploadRow.cancelled_at).is_(None),
            ~delivered,
        )
    )
