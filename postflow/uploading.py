"""Uploading a registered video: the store's journal, Frame.io's uploader, and the place it goes.

One process at a time uploads a video, by a claim in the store that it renews; another one waits
and finds the work done, or takes over when the first is no longer heard of.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import structlog
from sqlmodel import Session

from postflow.clock import Clock, utc_now
from postflow.domain.uploads import UploadStatus
from postflow.errors import StoreError, StoreUnavailableError, UploadError
from postflow.frameio.chunks import Placeholder, parse_placeholder, render_placeholder
from postflow.frameio.client import FrameioClient
from postflow.frameio.failures import most_telling
from postflow.frameio.journal import AskedFor
from postflow.frameio.locate import Location, locate
from postflow.frameio.parts import Progress
from postflow.frameio.slots import process_slots
from postflow.frameio.uploader import UploadedFile, upload_file
from postflow.settings import Settings
from postflow.store import claims
from postflow.store.allowances import take_turn
from postflow.store.announcements import Announcement, announce
from postflow.store.batches import close_decided_batches
from postflow.store.database import Store
from postflow.store.journal import (
    complete_upload,
    discard_placeholder,
    load_placeholder,
    record_part,
    record_placeholder,
)
from postflow.store.uploads import fail_upload, load_upload, load_version

CREATES_A_SECOND = 4.75  # Frame.io allows five, to all processes of the account together
_LOOK_EVERY = 0.5  # seconds, while another process uploads
_log = structlog.get_logger("postflow.uploading")


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreJournal:
    """Frame.io's upload journal, kept in our store so that any later process can go on.

    Writes only while `holder` has the claim on the upload: a process that was stopped for long
    must not write over the one that took its place.
    """

    store: Store
    upload_id: str
    holder: str
    clock: Clock = utc_now

    def load(self) -> Placeholder | None:
        """Return the recorded placeholder with its finished parts."""
        with self.store.reading() as session:
            found = load_placeholder(session, self.upload_id)
        if found is None:
            return None
        text, finished = found
        return parse_placeholder(text).with_finished(*finished)

    def asking(self, asked: AskedFor) -> None:
        """Record that Frame.io is asked for a placeholder from now on."""
        with self._writing() as session:
            claims.record_asking(session, self.upload_id, holder=self.holder, asked=_kept(asked))

    def answer_lost(self) -> None:
        """Record that it cannot be known whether the placeholder exists."""
        with self._writing() as session:
            claims.record_lost_answer(session, self.upload_id, holder=self.holder)

    def answered(self) -> None:
        """Record that nothing is open any more."""
        with self._writing() as session:
            claims.record_answered(session, self.upload_id, holder=self.holder)

    def unanswered(self) -> AskedFor | None:
        """Return what was asked for and may have left a placeholder behind."""
        with self.store.reading() as session:
            kept = claims.load_unanswered(session, self.upload_id)
        if kept is None:
            return None
        return AskedFor(folder_id=kept.folder_id, name=kept.name, size=kept.size, since=kept.since)

    def orphans_among(self, file_ids: frozenset[str], asked: AskedFor) -> frozenset[str] | None:
        """Return those that no upload has on record; None while another one asks for the same."""
        with self.store.reading() as session:
            return claims.find_orphans(
                session, self.upload_id, file_ids, asked=_kept(asked), now=self.clock()
            )

    def placeholder_created(self, placeholder: Placeholder) -> None:
        """Record a new placeholder, in place of any before."""
        with self._writing() as session:
            record_placeholder(
                session,
                self.upload_id,
                file_id=placeholder.file_id,
                placeholder=render_placeholder(placeholder),
                now=self.clock(),
            )
            claims.record_answered(session, self.upload_id, holder=self.holder)

    def part_finished(self, number: int) -> None:
        """Record that Frame.io holds this part."""
        with self._writing() as session:
            record_part(session, self.upload_id, number)

    def discarded(self) -> None:
        """Forget the placeholder."""
        with self._writing() as session:
            discard_placeholder(session, self.upload_id)

    def completed(self, uploaded: UploadedFile) -> None:
        """Record that every byte has arrived."""
        with self._writing() as session:
            complete_upload(
                session,
                self.upload_id,
                file_id=uploaded.file_id,
                sha256=uploaded.sha256,
                size=uploaded.size,
                view_url=uploaded.view_url,
                media_type=uploaded.media_type,
                now=self.clock(),
            )

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with self.store.writing() as session:
            claims.check_claim(session, self.upload_id, holder=self.holder)
            yield session


async def upload_video(
    store: Store,
    frameio: FrameioClient,
    settings: Settings,
    upload_id: str,
    *,
    project_id: str | None = None,
    progress: Progress | None = None,
    clock: Clock = utc_now,
) -> None:
    """Bring every byte of a registered video to Frame.io; a video that is there is left alone.

    A killed call goes on where it was; while another process is at it, this one waits. Raises
    UploadError naming the file where the file is the trouble, and FrameioError; `retryable` says
    whether the same call may work later.
    """
    if is_sent(store, upload_id):
        return
    async with _claimed(store, settings, upload_id, clock) as holder:
        if is_sent(store, upload_id):
            return
        journal = StoreJournal(store=store, upload_id=upload_id, holder=holder, clock=clock)
        path, sha256 = _plan(store, upload_id)
        place = await locate(
            frameio,
            workspace_id=settings.frameio.workspace_id,
            project_id=project_id or settings.frameio.project_id,
            folder=settings.frameio.folder,
        )
        _record_place(store, upload_id, place)
        uploaded = await upload_file(
            frameio,
            path=path,
            folder_id=place.folder_id,
            journal=journal,
            progress=progress,
            parallel=settings.frameio.parts_in_flight,
            in_flight=process_slots(settings.frameio.parts_in_flight),
            may_create=_turn_taker(store, settings, place.account_id, clock),
        )
        if sha256 is not None and uploaded.sha256 != sha256:
            await frameio.delete_file(uploaded.file_id)  # before anybody can review it
            journal.discarded()
            raise UploadError(
                f"{path} changed between its registration and its upload; run it again, and "
                "the new content gets an upload of its own."
            )
        journal.completed(uploaded)


def is_sent(store: Store, upload_id: str) -> bool:
    """Whether nothing is left to send: Frame.io has every byte, or the upload has failed."""
    with store.reading() as session:
        upload = load_upload(session, upload_id)
    return upload.status not in (UploadStatus.REGISTERED, UploadStatus.UPLOADING)


def fail_unsent(store: Store, upload_id: str, *, reason: str, clock: Clock = utc_now) -> None:
    """Write down why the bytes will not arrive; what is at Frame.io already has not failed."""
    now = clock()
    with store.writing() as session:
        upload = load_upload(session, upload_id, lock=True)
        if upload.status not in (UploadStatus.REGISTERED, UploadStatus.UPLOADING):
            return
        fail_upload(upload, reason=reason, now=now)
        cause = f"{reason} {now.isoformat()}"
        told = {"reason": reason}
        announce(session, Announcement.FAILED, upload, now=now, cause=cause, payload=told)
        close_decided_batches(session, upload_id, now=now)


def _plan(store: Store, upload_id: str) -> tuple[Path, str | None]:
    """Return the file that is still to be sent and what it should contain."""
    with store.reading() as session:
        upload = load_upload(session, upload_id)
        version = load_version(session, upload)
    if version.path is None:
        raise UploadError(
            f"{upload_id} was tracked without a local file, so there is nothing to upload."
        )
    return Path(version.path), version.sha256


def _record_place(store: Store, upload_id: str, place: Location) -> None:
    with store.writing() as session:
        upload = load_upload(session, upload_id, lock=True)
        upload.account_id = place.account_id
        upload.workspace_id = place.workspace_id
        upload.project_id = place.project_id


@asynccontextmanager
async def _claimed(
    store: Store, settings: Settings, upload_id: str, clock: Clock
) -> AsyncIterator[str]:
    """Hold the claim on the upload, waiting for whoever holds it; give our name as its holder."""
    holder = uuid4().hex

    def take() -> bool:
        with store.writing() as session:
            lease = settings.tracker.lease
            return claims.take_claim(session, upload_id, holder=holder, now=clock(), lease=lease)

    await _wait_until_taken(take, upload_id)
    try:
        async with asyncio.TaskGroup() as tasks:
            renewal = tasks.create_task(_keep(take, settings.tracker.lease_renewal, upload_id))
            yield holder
            renewal.cancel()
    except ExceptionGroup as failures:
        told = most_telling(failures)
        raise told from told.__cause__
    finally:
        with suppress(StoreError), store.writing() as session:
            claims.release_claim(session, upload_id, holder=holder, now=clock())


async def _wait_until_taken(take: Callable[[], bool], upload_id: str) -> None:
    waits = False
    while not await asyncio.to_thread(take):
        if not waits:
            _log.info("another process uploads this, waiting for it", upload_id=upload_id)
        waits = True
        await asyncio.sleep(_LOOK_EVERY)


async def _keep(take: Callable[[], bool], every: timedelta, upload_id: str) -> None:
    """Renew the claim; raises as soon as it is somebody else's."""
    while True:
        await asyncio.sleep(every.total_seconds())
        with suppress(StoreUnavailableError):  # the next renewal may come through in time
            if not await asyncio.to_thread(take):
                raise claims.taken_over(upload_id)


def _turn_taker(
    store: Store, settings: Settings, account_id: str, clock: Clock
) -> Callable[[], Awaitable[None]]:
    """Return what waits for the next create that the account may make, in all processes."""
    every = timedelta(seconds=1 / CREATES_A_SECOND)

    def take() -> timedelta:
        with store.writing() as session:
            name = f"create uploads in account {account_id}"
            return take_turn(session, name, every=every, now=clock())

    async def wait_for_turn() -> None:
        if settings.frameio.respect_rate_limits:
            await asyncio.sleep((await asyncio.to_thread(take)).total_seconds())

    return wait_for_turn


def _kept(asked: AskedFor) -> claims.AskedFor:
    """Say the same in the store's own type."""
    return claims.AskedFor(
        folder_id=asked.folder_id, name=asked.name, size=asked.size, since=asked.since
    )
