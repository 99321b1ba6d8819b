"""Writing what was read of a file into the store, and deciding, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from postflow.domain.people import Person
from postflow.domain.standing import DecisionSource
from postflow.domain.uploads import UploadStatus, WaitKind
from postflow.settings import Settings
from postflow.store.announcements import Announcement, announce
from postflow.store.comments import apply_comments
from postflow.store.decisions import load_rulings
from postflow.store.deliveries import load_delivery
from postflow.store.tables import CommentRow, RulingRow, UploadRow, VersionRow, WaitRow
from postflow.store.uploads import fail_upload, find_version, load_upload, move_status
from postflow.store.waits import list_expired_waits, mark_due_waits, read_answer
from postflow.tracker.deciding import redecide
from postflow.tracker.reading import FileSeen

_UNREADY_LOOK = timedelta(seconds=15)
_SECOND_LOOK = timedelta(seconds=5)
_LATE_WEBHOOK = timedelta(seconds=15)
_DELIVERED_FACTOR = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusHint:
    """An event that said some metadata of the file changed: when, and by whom."""

    user_id: str | None
    at: datetime


def apply_seen(
    session: Session,
    file_id: str,
    seen: FileSeen | None,
    *,
    hints: Sequence[StatusHint],
    settings: Settings,
    now: datetime,
) -> None:
    """Make the store say what Frame.io says of this file; the same again changes nothing.

    `seen` is None when the file is gone, which counts only when it is so a second time.
    """
    version = find_version(session, file_id)
    if version is None:
        return
    upload = load_upload(session, version.upload_id, lock=True)
    is_current = version.version == upload.version
    if seen is None:
        if is_current:
            _note_gone(session, upload, settings=settings, now=now)
        return
    upload.gone_at = None
    _update_version(upload, version, seen)
    apply_comments(
        session,
        seen.comments,
        upload_id=upload.upload_id,
        version=version.version,
        file_id=file_id,
        now=now,
    )
    _apply_status_field(session, version, seen.status_value, hints=hints, now=now)
    if is_current and upload.cancelled_at is None:
        _move(session, upload, version, seen.status, now=now)
        redecide(session, upload, settings=settings, now=now)
        upload.look_at = _next_look(session, upload, settings=settings, now=now)


def apply_deadlines(session: Session, *, settings: Settings, now: datetime) -> int:
    """Let the waits time out whose deadline has passed; return how many did."""
    expired = list_expired_waits(session, now=now)
    for wait in expired:
        wait.timed_out_at = now
        upload = load_upload(session, wait.upload_id, lock=True)
        if read_answer(wait, upload, settings.review) is not None:
            _time_out(session, wait, upload, settings=settings, now=now)
        mark_due_waits(session, upload, review=settings.review, now=now)
    return len(expired)


def known_authors(session: Session, file_id: str) -> dict[str, Person]:
    """Return who wrote the comments of this file that are already stored."""
    rows = session.exec(select(CommentRow).where(col(CommentRow.file_id) == file_id))
    return {
        row.comment_id: Person(id=row.author_id, email=row.author_email, name=row.author_name)
        for row in rows
    }


def _time_out(
    session: Session, wait: WaitRow, upload: UploadRow, *, settings: Settings, now: datetime
) -> None:
    if wait.kind == WaitKind.READY:
        minutes = settings.review.ready_timeout.total_seconds() / 60
        fail_upload(
            upload,
            reason=f"{upload.filename} was not ready on Frame.io after {minutes:.0f} minutes; "
            "look at it there, and run it again.",
            now=now,
        )
        announce(session, Announcement.FAILED, upload, now=now, cause=str(wait.id))
    else:
        announce(session, Announcement.TIMED_OUT, upload, now=now, cause=str(wait.id))


def _note_gone(session: Session, upload: UploadRow, *, settings: Settings, now: datetime) -> None:
    if upload.gone_at is None:
        upload.gone_at, upload.look_at = now, now + _SECOND_LOOK
        return
    if now - upload.gone_at < _SECOND_LOOK or upload.status == UploadStatus.FAILED:
        return
    fail_upload(
        upload,
        reason=f"{upload.filename} was deleted on Frame.io; run it again to upload it anew.",
        now=now,
    )
    announce(session, Announcement.FAILED, upload, now=now, cause="deleted")
    mark_due_waits(session, upload, review=settings.review, now=now)


def _update_version(upload: UploadRow, version: VersionRow, seen: FileSeen) -> None:
    version.view_url, version.media_type = seen.view_url, seen.media_type
    version.size = version.size or seen.size
    version.uploader_id = seen.uploader.id if seen.uploader else version.uploader_id
    upload.project_id = upload.project_id or seen.project_id


def _move(
    session: Session, upload: UploadRow, version: VersionRow, seen: UploadStatus, *, now: datetime
) -> None:
    moved = move_status(upload, seen, now=now)
    if seen in (UploadStatus.UPLOADED, UploadStatus.READY):
        version.uploaded_at = version.uploaded_at or now
    if seen is UploadStatus.READY:
        version.ready_at = version.ready_at or now
        if moved:
            announce(session, Announcement.READY, upload, now=now)


def _apply_status_field(
    session: Session,
    version: VersionRow,
    value: str | None,
    *,
    hints: Sequence[StatusHint],
    now: datetime,
) -> None:
    """Add a ruling when the Status field changed.

    Frame.io says neither who set it nor when: the setter is the user of the one change that was
    reported, and unknown as soon as several people may have been it.
    """
    users = {hint.user_id for hint in hints}
    setter = users.pop() if len(users) == 1 else None
    if value == version.status_value:
        _name_setter(session, version, setter, now=now)
        return
    version.status_value = value
    who = _find_person(session, setter)
    session.add(
        RulingRow(
            upload_id=version.upload_id,
            version=version.version,
            source=DecisionSource.STATUS_FIELD,
            value=value or "",
            person_id=setter,
            person_email=who.email if who else None,
            person_name=who.name if who else "",
            known=setter is not None,
            reason=f"Status set to {value!r}" if value else "Status cleared",
            at=max((hint.at for hint in hints), default=now),
            seen_at=now,
        )
    )
    session.flush()


def _name_setter(
    session: Session, version: VersionRow, setter: str | None, *, now: datetime
) -> None:
    """Say who set the Status after all, when the webhook came just after the value was read."""
    rulings = load_rulings(session, version.upload_id, version.version)
    last = rulings[-1] if rulings else None
    if setter is None or last is None or last.known or now - last.seen_at > _LATE_WEBHOOK:
        return
    who = _find_person(session, setter)
    last.person_id, last.known = setter, True
    last.person_email = who.email if who else None
    last.person_name = who.name if who else ""
    session.flush()


def _find_person(session: Session, user_id: str | None) -> Person | None:
    """Return what comments taught us about this user."""
    if user_id is None:
        return None
    row = session.exec(select(CommentRow).where(CommentRow.author_id == user_id)).first()
    if row is None:
        return None
    return Person(id=row.author_id, email=row.author_email, name=row.author_name)


def _next_look(
    session: Session, upload: UploadRow, *, settings: Settings, now: datetime
) -> datetime | None:
    """Return when to read the file again even if no webhook says so."""
    tracker = settings.tracker
    every = tracker.poll_every
    if not settings.webhook.enabled:
        every = min(every, tracker.poll_every_without_webhook)
    if upload.status == UploadStatus.FAILED:
        return None
    if upload.status != UploadStatus.READY:
        return now + min(every, _UNREADY_LOOK)
    delivery = load_delivery(session, upload.upload_id, upload.version)
    if delivery is not None and delivery.delivered_at is not None:
        return now + every * _DELIVERED_FACTOR
    return now + every
