"""Uploads and their versions: registering, finding, and how far the bytes have come."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import bindparam
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from postflow.domain.uploads import UploadStatus, advance, parse_upload_id
from postflow.errors import UnknownUploadError, UploadConflictError
from postflow.store.inbox import reopen_untracked
from postflow.store.tables import UploadRow, VersionRow

REPORTED_BEFORE = timedelta(hours=1)
"""How long before its registration Frame.io may have reported the file of a video."""


def register_upload(
    session: Session,
    *,
    upload_id: str,
    filename: str,
    now: datetime,
    file_id: str | None = None,
    project_id: str | None = None,
    workspace_id: str | None = None,
    account_id: str | None = None,
    path: str | None = None,
    sha256: str | None = None,
    size: int | None = None,
    on_rejected: str | None = None,
) -> UploadRow:
    """Make PostFlow know a video; the same call again changes nothing.

    Raises UploadConflictError when the id already stands for another file.
    """
    parse_upload_id(upload_id)
    found = session.get(UploadRow, upload_id)
    if found is not None:
        return _check_same(session, found, filename=filename, file_id=file_id, now=now)
    _refuse_tracked_file(session, file_id=file_id, upload_id=upload_id)
    upload = UploadRow(
        upload_id=upload_id,
        filename=filename,
        path=path,
        sha256=sha256,
        account_id=account_id,
        workspace_id=workspace_id,
        project_id=project_id,
        file_id=file_id,
        on_rejected=on_rejected,
        look_at=now if file_id else None,
        created_at=now,
        updated_at=now,
    )
    version = VersionRow(
        upload_id=upload_id,
        file_id=file_id,
        filename=filename,
        path=path,
        sha256=sha256,
        size=size,
        created_at=now,
    )
    if not _insert(session, [upload, version]):
        return _check_same(
            session,
            load_upload(session, upload_id),
            filename=filename,
            file_id=file_id,
            now=now,
        )
    if file_id is None and path is None:
        reopen_untracked(session, project_id=project_id, since=now - REPORTED_BEFORE)
    return upload


def load_upload(session: Session, upload_id: str, *, lock: bool = False) -> UploadRow:
    """Return the upload; raises UnknownUploadError. `lock` keeps other workers off it."""
    found = session.exec(_select_upload(lock=lock), params={"upload_id": upload_id}).first()
    if found is None:
        raise UnknownUploadError(
            f"There is no upload {upload_id!r}; `postflow status` lists those that exist."
        )
    return found


@cache  # made once, as all that a look asks: making a statement costs more than asking
def _select_upload(*, lock: bool) -> SelectOfScalar[UploadRow]:
    statement = select(UploadRow).where(UploadRow.upload_id == bindparam("upload_id"))
    if lock:  # what was read before the lock may have changed since
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return statement


def load_version(session: Session, upload: UploadRow) -> VersionRow:
    """Return the upload's current version."""
    for row in session.identity_map.values():  # a statement would give the same object again
        if isinstance(row, VersionRow) and _is_current(row, upload):
            return row
    asked = {"upload_id": upload.upload_id, "version": upload.version}
    return session.exec(_select_current(), params=asked).one()


@cache
def _select_current() -> SelectOfScalar[VersionRow]:
    return select(VersionRow).where(
        VersionRow.upload_id == bindparam("upload_id"), VersionRow.version == bindparam("version")
    )


def _is_current(version: VersionRow, upload: UploadRow) -> bool:
    return (version.upload_id, version.version) == (upload.upload_id, upload.version)


def find_version(session: Session, file_id: str) -> VersionRow | None:
    """Return the version that is this Frame.io file, if PostFlow tracks it."""
    return session.exec(_select_version(), params={"file_id": file_id}).first()


@cache
def _select_version() -> SelectOfScalar[VersionRow]:
    return select(VersionRow).where(VersionRow.file_id == bindparam("file_id"))


def find_unattached(session: Session, filename: str, *, project_id: str | None) -> UploadRow | None:
    """Return the oldest upload that waits for Frame.io to report a file of this name.

    It is locked: two files of one name never go to the same upload.
    """
    statement = _unattached(project_id).where(UploadRow.filename == filename)
    return session.exec(statement.with_for_update(skip_locked=True)).first()


def has_unattached(session: Session, *, project_id: str | None = None) -> bool:
    """Whether any upload, of this project if it is given, waits for a file of its name."""
    return session.exec(_unattached(project_id).limit(1)).first() is not None


