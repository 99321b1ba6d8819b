"""Which file becomes the next version of which tracked video, and when that is refused.

Only the store is asked; the bytes are brought to Frame.io, and stacked there, by the upload.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from postflow.errors import UploadConflictError, UploadError
from postflow.settings import Settings
from postflow.store.tables import UploadRow
from postflow.store.uploads import load_upload, load_version
from postflow.store.versions import (
    NewVersion,
    begin_version,
    count_rounds,
    find_by_content,
    find_predecessor,
    is_being_sent,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Versioning:
    """How a file finds the video that it is the next version of.

    `of` names that video; without it names such as `shot_v002.mp4` decide, if the settings let
    them.
    """

    settings: Settings
    of: str | None = None


def add_version(
    session: Session,
    new: NewVersion,
    versioning: Versioning,
    *,
    project_id: str | None,
    now: datetime,
) -> UploadRow:
    """Make the file the next version of the named upload, unless it is its current one.

    Raises UnknownUploadError, and UploadError where the upload can have no version now.
    """
    upload = load_upload(session, str(versioning.of), lock=True)
    if new.sha256 is not None and load_version(session, upload).sha256 == new.sha256:
        return upload
    same = find_by_content(session, new.sha256 or "", project_id=project_id)
    if same is not None and same.upload_id != upload.upload_id:
        raise UploadConflictError(
            f"{new.filename} is already tracked as {same.upload_id!r}; it cannot be a version of "
            f"{upload.upload_id!r} too."
        )
    if is_being_sent(session, upload, now=now):
        raise UploadError(
            f"{upload.filename} is still being uploaded; add {new.filename} as its next version "
            "when that is done."
        )
    return _begin(session, new, upload, versioning.settings, now=now)


def follow_by_name(
    session: Session,
    new: NewVersion,
    versioning: Versioning,
    *,
    project_id: str | None,
    now: datetime,
) -> UploadRow | None:
    """Make the file the next version of the upload that it follows by its name, if there is one.

    None where there is none, or the older version never came to Frame.io. Raises UploadError
    while the older version is on its way there.
    """
    if not versioning.settings.frameio.auto_version:
        return None
    older = find_predecessor(session, new.filename, project_id=project_id)
    if older is None:
        return None
    upload = load_upload(session, older.upload_id, lock=True)
    if is_being_sent(session, upload, now=now):
        raise UploadError(
            f"{new.filename} is the next version of {upload.filename}, which is still being "
            "uploaded; run it again when that is done."
        )
    if load_version(session, upload).uploaded_at is None:
        return None
    return _begin(session, new, upload, versioning.settings, now=now)


def _begin(
    session: Session, new: NewVersion, upload: UploadRow, settings: Settings, *, now: datetime
) -> UploadRow:
    settings = settings.for_project(upload.project_id)
    review = settings.for_project(upload.project_id).review
    rounds = count_rounds(session, upload.upload_id)
    if rounds >= review.max_rounds:
        raise UploadError(
            f"{upload.filename} has had {rounds} review rounds, as many as review.max_rounds "
            f"allows; raise it to add {new.filename}."
        )
    upload.cancelled_at = None
    begin_version(session, upload, new, review=review, now=now)
    return upload
