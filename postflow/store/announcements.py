"""The outbox of announcements: what Prefect's automations and people are to be told.

An announcement is committed with its cause and sent afterwards, at least once; its id is made from
upload, version, kind and cause, so that receivers recognise a repeat.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import Executable, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select, update
from sqlmodel.sql.expression import SelectOfScalar

from postflow.domain.announcements import Announcement
from postflow.store.tables import AnnouncementRow, UploadRow

__all__ = [
    "Announcement",
    "announce",
    "announce_of_service",
    "claim_unsent",
    "list_unsent",
    "note_sent",
    "note_unsent",
]


def announce(
    session: Session,
    kind: Announcement,
    upload: UploadRow,
    *,
    now: datetime,
    version: int | None = None,
    cause: str = "",
    payload: Mapping[str, object] | None = None,
) -> None:
    """Add an announcement unless the same one was added before; without `version`, of the current.

    `cause` tells apart what may happen twice to a version, such as a second approval.
    """
    about = {"filename": upload.filename, "file_id": upload.file_id}
    number = upload.version if version is None else version
    row = AnnouncementRow(
        id=_make_id(kind, upload.upload_id, number, cause),
        upload_id=upload.upload_id,
        version=number,
        kind=kind,
        payload={**about, **(payload or {})},
        created_at=now,
        try_at=now,
    )
    _add_once(session, row)


def announce_of_service(
    session: Session,
    kind: Announcement,
    *,
    now: datetime,
    cause: str,
    payload: Mapping[str, object],
) -> None:
    """Add an announcement about PostFlow itself, and no upload, unless it was added before."""
    row = AnnouncementRow(
        id=_make_id(kind, "", 0, cause),
        upload_id="",
        version=0,
        kind=kind,
        payload=dict(payload),
        created_at=now,
        try_at=now,
    )
    _add_once(session, row)


def list_unsent(session: Session, *, now: datetime, limit: int = 100) -> list[AnnouncementRow]:
    """Return what is to be sent by now, oldest first."""
    return list(session.exec(_select_unsent(lock=False), params={"now": now, "limit": limit}))


@cache  # made once, see uploads.py
def _select_unsent(*, lock: bool) -> SelectOfScalar[AnnouncementRow]:
    statement = (
        select(AnnouncementRow)
        .where(
            col(AnnouncementRow.sent_at).is_(None), col(AnnouncementRow.try_at) <= bindparam("now")
        )
        .order_by(col(AnnouncementRow.created_at))
        .limit(bindparam("limit"))
    )
    return statement.with_for_update(skip_locked=True) if lock else statement


def claim_unsent(
    session: Session, *, now: datetime, limit: int, lease: timedelta
) -> list[AnnouncementRow]:
    """Take what is to be sent by now for the time of the lease, oldest first.

    Replicas would otherwise tell people everything twice.
    """
    rows = list(session.exec(_select_unsent(lock=True), params={"now": now, "limit": limit}))
    for row in rows:
        row.try_at = now + lease
    session.flush()
    return rows


def note_sent(session: Session, announcement_id: str, *, now: datetime) -> None:
    """Say that the announcement arrived."""
    session.exec(
        update(AnnouncementRow)
        .where(col(AnnouncementRow.id) == announcement_id)
        .values(sent_at=now)
    )


def note_unsent(
    session: Session, announcement_id: str, *, error: str, try_at: datetime | None
) -> None:
    """Say that the announcement did not arrive, and when to try again (None: never)."""
    row = session.get_one(AnnouncementRow, announcement_id)
    row.attempts += 1
    row.error, row.try_at = error, try_at


def _make_id(kind: Announcement, upload_id: str, version: int, cause: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"postflow:{upload_id}:{version}:{kind}:{cause}"))


def _add_once(session: Session, row: AnnouncementRow) -> None:
    session.execute(_insert_once(session.get_bind().dialect.name), row.model_dump())


@cache
def _insert_once(dialect: str) -> Executable:
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return insert(AnnouncementRow).on_conflict_do_nothing()
