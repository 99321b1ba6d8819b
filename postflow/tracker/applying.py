"""Writing what was read of a file into the store, and deciding, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from postflow.domain.findings import ChangeKind, Finding
from postflow.domain.people import Person
from postflow.domain.uploads import UploadStatus
from postflow.settings import Settings
from postflow.store.announcements import Announcement, announce
from postflow.store.comments import apply_comments
from postflow.store.decisions import was_ever_decided
from postflow.store.deliveries import is_delivered, recall_delivery
from postflow.store.findings import note_findings
from postflow.store.flow_runs import last_attempt
from postflow.store.opinions import reuse_opinions
from postflow.store.review_deadlines import arm_deadline
from postflow.store.tables import CommentRow, EventRow, UploadRow, VersionRow
from postflow.store.uploads import fail_upload, move_status
from postflow.tracker.deciding import redecide, settle_consequences
from postflow.tracker.pacing import plan_look
from postflow.tracker.reading import FileSeen
from postflow.tracker.status_field import StatusHint, apply_status_field

_UNKNOWN_LOOK = timedelta(seconds=30)
_SECOND_LOOK = timedelta(seconds=5)


def apply_seen(
    session: Session,
    version: VersionRow,
    upload: UploadRow,
    seen: FileSeen | None,
    *,
    settings: Settings,
    now: datetime,
    events: Sequence[EventRow] = (),
    log: Sequence[StatusHint] = (),
    began_at: datetime | None = None,
) -> list[Finding]:
    """Make the store say what Frame.io says of a version's file; the same again changes nothing.

    Returns what was new. The version and its upload must be loaded with a lock.

    `seen` is None when the file is gone, which counts only when it is so a second time. `events`
    are those that caused the reading, and with the audit log's lines in `log` they say who may have
    set the Status; `began_at` is when the reading began, if that was not just now.
    """
    file_id = version.file_id or ""
    is_current = version.version == upload.version
    known_at = version.read_at or version.uploaded_at
    found: list[Finding] = []
    if seen is None:
        if is_current and _note_gone(session, upload, settings=settings, now=now):
            found.append(Finding(kind=ChangeKind.FILE_DELETED, resource_id=file_id))
        note_findings(session, upload, version, found, events=events, now=now)
        return found
    if is_current:
        upload.gone_at = None
    upload.project_id = upload.project_id or seen.project_id
    was_delivered = was_ever_decided(upload) and is_delivered(session, version)
    applied = apply_comments(
        session,
        seen.comments,
        upload_id=upload.upload_id,
        version=version.version,
        file_id=file_id,
        now=now,
        # What was delivered was decided by the rules of its day; `calibrate` shows the difference.
        read_anew=not was_delivered,
    )
    found += applied.news
    own = settings.for_project(upload.project_id)
    if own.analysis.second_opinion is not None:
        reuse_opinions(session, upload.upload_id, version.version, now=now)
    hints = _read_hints(events)
    if apply_status_field(
        session, version, seen.status_value, hints=hints, log=log, rules=own.review.rules, now=now
    ):
        at = max((each.at for each in log or hints), default=None)
        found.append(Finding(kind=ChangeKind.STATUS_CHANGED, resource_id=file_id, at=at))
    if is_current and upload.cancelled_at is None:
        found += _move(session, upload, version, seen.status, now=now)
    note_findings(session, upload, version, found, events=events, now=now, known_at=known_at)
    _update_version(version, seen)
    version.read_at = began_at or now
    if is_current:
        look = plan_look(session, upload, settings=settings, now=now, is_delivered=was_delivered)
        upload.look_at = look  # before the decision, so that both are written together
        if upload.cancelled_at is None:
            redecide(session, upload, settings=settings, now=now, comments=applied.comments)
        upload.look_at = min(look, upload.quiet_until or look) if look else None
    return found


def known_authors(session: Session, file_id: str) -> dict[str, Person]:
    """Return who wrote the stored comments of this file that are not deleted."""
    statement = select(CommentRow).where(
        CommentRow.file_id == file_id, col(CommentRow.deleted_at).is_(None)
    )
    rows = session.exec(statement)
    return {
        row.comment_id: Person(id=row.author_id, email=row.author_email, name=row.author_name)
        for row in rows
    }


def _note_gone(session: Session, upload: UploadRow, *, settings: Settings, now: datetime) -> bool:
    """Take note that the file does not exist; return whether that is certain just now."""
    if upload.status == UploadStatus.FAILED or upload.cancelled_at is not None:
        upload.look_at = None
        return False
    if upload.gone_at is None:
        upload.gone_at = now
    if upload.status == UploadStatus.REGISTERED and upload.path is None:
        # Never seen: the id is wrong or early. Its file may still be reported, by id or by name.
        upload.look_at = now + _UNKNOWN_LOOK
        return False
    if now - upload.gone_at < _SECOND_LOOK:
        upload.look_at = upload.gone_at + _SECOND_LOOK
        return False
    name = upload.filename
    recalled_for = f"{name} was deleted on Frame.io after its delivery."
    recalled = {"reason": recalled_for, "cause": "deleted-after-delivery"}
    if recall_delivery(session, upload, told=recalled, now=now):
        upload.look_at = None
        return True
    # Design decision 0007.
    alone = ", and the version under it is not reviewed in its place" if upload.version > 1 else ""
    reason = f"{name} was deleted on Frame.io{alone}; run it again to upload it anew."
    fail_upload(upload, reason=reason, now=now)
    told = {"reason": reason, "cause": "deleted"}
    announce(session, Announcement.FAILED, upload, now=now, cause="deleted", payload=told)
    settle_consequences(session, upload, settings=settings, now=now)
    return True


def _update_version(version: VersionRow, seen: FileSeen) -> None:
    version.view_url, version.media_type = seen.view_url, seen.media_type
    version.size = version.size or seen.size
    version.uploader_id = seen.uploader.id if seen.uploader else version.uploader_id


def _move(
    session: Session, upload: UploadRow, version: VersionRow, seen: UploadStatus, *, now: datetime
) -> list[Finding]:
    moved = move_status(upload, seen, now=now)
    is_ready, resource = seen is UploadStatus.READY, version.file_id or ""
    found = []
    if is_ready or seen is UploadStatus.UPLOADED:
        if version.uploaded_at is None:
            found.append(Finding(kind=ChangeKind.UPLOAD_COMPLETED, resource_id=resource))
        version.uploaded_at = version.uploaded_at or now
    if is_ready:
        version.ready_at = version.ready_at or now
        if moved:
            found.append(Finding(kind=ChangeKind.FILE_READY, resource_id=resource))
            announce(session, Announcement.READY, upload, now=now)
            _await_reviewers(session, upload, now=now)
    return found


def _await_reviewers(session: Session, upload: UploadRow, *, now: datetime) -> None:
    """Count from now on how long reviewers are silent, where no flow run will: its wait does."""
    if last_attempt(session, upload.upload_id, upload.version) is None:
        arm_deadline(session, upload, now=now)


def _read_hints(events: Sequence[EventRow]) -> list[StatusHint]:
    return [
        StatusHint(user_id=row.user_id, at=row.received_at)
        for row in events
        if row.event_type == ChangeKind.STATUS_CHANGED
    ]
