"""The placeholder of an upload: found again after a crash, made, or thrown away.

Frame.io tells the addresses of the parts once, in the answer to the create call. A placeholder
whose answer was lost cannot be filled by anybody, so it is deleted before another is made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from postflow.errors import FrameioError, FrameioRefusedError, NotFoundError, UploadError
from postflow.frameio.chunks import Placeholder, plan_upload
from postflow.frameio.client import FrameioClient
from postflow.frameio.journal import AskedFor, AsyncJournal
from postflow.frameio.retries import did_nothing
from postflow.frameio.source import SourceFile
from postflow.frameio.wire import File, FileStatus

CREATES_AT_MOST = 3
PATIENCE_WHEN_CANCELLED = 10.0  # seconds
LONGEST_LIFE = timedelta(days=7)  # of a placeholder that somebody still tries to fill
FIRST_PAUSE = 0.05  # seconds; doubled up to LONGEST_PAUSE while another upload asks
LONGEST_PAUSE = 2.0
CLOCK_SKEW = timedelta(minutes=10)  # how far Frame.io's clock and ours may be apart

MayCreate = Callable[[], Awaitable[None]]
"""Returns as soon as one more placeholder may be asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceholderKeeper:
    """Finds, makes and deletes the placeholder of one source in one folder."""

    client: FrameioClient
    journal: AsyncJournal
    source: SourceFile
    folder_id: str
    name: str
    may_create: MayCreate
    now: Callable[[], datetime]

    async def recall(self) -> Placeholder | None:
        """Return the recorded placeholder if it can still be filled, or is full already.

        Raises UploadError where another state of the file is already complete at Frame.io:
        reviewers may have seen it, so it is not deleted.
        """
        recorded = await self.journal.load()
        if recorded is None:
            return None
        try:
            file = await self.client.fetch_file(recorded.file_id)
        except NotFoundError:
            await self.journal.discarded()
            return None
        is_complete = file.status != FileStatus.CREATED
        is_ours = self.source.fingerprint.is_as_recorded(recorded.source)
        if is_complete and not is_ours:
            raise UploadError(
                f"{self.source.path} is not the file whose upload is complete as "
                f"{file.id}; upload it as a new version."
            )
        if is_complete:
            return recorded.with_finished(*(part.number for part in recorded.parts))
        if is_ours and self._is_for_here(recorded) and not recorded.is_expired(now=self.now()):
            return recorded
        await self.abandon(recorded)
        return None

    async def make(self) -> Placeholder:
        """Create a placeholder and record it; a lost answer leaves none behind.

        Cancelling waits a moment for the answer: it holds the only way to fill or find it again.
        """
        making = asyncio.create_task(self._make())
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            await asyncio.wait({making}, timeout=PATIENCE_WHEN_CANCELLED)
            making.cancel()
            raise

    async def abandon(self, placeholder: Placeholder) -> None:
        """Delete a placeholder at Frame.io, if that works, and forget it.

        One that cannot be deleted now is looked for before the next one is made.
        """
        try:
            await self.client.delete_file(placeholder.file_id)
        except FrameioError:
            await self.journal.asking(
                AskedFor(
                    folder_id=placeholder.folder_id,
                    name=placeholder.name,
                    size=placeholder.source.size,
                    since=self.now() - LONGEST_LIFE,
                )
            )
            await self.journal.answer_lost()
        await self.journal.discarded()

    async def abandon_recorded(self) -> None:
        """Delete whatever placeholder is recorded, and forget it."""
        recorded = await self.journal.load()
        if recorded is not None:
            await self.abandon(recorded)

    def _is_for_here(self, placeholder: Placeholder) -> bool:
        return (placeholder.folder_id, placeholder.name) == (self.folder_id, self.name)

    async def _make(self) -> Placeholder:
        await self._clear_away()
        file = await self._create()
        placeholder = plan_upload(file, folder_id=self.folder_id, source=self.source.fingerprint)
        await self.journal.placeholder_created(placeholder)
        return placeholder

    async def _create(self) -> File:
        for failures in range(1, CREATES_AT_MOST + 1):
            await self.may_create()
            try:
                return await self._ask()
            except FrameioError as error:
                if not error.retryable or failures == CREATES_AT_MOST:
                    raise
                wait = self.client.retries.wait_after(error, failures=failures)
            await asyncio.sleep(wait.total_seconds())
            await self._clear_away()
        raise AssertionError("the last try returns or raises")

    async def _ask(self) -> File:
        """Ask once; whatever ends this process meanwhile, the journal knows what was asked."""
        size = self.source.fingerprint.size
        await self.journal.asking(
            AskedFor(folder_id=self.folder_id, name=self.name, size=size, since=self.now())
        )
        try:
            return await self.client.create_local_upload(
                self.folder_id, name=self.name, file_size=size
            )
        except FrameioError as error:
            if isinstance(error, FrameioRefusedError) or did_nothing(error):
                await self.journal.answered()
            else:
                await self.journal.answer_lost()
            raise

    async def _clear_away(self) -> None:
        """Delete what a lost answer has left behind, if anything."""
        asked = await self.journal.unanswered()
        if asked is None:
            return
        for file_id in await self._orphans(asked, await self._like(asked)):
            await self.client.delete_file(file_id)
        await self.journal.answered()

    async def _like(self, asked: AskedFor) -> frozenset[str]:
        """List what may be the answer: ours, unfinished, of this name and size, young enough."""
        me = await self.client.fetch_me()
        try:
            files = await self.client.fetch_files(asked.folder_id, include=("creator",))
        except NotFoundError:
            return frozenset()
        return frozenset(
            file.id
            for file in files
            if (file.name, file.file_size) == (asked.name, asked.size)
            and file.status == FileStatus.CREATED
            and file.created_at >= asked.since - CLOCK_SKEW
            and file.creator is not None
            and file.creator.id == me.id
        )

    async def _orphans(self, asked: AskedFor, file_ids: frozenset[str]) -> frozenset[str]:
        """Pick those that are nobody's, after every upload that just asks has its answer."""
        pause = FIRST_PAUSE
        while file_ids:
            orphans = await self.journal.orphans_among(file_ids, asked)
            if orphans is not None:
                return orphans
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        return file_ids
