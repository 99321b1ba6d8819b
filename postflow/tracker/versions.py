"""Versions that somebody stacked in Frame.io's own interface: found, and made the next round.

An event may say that there is one, naming the file or the stack; a look at any tracked file of the
stack finds it just as well, so nothing depends on the event but speed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlmodel import Session

from postflow.domain.findings import ChangeKind, Finding
from postflow.errors import FrameioRefusedError
from postflow.frameio.wire import File
from postflow.settings import Settings
from postflow.store.announcements import Announcement, announce
from postflow.store.columns import storable
from postflow.store.deliveries import load_delivery
from postflow.store.findings import note_findings
from postflow.store.tables import EventRow, UploadRow
from postflow.store.uploads import fail_upload, find_version, load_upload
from postflow.store.versions import NewVersion, begin_version, count_rounds, is_being_sent
from postflow.tracker.deciding import settle_consequences
from postflow.tracker.faults import is_tokens_fault
from postflow.tracker.ports import FrameioReader

_log = structlog.get_logger("postflow.tracker")


class StackReader:
    """Asks Frame.io about stacks; a parent that is a folder is asked about once."""

    def __init__(self, frameio: FrameioReader) -> None:
        self._frameio = frameio
        self._folders: set[str] = set()

    async def find_newest(self, parent_id: str | None) -> File | None:
        """Return the newest version of the stack that is the parent; None where it is a folder."""
        if parent_id is None or parent_id in self._folders:
            return None
        try:
            return (await self._frameio.fetch_version_stack(parent_id)).head_version
        except FrameioRefusedError as error:
            if is_tokens_fault(error):
                raise
            self._folders.add(parent_id)
            return None

    async def list_files(self, resource_id: str) -> list[str]:
        """Return the files of the stack that this is, or that this file lies in."""
        try:
            parent_id = (await self._frameio.fetch_file(resource_id)).parent_id
        except FrameioRefusedError as error:
            if is_tokens_fault(error):
                raise
            parent_id = resource_id  # an event may name the stack itself
        if parent_id is None:
            return []
        try:
            files = await self._frameio.fetch_stack_files(parent_id)
        except FrameioRefusedError as error:
            if is_tokens_fault(error):
                raise
            return []
        self._folders.discard(parent_id)  # whatever was answered before
        return [file.id for file in files]


def open_round(
    session: Session,
    file_id: str,
    newest: File,
    *,
    settings: Settings,
    now: datetime,
    events: Sequence[EventRow] = (),
) -> None:
    """Make the newest file of a tracked file's stack the current version, unless it is known.

    Whoever comes second finds it on record: two processes open one round. After the last round
    that the settings allow, the upload fails instead. `events` are those that caused the reading.
    """
    version = find_version(session, file_id)
    if version is None or find_version(session, newest.id) is not None:
        return
    upload = load_upload(session, version.upload_id, lock=True)
    if find_version(session, newest.id) is not None:
        return
    if upload.cancelled_at is not None or is_being_sent(session, upload, now=now):
        return
    found = Finding(kind=ChangeKind.FILE_VERSIONED, resource_id=newest.id)
    note_findings(session, upload, version, [found], events=events, now=now)
    settings = settings.for_project(upload.project_id)
    review = settings.review
    rounds = count_rounds(session, upload.upload_id)
    if rounds >= review.max_rounds:
        _refuse(session, upload, newest, rounds=rounds, settings=settings, now=now)
        return
    new = NewVersion(filename=storable(newest.name), file_id=newest.id, size=newest.file_size)
    begin_version(session, upload, new, review=review, now=now)
    _log.info("a new version was stacked", upload_id=upload.upload_id, version=upload.version)


def _refuse(
    session: Session,
    upload: UploadRow,
    newest: File,
    *,
    rounds: int,
    settings: Settings,
    now: datetime,
) -> None:
    """End the review; what is delivered already stays as it is."""
    delivery = load_delivery(session, upload.upload_id, upload.version)
    if upload.failure is not None or (delivery is not None and delivery.delivered_at is not None):
        return
    reason = (
        f"{upload.filename} has had {rounds} review rounds, as many as review.max_rounds "
        f"allows, and {newest.name} was stacked on it; raise the setting and "
        "run it again."
    )
    fail_upload(upload, reason=reason, now=now)
    told = {"reason": reason}
    announce(session, Announcement.FAILED, upload, now=now, cause="max-rounds", payload=told)
    settle_consequences(session, upload, settings=settings, now=now)
