"""Uploading one file so that a crash at any moment costs only the parts in flight.

The journal remembers the placeholder and its finished parts; the next call goes on from there.
A file that changes meanwhile is refused: what is uploaded is what was hashed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from postflow.errors import FrameioError, FrameioUnavailableError, NotFoundError, UploadError
from postflow.frameio.chunks import Placeholder
from postflow.frameio.client import FrameioClient
from postflow.frameio.failures import most_telling
from postflow.frameio.journal import AsyncJournal, UploadJournal
from postflow.frameio.parts import PartSender, Progress, Slots, StaleAddressError, Tally
from postflow.frameio.placeholders import MayCreate, PlaceholderKeeper
from postflow.frameio.retries import RetryPolicy
from postflow.frameio.source import SourceFile, look_at
from postflow.frameio.wire import File, FileStatus

A = TypeVar("A")
B = TypeVar("B")

PLACEHOLDERS_AT_MOST = 3
FIRST_LOOK = 0.1  # seconds; doubled up to LONGEST_LOOK while Frame.io joins the parts
LONGEST_LOOK = 5.0
MORE_TRIES_PER_PART = 4  # the storage service has no rate limit to respect


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedFile:
    """A file whose bytes are all at Frame.io, and what those bytes are."""

    file_id: str
    name: str
    project_id: str
    sha256: str
    size: int
    media_type: str
    status: str
    view_url: str


async def _at_once() -> None:
    """Let every create pass: nobody else shares the rate."""


def _now() -> datetime:
    return datetime.now(UTC)


async def upload_file(
    client: FrameioClient,
    *,
    path: Path,
    folder_id: str,
    journal: UploadJournal,
    progress: Progress | None = None,
    parallel: int = 5,
    in_flight: Slots | None = None,
    may_create: MayCreate | None = None,
    name: str | None = None,
    sha256: str | None = None,
    stall_timeout: float = 60.0,
    join_timeout: float = 300.0,
    now: Callable[[], datetime] = _now,
) -> UploadedFile:
    """Upload a file, or go on with its upload; return once Frame.io has all of it.

    Cancelling leaves everything for the next call. `sha256` spares the pass that computes it.
    `in_flight` limits the parts of all uploads that share it, `may_create` spreads the creates of
    all who share it. `stall_timeout` (seconds) is how long a part may take for one chunk or for
    its answer, `join_timeout` how long Frame.io may take to join the parts.
    Raises UploadError naming the file where the file is the trouble; after a retryable error
    the same call goes on where it was.
    """
    source = await asyncio.to_thread(look_at, path)
    keeper = PlaceholderKeeper(
        client=client,
        journal=AsyncJournal(journal),
        source=source,
        folder_id=folder_id,
        name=name or path.name,
        may_create=may_create or _at_once,
        now=now,
    )
    upload = _Upload(
        client=client,
        source=source,
        keeper=keeper,
        progress=progress,
        parallel=parallel,
        in_flight=in_flight or asyncio.Semaphore(parallel),
        stall_timeout=stall_timeout,
        join_timeout=join_timeout,
    )
    return await upload.run(sha256=sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Upload:
    """One call of `upload_file`."""

    client: FrameioClient
    source: SourceFile
    keeper: PlaceholderKeeper
    progress: Progress | None
    parallel: int
    in_flight: Slots
    stall_timeout: float
    join_timeout: float

    async def run(self, *, sha256: str | None) -> UploadedFile:
        recalled = await self.keeper.recall()
        try:
            file, digest = await _both(self._send(recalled), self._digest(sha256))
            await asyncio.to_thread(self.source.check)
        except UploadError:
            # What is at Frame.io is a mixture of two states of the file: nobody may review it.
            await self.keeper.abandon_recorded()
            raise
        return _uploaded(file, sha256=digest)

    async def _digest(self, known: str | None) -> str:
        return known or await self.source.sha256()

    async def _send(self, placeholder: Placeholder | None) -> File:
        """Fill the placeholder; one that is no longer taken is made anew, not for ever."""
        for left in reversed(range(PLACEHOLDERS_AT_MOST)):
            placeholder = placeholder or await self.keeper.make()
            try:
                return await self._fill(placeholder)
            except (StaleAddressError, NotFoundError):
                await self.keeper.abandon(placeholder)
                placeholder = None
                if not left:
                    raise
        raise AssertionError("the last placeholder returns or raises")

    async def _fill(self, placeholder: Placeholder) -> File:
        await self._send_parts(placeholder)
        file = await self._joined(placeholder)
        if file is None:
            # All parts were taken, yet something is missing: the same addresses take them again.
            await self._send_parts(placeholder.with_nothing_finished())
            file = await self._joined(placeholder)
        if file is None:
            raise await self._not_joined(placeholder)
        return file

    async def _not_joined(self, placeholder: Placeholder) -> FrameioError:
        told = (
            f"Frame.io took all parts of {self.source.path} but did not join them as file "
            f"{placeholder.file_id}; try again later."
        )
        status = await self.client.fetch_upload_status(placeholder.file_id)
        # A failed placeholder is of no more use; one that is only slow may still be joined.
        return StaleAddressError(told) if status.upload_failed else FrameioUnavailableError(told)

    async def _send_parts(self, placeholder: Placeholder) -> None:
        total = self.source.fingerprint.size
        tally = Tally(
            total=total,
            done=total - sum(part.size for part in placeholder.missing),
            progress=self.progress,
        )
        sender = PartSender(
            http=self.client.storage,
            source=self.source,
            placeholder=placeholder,
            retries=_part_retries(self.client.retries),
            in_flight=self.in_flight,
            stall_timeout=self.stall_timeout,
            tally=tally,
        )
        tally.tell()
        await sender.send_missing(
            parallel=self.parallel, finished=self.keeper.journal.part_finished
        )

    async def _joined(self, placeholder: Placeholder) -> File | None:
        """Wait until Frame.io has joined the parts, and compare; None if that takes too long."""
        clock = asyncio.get_running_loop().time
        ends_at = clock() + self.join_timeout
        pause = FIRST_LOOK
        while True:
            file = await self.client.fetch_file(placeholder.file_id)
            if file.status != FileStatus.CREATED:
                return self._compared(file)
            status = await self.client.fetch_upload_status(placeholder.file_id)
            if status.upload_failed or clock() + pause > ends_at:
                return None
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_LOOK)

    def _compared(self, file: File) -> File:
        if file.file_size != self.source.fingerprint.size:
            raise FrameioError(
                f"Frame.io holds {file.file_size} of {self.source.fingerprint.size} bytes of "
                f"{self.source.path} as file {file.id}; delete it there and upload it again."
            )
        return file


def _part_retries(retries: RetryPolicy) -> RetryPolicy:
    """Try a part sooner and more often than a call, with no deadline but the stall of a part."""
    return replace(
        retries,
        attempts=retries.attempts + MORE_TRIES_PER_PART,
        after_failure=min(retries.after_failure, retries.after_lost_connection),
        deadline=timedelta(days=1),
    )


def _uploaded(file: File, *, sha256: str) -> UploadedFile:
    return UploadedFile(
        file_id=file.id,
        name=file.name,
        project_id=file.project_id,
        sha256=sha256,
        size=file.file_size,
        media_type=file.media_type,
        status=file.status,
        view_url=file.view_url,
    )


async def _both(one: Coroutine[None, None, A], other: Coroutine[None, None, B]) -> tuple[A, B]:
    """Await both; the first failure ends the other."""
    try:
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(one)
            second = tasks.create_task(other)
    except ExceptionGroup as failures:
        told = most_telling(failures)
        raise told from told.__cause__
    return first.result(), second.result()
