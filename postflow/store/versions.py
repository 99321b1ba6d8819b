"""The next version of a tracked video: its number, its round, and who goes on with it.

Making a version the current one, starting its review anew, answering those who wait for the old
one and handing over its flow run happen in the caller's one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, func, select

from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus
from postflow.domain.versions import VersionedName, parse_versioned_name
from postflow.errors import StoreUnavailableError, UploadConflictError
from postflow.settings.sections import ReviewSettings
from postflow.store.announcements import Announcement, announce
from postflow.store.change_lists import list_open_changes
from postflow.store.flow_runs import last_attempt
from postflow.store.own_users import load_rules
from postflow.store.tables import UploadClaimRow, UploadRow, VersionRow
from postflow.store.uploads import find_version, load_version
from postflow.store.waits import mark_due_waits


@dataclass(frozen=True, kw_only=True, slots=True)
class NewVersion:
    """A version that is to become the current one: a file on disk, or one at Frame.io."""

    filename: str
    path: str | None = None
    sha256: str | None = None
    size: int | None = None
    file_id: str | None = None


def begin_version(
    session: Session, upload: UploadRow, new: NewVersion, *, review: ReviewSettings, now: datetime
) -> VersionRow:
    """Make `new` the upload's current version; its review starts anew.

    `upload` must be loaded with `lock`. A Frame.io file that is on record is the same round,
    whoever records it again. Raises UploadConflictError when it belongs to another upload.
    """
    known = find_version(session, new.file_id) if new.file_id else None
    if known is not None:
        return _check_own(known, upload)
    last = upload.version
    left = list_open_changes(session, upload, load_rules(session, review), version=last)
    version = _add_row(session, upload, new, now=now)
    upload.version = version.version
    upload.path, upload.sha256, upload.file_id = new.path, new.sha256, new.file_id
    upload.status, upload.review_status = UploadStatus.REGISTERED, ReviewStatus.PENDING
    upload.failure = upload.gone_at = None
    upload.quiet_until = upload.held_since = upload.held_reason = upload.undo_until = None
    upload.look_at = now if new.file_id else None
    upload.updated_at = now
    session.flush()
    _hand_over_run(session, upload, last_version=last)
    told = {"version_filename": new.filename, "last_version": last, "changes": left}
    announce(session, Announcement.NEW_ROUND, upload, now=now, payload=told)
    mark_due_waits(session, upload, review=review, now=now)
    return version


def is_being_sent(session: Session, upload: UploadRow, *, now: datetime) -> bool:
    """Whether somebody still brings the bytes of the current version to Frame.io.

    Until that is done no other version takes its place: its parts would go on record there.
    """
    is_there = upload.status not in (UploadStatus.REGISTERED, UploadStatus.UPLOADING)
    if is_there or load_version(session, upload).path is None:
        return False
    claim = session.get(UploadClaimRow, upload.upload_id)
    if claim is not None and claim.until > now:
        return True
    run = last_attempt(session, upload.upload_id, upload.version)
    return run is not None and run.finished_at is None


def count_rounds(session: Session, upload_id: str) -> int:
    """Return how many versions of the video reviewers could watch so far."""
    return session.exec(
        select(func.count()).where(
            col(VersionRow.upload_id) == upload_id, col(VersionRow.ready_at).is_not(None)
        )
    ).one()


def list_older_files(session: Session, upload_id: str) -> list[str]:
    """Return the Frame.io files of the versions before the current one, the newest first."""
    older = (
        select(VersionRow.file_id)
        .join(UploadRow, col(UploadRow.upload_id) == col(VersionRow.upload_id))
        .where(
            VersionRow.upload_id == upload_id,
            col(VersionRow.version) < col(UploadRow.version),
            col(VersionRow.uploaded_at).is_not(None),
        )
        .order_by(col(VersionRow.version).desc())
    )
    return [file_id for file_id in session.exec(older) if file_id is not None]


def find_upload_of_file(session: Session, file_ids: Sequence[str]) -> UploadRow | None:
    """Return the upload that one of these Frame.io files is a version of."""
    statement = (
        select(UploadRow)
        .join(VersionRow, col(VersionRow.upload_id) == col(UploadRow.upload_id))
        .where(col(VersionRow.file_id).in_(file_ids))
    )
    return session.exec(statement.order_by(col(VersionRow.id).desc())).first()


def find_by_content(session: Session, sha256: str, *, project_id: str | None) -> UploadRow | None:
    """Return the upload that has a version of these very bytes in this project.

    A file's identity is its sha256; where several uploads have it, the oldest one counts.
    """
    statement = (
        select(UploadRow)
        .join(VersionRow, col(VersionRow.upload_id) == col(UploadRow.upload_id))
        .where(VersionRow.sha256 == sha256)
    )
    if project_id is not None:
        statement = statement.where(UploadRow.project_id == project_id)
    return session.exec(statement.order_by(col(UploadRow.created_at))).first()


def find_predecessor(
    session: Session, filename: str, *, project_id: str | None
) -> UploadRow | None:
    """Return the upload whose current version this file follows by its name (`_v002`).

    None where the name has no number, or where a version of that or a higher number exists.
    """
    name = parse_versioned_name(filename)
    if name is None:
        return None
    found = _list_like(session, name, project_id=project_id)
    if any(not name.follows(other) for other, _ in found):
        return None
    return max(found, key=lambda each: each[0].number, default=(None, None))[1]


def _list_like(
    session: Session, name: VersionedName, *, project_id: str | None
) -> list[tuple[VersionedName, UploadRow]]:
    """Return the uploads whose current version has the same stem before its number."""
    current = and_(
        col(VersionRow.upload_id) == col(UploadRow.upload_id),
        col(VersionRow.version) == col(UploadRow.version),
    )
    statement = (
        select(VersionRow.filename, UploadRow)
        .join(UploadRow, current)
        .where(
            func.lower(VersionRow.filename).startswith(f"{name.stem.lower()}_v", autoescape=True),
            col(UploadRow.cancelled_at).is_(None),
        )
    )
    if project_id is not None:
        statement = statement.where(UploadRow.project_id == project_id)
    named = [
        (parse_versioned_name(filename), upload)
        for filename, upload in session.exec(statement.order_by(col(UploadRow.created_at).desc()))
    ]
    return [
        (other, upload)
        for other, upload in named
        if other is not None and other.stem.casefold() == name.stem.casefold()
    ]


def _check_own(version: VersionRow, upload: UploadRow) -> VersionRow:
    if version.upload_id != upload.upload_id:
        raise UploadConflictError(
            f"The Frame.io file {version.file_id} is already tracked as {version.upload_id!r}; it "
            f"cannot be a version of {upload.upload_id!r} too."
        )
    return version


def _add_row(session: Session, upload: UploadRow, new: NewVersion, *, now: datetime) -> VersionRow:
    version = VersionRow(
        upload_id=upload.upload_id,
        version=upload.version + 1,
        file_id=new.file_id,
        filename=new.filename,
        path=new.path,
        sha256=new.sha256,
        size=new.size,
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(version)
            session.flush()
    except IntegrityError as error:
        raise StoreUnavailableError(
            f"Another process has just recorded a version of {upload.upload_id}; try again, and "
            "it is the same one or the next."
        ) from error
    return version


def _hand_over_run(session: Session, upload: UploadRow, *, last_version: int) -> None:
    """Let the flow run that still works on the last version be the first one of the new one."""
    run = last_attempt(session, upload.upload_id, last_version)
    if run is not None and run.flow_run_id is not None and run.finished_at is None:
        run.version, run.attempt = upload.version, 1
        session.flush()