def list_unattached(session: Session) -> list[UploadRow]:
    """Return the uploads that wait for a file of their name, the oldest first."""
    return list(session.exec(_unattached(None)))


def _unattached(project_id: str | None) -> SelectOfScalar[UploadRow]:
    # A file id that Frame.io has never known is as good as none: scripts pass what they have.
    statement = select(UploadRow).where(
        col(UploadRow.file_id).is_(None) | col(UploadRow.gone_at).is_not(None),
        col(UploadRow.path).is_(None),
        UploadRow.status == UploadStatus.REGISTERED,
        col(UploadRow.cancelled_at).is_(None),
    )
    if project_id is not None:
        statement = statement.where(
            col(UploadRow.project_id).is_(None) | (UploadRow.project_id == project_id)
        )
    return statement.order_by(col(UploadRow.created_at))


def attach_file(session: Session, upload: UploadRow, *, file_id: str, now: datetime) -> None:
    """Say which Frame.io file the upload's current version is."""
    _refuse_tracked_file(session, file_id=file_id, upload_id=upload.upload_id)
    load_version(session, upload).file_id = file_id
    upload.file_id, upload.gone_at = file_id, None
    upload.look_at = upload.updated_at = now
    session.flush()


def is_project_tracked(session: Session, project_id: str) -> bool:
    """Whether anything of this project is under review, or may be, its project being unknown."""
    return session.exec(_select_tracked(), params={"project_id": project_id}).first() is not None


@cache
def _select_tracked() -> SelectOfScalar[str]:
    statement = select(UploadRow.upload_id).where(
        (col(UploadRow.project_id) == bindparam("project_id"))
        | col(UploadRow.project_id).is_(None),
        UploadRow.status != UploadStatus.FAILED,
        col(UploadRow.cancelled_at).is_(None),
    )
    return statement.limit(1)


def move_status(upload: UploadRow, seen: UploadStatus, *, now: datetime) -> bool:
    """Take note of an observed status; return whether it changed anything."""
    status = advance(UploadStatus(upload.status), seen)
    if status == upload.status:
        return False
    upload.status, upload.updated_at = status, now
    return True


def fail_upload(upload: UploadRow, *, reason: str, now: datetime) -> None:
    """End the upload with a sentence that says what happened and what to do."""
    upload.status, upload.failure, upload.updated_at = UploadStatus.FAILED, reason, now
    upload.look_at = None


def is_undoable(upload: UploadRow, *, now: datetime) -> bool:
    """Whether the approval can still be undone, so that nothing irreversible may be done."""
    return upload.undo_until is not None and now < upload.undo_until


def list_past_undo(session: Session, *, now: datetime) -> list[str]:
    """Return the uploads whose approval nobody has undone in time."""
    return list(session.exec(select(UploadRow.upload_id).where(col(UploadRow.undo_until) <= now)))


def _check_same(
    session: Session, found: UploadRow, *, filename: str, file_id: str | None, now: datetime
) -> UploadRow:
    if found.filename != filename or not _is_own_file(session, found, file_id):
        other = f"{found.filename} (file {found.file_id or 'not yet known'})"
        raise UploadConflictError(
            f"The upload id {found.upload_id!r} already stands for {other}, not for "
            f"{filename} (file {file_id or 'not yet known'}); choose another id."
        )
    if file_id and found.file_id is None:
        attach_file(session, found, file_id=file_id, now=now)
    return found


def _is_own_file(session: Session, found: UploadRow, file_id: str | None) -> bool:
    """Whether the file is the upload's current one, one of its older versions, or its first."""
    if file_id is None or found.file_id in (None, file_id):
        return True
    version = find_version(session, file_id)
    return version is not None and version.upload_id == found.upload_id


def _insert(session: Session, rows: Iterable[UploadRow | VersionRow]) -> bool:
    """Add the rows; False when another process has just added the same upload."""
    try:
        with session.begin_nested():
            for row in rows:
                session.add(row)
                session.flush()
    except IntegrityError:
        return False
    return True


def _refuse_tracked_file(session: Session, *, file_id: str | None, upload_id: str) -> None:
    known = find_version(session, file_id) if file_id else None
    if known is not None and known.upload_id != upload_id:
        raise UploadConflictError(
            f"The Frame.io file {file_id} is already tracked as {known.upload_id!r}; "
            f"use that id instead of {upload_id!r}."
        )
