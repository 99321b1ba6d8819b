"""Uploading a registered video: the store's journal, Frame.io's uploader, and the place it goes.

One process at a time uploads a video, by a claim in the store that it renews; another one waits
and finds the work done, or takes over when the first is no longer heard of.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import structlog

from postflow.clock import Clock, utc_now
from postflow.domain.uploads import UploadStatus
from postflow.errors import StoreError, StoreUnavailableError, UploadError
from postflow.frameio.client import FrameioClient
from postflow.frameio.failures import most_telling
from postflow.frameio.locate import Location, locate
from postflow.frameio.parts import Progress
from postflow.frameio.slots import process_slots
from postflow.frameio.stacks import find_place_beside, stack_on_top
from postflow.frameio.uploader import upload_file
from postflow.settings import Settings
from postflow.store import claims
from postflow.store.allowances import take_turn
from postflow.store.announcements import Announcement, announce
from postflow.store.batches import announce_decided_batches, cached_sha256
from postflow.store.database import Store
from postflow.store.uploads import fail_upload, load_upload, load_version
from postflow.store.versions import list_older_files
from postflow.upload_journal import StoreJournal

CREATES_A_SECOND = 4.75  # Frame.io allows five, to all processes of the account together
_LOOK_EVERY = 0.5  # seconds, while another process uploads
_log = structlog.get_logger("postflow.uploading")


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
        older = _list_older(store, upload_id)
        place = await find_place_beside(frameio, older) or await locate(
            frameio,
            workspace_id=settings.frameio.workspace_id,
            project_id=project_id or settings.frameio.project_id,
            folder=settings.frameio.folder,
        )
        _record_place(store, upload_id, place)
        known = _known_sha256(store, path)
        uploaded = await upload_file(
            frameio,
            path=path,
            folder_id=place.folder_id,
            journal=journal,
            progress=progress,
            parallel=settings.frameio.parts_in_flight,
            in_flight=process_slots(settings.frameio.parts_in_flight),
            may_create=_turn_taker(store, settings, place.account_id, clock),
            sha256=known,
        )
        has_changed = known is not None and _known_sha256(store, path) != known
        if has_changed or (sha256 is not None and uploaded.sha256 != sha256):
            await frameio.delete_file(uploaded.file_id)  # before anybody can review it
            journal.discarded()
            raise UploadError(
                f"{path} changed between its registration and its upload; run it again, and "
                "the new content gets an upload of its own."
            )
        await stack_on_top(frameio, older=older, newer=uploaded.file_id)
        journal.completed(uploaded)


def is_sent(store: Store, upload_id: str) -> bool:
    """Whether nothing is left to do: every byte is there and recorded, or the upload has failed.

    What lies at Frame.io without a file of ours is somebody else's to bring there.
    """
    with store.reading() as session:
        upload = load_upload(session, upload_id)
        version = load_version(session, upload)
    if upload.status == UploadStatus.FAILED or (version.file_id and version.path is None):
        return True
    is_there = upload.status not in (UploadStatus.REGISTERED, UploadStatus.UPLOADING)
    # The tracker may see the file complete before we have compared and stacked it.
    return is_there and version.placeholder is None


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
        announce_decided_batches(session, upload, now=now)


def _list_older(store: Store, upload_id: str) -> list[str]:
    with store.reading() as session:
        return list_older_files(session, upload_id)


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


def _known_sha256(store: Store, path: Path) -> str | None:
    """Return the sha256 of the file as it is now, if its registration took it of just this state.

    A master of 100 GB is then read once less; what is delivered is hashed again all the same.
    """
    try:
        seen = path.stat()
    except OSError:
        return None
    with store.reading() as session:
        return cached_sha256(
            session, path=str(path), size=seen.st_size, modified_ns=seen.st_mtime_ns
        )


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
