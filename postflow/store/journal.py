"""The journal of an upload: its placeholder and finished parts, committed one by one."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from postflow.domain.uploads import UploadStatus
from postflow.store.tables import FinishedPartRow, UploadRow, VersionRow
from postflow.store.uploads import load_upload, load_version, move_status


def load_placeholder(session: Session, upload_id: str) -> tuple[str, frozenset[int]] | None:
    """Return the recorded placeholder, as its text, and the numbers of its finished parts."""
    version = load_version(session, load_upload(session, upload_id))
    if version.placeholder is None or version.file_id is None:
        return None
    numbers = session.exec(
        select(FinishedPartRow.number).where(FinishedPartRow.file_id == version.file_id)
    )
    return version.placeholder, frozenset(numbers)


def record_placeholder(
    session: Session, upload_id: str, *, file_id: str, placeholder: str, now: datetime
) -> None:
    """Say which Frame.io file the bytes go to, in place of any before."""
    upload, version = _load(session, upload_id)
    _forget_parts(session, version)
    version.placeholder, version.file_id, upload.file_id = placeholder, file_id, file_id
    move_status(upload, UploadStatus.UPLOADING, now=now)


def record_part(session: Session, upload_id: str, number: int) -> None:
    """Say that Frame.io holds this part of the recorded placeholder."""
    _, version = _load(session, upload_id)
    if version.file_id is not None:
        session.merge(FinishedPartRow(file_id=version.file_id, number=number))


def discard_placeholder(session: Session, upload_id: str) -> None:
    """Forget the placeholder: the store must never point at a dead file."""
    upload, version = _load(session, upload_id)
    _forget_parts(session, version)
    version.placeholder = version.file_id = upload.file_id = None


def complete_upload(
    session: Session,
    upload_id: str,
    *,
    file_id: str,
    sha256: str,
    size: int,
    view_url: str,
    media_type: str,
    now: datetime,
) -> None:
    """Say that every byte has arrived, and what the bytes are; the tracker looks at it next."""
    upload, version = _load(session, upload_id)
    _forget_parts(session, version)
    version.placeholder = None
    version.file_id = upload.file_id = file_id
    version.sha256 = upload.sha256 = sha256
    version.size, version.view_url, version.media_type = size, view_url, media_type
    version.uploaded_at = version.uploaded_at or now
    move_status(upload, UploadStatus.UPLOADED, now=now)
    upload.look_at = now


def _load(session: Session, upload_id: str) -> tuple[UploadRow, VersionRow]:
    upload = load_upload(session, upload_id, lock=True)
    return upload, load_version(session, upload)


def _forget_parts(session: Session, version: VersionRow) -> None:
    if version.file_id is not None:
        session.exec(delete(FinishedPartRow).where(col(FinishedPartRow.file_id) == version.file_id))


def upload_progress(session: Session, upload_id: str) -> float:
    """Return the share of the bytes that Frame.io holds, from 0 to 1, counted in whole parts."""
    found = load_placeholder(session, upload_id)
    if found is None:
        return 0.0
    text, finished = found
    parts = json.loads(text)["parts"]
    total = sum(part["size"] for part in parts)
    held = sum(part["size"] for part in parts if part["number"] in finished)
    return held / total if total else 0.0
