"""Uploads and their versions: registering, finding, and how far the bytes have come."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from postflow.domain.uploads import UploadStatus, advance, parse_upload_id
from postflow.errors import UnknownUploadError, UploadConflictError
from postflow.store.tables import UploadRow, VersionRow


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
    session.add(upload)
    session.flush()
    session.add(
        VersionRow(
            upload_id=upload_id,
            file_id=file_id,
            filename=filename,
            path=path,
            sha256=sha256,
            size=size,
            created_at=now,
        )
    )
    session.flush()
    return upload


def load_upload(session: Session, upload_id: str, *, lock: bool = False) -> UploadRow:
    """Return the upload; raises UnknownUploadError. `lock` keeps other workers off it."""
    statement = select(UploadRow).where(UploadRow.upload_id == upload_id)
    found = session.exec(statement.with_for_update() if lock else statement).first()
    if found is None:
        raise UnknownUploadError(
            f"There is no upload {upload_id!r}; `postflow status` lists those that exist."
        )
    return found


def load_version(session: Session, upload: UploadRow) -> VersionRow:
    """Return the upload's current version."""
    return session.exec(
        select(VersionRow).where(
            VersionRow.upload_id == upload.upload_id, VersionRow.version == upload.version
        )
    ).one()


def find_version(session: Session, file_id: str) -> VersionRow | None:
    """Return the version that is this Frame.io file, if PostFlow tracks it."""
    return session.exec(select(VersionRow).where(VersionRow.file_id == file_id)).first()


def find_by_content(session: Session, sha256: str, *, project_id: str | None) -> UploadRow | None:
    """Return the upload of these very bytes in this project: a file's identity is its sha256."""
    statement = select(UploadRow).where(UploadRow.sha256 == sha256)
    if project_id is not None:
        statement = statement.where(UploadRow.project_id == project_id)
    return session.exec(statement.order_by(col(UploadRow.created_at))).first()


def find_unattached(session: Session, filename: str, *, project_id: str | None) -> UploadRow | None:
    """Return the oldest upload that waits for Frame.io to report a file of this name."""
    candidates = session.exec(
        select(UploadRow)
        .where(
            UploadRow.filename == filename,
            col(UploadRow.file_id).is_(None),
            col(UploadRow.path).is_(None),
            UploadRow.status == UploadStatus.REGISTERED,
        )
        .order_by(col(UploadRow.created_at))
    )
    return next((u for u in candidates if u.project_id in (None, project_id)), None)


def has_unattached(session: Session) -> bool:
    """Whether any upload still waits for Frame.io to report its file by name."""
    statement = select(UploadRow.upload_id).where(
        col(UploadRow.file_id).is_(None),
        col(UploadRow.path).is_(None),
        UploadRow.status == UploadStatus.REGISTERED,
    )
    return session.exec(statement.limit(1)).first() is not None


def attach_file(session: Session, upload: UploadRow, *, file_id: str, now: datetime) -> None:
    """Say which Frame.io file the upload's current version is."""
    _refuse_tracked_file(session, file_id=file_id, upload_id=upload.upload_id)
    load_version(session, upload).file_id = file_id
    upload.file_id = file_id
    upload.look_at = upload.updated_at = now
    session.flush()


def is_project_tracked(session: Session, project_id: str) -> bool:
    """Whether anything of this project is under review, or may be, its project being unknown."""
    statement = select(UploadRow.upload_id).where(
        col(UploadRow.project_id).in_([project_id]) | col(UploadRow.project_id).is_(None),
        UploadRow.status != UploadStatus.FAILED,
        col(UploadRow.cancelled_at).is_(None),
    )
    return session.exec(statement.limit(1)).first() is not None


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


def list_due_looks(session: Session, *, now: datetime, limit: int) -> list[str]:
    """Return the uploads whose file is to be read again by now, the most overdue first."""
    statement = (
        select(UploadRow.upload_id)
        .where(col(UploadRow.look_at) <= now, col(UploadRow.file_id).is_not(None))
        .order_by(col(UploadRow.look_at))
        .limit(limit)
    )
    return list(session.exec(statement))


def _check_same(
    session: Session, found: UploadRow, *, filename: str, file_id: str | None, now: datetime
) -> UploadRow:
    if found.filename != filename or (file_id and found.file_id not in (None, file_id)):
        other = f"{found.filename} (file {found.file_id or 'not yet known'})"
        raise UploadConflictError(
            f"The upload id {found.upload_id!r} already stands for {other}, not for "
            f"{filename} (file {file_id or 'not yet known'}); choose another id."
        )
    if file_id and found.file_id is None:
        attach_file(session, found, file_id=file_id, now=now)
    return found


def _refuse_tracked_file(session: Session, *, file_id: str | None, upload_id: str) -> None:
    known = find_version(session, file_id) if file_id else None
    if known is not None and known.upload_id != upload_id:
        raise UploadConflictError(
            f"The Frame.io file {file_id} is already tracked as {known.upload_id!r}; "
            f"use that id instead of {upload_id!r}."
        )
