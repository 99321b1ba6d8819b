"""Readings of a file at Frame.io: which one counts, and which files are due for one."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

from sqlalchemy import bindparam, update
from sqlalchemy.sql.dml import ReturningUpdate
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from postflow.store.tables import UploadRow, VersionRow


class Begun(NamedTuple):
    """A reading that was begun: its number, and the Status that was known before it."""

    number: int
    status_value: str | None


def begin_look(session: Session, file_id: str) -> Begun | None:
    """Count a new reading of this file; return None when nobody tracks it.

    Only the newest reading may be written down (`lock_looked_at`): a comment list that was
    fetched before another one, but written after it, would bring a lifted rejection back, or
    take an open one away.
    """
    found = session.execute(_count_look(), {"of_file": file_id}).first()
    return Begun(*found) if found is not None else None


@cache  # made once, see uploads.py
def _count_look() -> ReturningUpdate[int, str | None]:
    counted = update(VersionRow).where(col(VersionRow.file_id) == bindparam("of_file"))
    return (
        counted.values(looks=VersionRow.looks + 1)
        .returning(col(VersionRow.looks), col(VersionRow.status_value))
        .execution_options(synchronize_session=False)  # nobody has loaded it before
    )


def lock_looked_at(
    session: Session, file_id: str, *, look: int
) -> tuple[UploadRow, VersionRow] | None:
    """Return the version that is this file and its upload, unless another reading was begun since.

    New readings have to wait from here on. The upload is locked before the version, as everywhere.
    """
    found = session.exec(_select_looked_at(), params={"file_id": file_id}).first()
    return found if found is not None and found[1].looks == look else None


@cache
def _select_looked_at() -> Select[UploadRow, VersionRow]:
    return (
        select(UploadRow, VersionRow)
        .join(VersionRow, col(VersionRow.upload_id) == col(UploadRow.upload_id))
        .where(VersionRow.file_id == bindparam("file_id"))
        .with_for_update(of=(UploadRow, VersionRow))
        .execution_options(populate_existing=True)
    )


def claim_due_looks(
    session: Session, *, now: datetime, limit: int, lease: timedelta
) -> list[tuple[str, str]]:
    """Take the uploads whose file is to be read again, with their files, for the lease."""
    statement = (
        select(UploadRow)
        .where(col(UploadRow.look_at) <= now, col(UploadRow.file_id).is_not(None))
        .order_by(col(UploadRow.look_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claimed = []
    for upload in session.exec(statement):
        upload.look_at = now + lease
        if upload.file_id is not None:
            claimed.append((upload.upload_id, upload.file_id))
    session.flush()
    return claimed


def list_due_looks(session: Session, *, now: datetime, limit: int) -> list[str]:
    """Return the uploads whose file is to be read again by now, the most overdue first."""
    statement = (
        select(UploadRow.upload_id)
        .where(col(UploadRow.look_at) <= now, col(UploadRow.file_id).is_not(None))
        .order_by(col(UploadRow.look_at))
        .limit(limit)
    )
    return list(session.exec(statement))
