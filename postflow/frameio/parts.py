"""Sending the parts of one upload: several at once, each again by itself when it fails.

The request carries exactly the headers that the address was signed for. The bearer token must
not go along: the addresses belong to a storage service.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import dataclass, field
from http import HTTPStatus

import httpx

from postflow.errors import FrameioError, FrameioRefusedError, FrameioUnavailableError
from postflow.frameio.chunks import Part, Placeholder
from postflow.frameio.failures import FOREIGN_ERRORS, failure_of, most_telling
from postflow.frameio.retries import RetryPolicy
from postflow.frameio.source import SourceFile
from postflow.frameio.storage import CONNECT_TIMEOUT, Storage, open_storage

Progress = Callable[[int, int], None]
Slots = AbstractAsyncContextManager[None]
"""Held while a part is under way: a semaphore, of one event loop or of the whole process."""

PAUSE_BETWEEN_REPORTS = 0.1  # seconds; a watcher may draw or keep each report

# A storage service refuses so what has run out, was signed for something else, or is gone.
STALE = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


class StaleAddressError(FrameioRefusedError):
    """The placeholder can no longer be filled; it must be made anew."""


class Tally:
    """How many bytes are sent, for whoever watches; never goes back, even when a part does.

    Threads only `add`, each to a part of its own; everything else happens in the event loop.
    """

    def __init__(self, *, total: int, done: int, progress: Progress | None) -> None:
        self._total = total
        self._done = done
        self._underway: dict[int, int] = {}
        self._told = -1
        self._progress = progress

    def begin(self, part: Part) -> None:
        """Count the part from zero: nothing of a failed try counts."""
        self._underway[part.number] = 0

    def add(self, part: Part, size: int) -> None:
        """Count bytes that were handed over."""
        self._underway[part.number] += size

    def finish(self, part: Part) -> None:
        """Count the whole part, for good."""
        self._underway.pop(part.number, None)
        self._done += part.size
        self.tell()

    def tell(self) -> None:
        """Report, if there is something new."""
        sent = self._done + sum(self._underway.values())
        if self._progress is not None and sent > self._told:
            self._told = sent
            self._progress(sent, self._total)

    async def keep_telling(self) -> None:
        """Report now and then, until cancelled."""
        while True:
            self.tell()
            await asyncio.sleep(PAUSE_BETWEEN_REPORTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSender:
    """Sends parts of one placeholder from one source.

    `in_flight` is the limit that all uploads of the process share; `stall_timeout` is how long
    a connection may take for one chunk, or for its answer, before the part is tried again.
    """

    http: Callable[[], httpx.Client]
    source: SourceFile
    placeholder: Placeholder
    retries: RetryPolicy
    in_flight: Slots
    stall_timeout: float
    tally: Tally = field(repr=False)

    async def send_missing(
        self, *, parallel: int, finished: Callable[[int], Coroutine[None, None, None]]
    ) -> None:
        """Send every missing part, telling `finished` of each; the first failure ends all."""
        missing = self.placeholder.missing
        lines = min(parallel, len(missing))
        if not lines:
            return
        try:
            async with (
                open_storage(self.http(), threads=lines) as storage,
                asyncio.TaskGroup() as watching,
            ):
                telling = watching.create_task(self.tally.keep_telling())
                async with asyncio.TaskGroup() as sending:
                    waiting = iter(missing)
                    for _ in range(lines):
                        sending.create_task(self._work(storage, waiting, finished, sending))
                telling.cancel()
        except ExceptionGroup as failures:
            told = most_telling(failures)
            raise told from told.__cause__

    async def _work(
        self,
        storage: Storage,
        waiting: Iterator[Part],
        finished: Callable[[int], Coroutine[None, None, None]],
        sending: asyncio.TaskGroup,
    ) -> None:
        """Send one part after the other; a slow disk under the journal does not hold up the next."""
        for part in waiting:
            await self._send(storage, part)
            self.tally.finish(part)
            sending.create_task(finished(part.number))

    async def _send(self, storage: Storage, part: Part) -> None:
        async def once() -> None:
            async with self.in_flight:
                self.tally.begin(part)
                await storage.run(lambda: self._put(storage, part))

        await self.retries.run(once, repeatable=True)

    def _put(self, storage: Storage, part: Part) -> None:
        """Send the part in a thread; there is no other place for what blocks."""
        try:
            with closing(self._body_of(part)) as body:
                response = storage.send(self._request_for(part, body))
        except FOREIGN_ERRORS as error:
            raise failure_of(self._doing(part), error) from error
        if not response.is_success:
            raise self._refusal_of(part, response.status_code)

    def _request_for(self, part: Part, body: Iterator[bytes]) -> httpx.Request:
        # Built by hand: the client's own defaults must not reach the storage service.
        timeout = httpx.Timeout(
            self.stall_timeout, connect=min(CONNECT_TIMEOUT, self.stall_timeout), pool=None
        )
        return httpx.Request(
            "PUT",
            part.url,
            headers={
                "content-type": self.placeholder.media_type,
                "content-length": str(part.size),
                "x-amz-acl": "private",
            },
            content=body,
            extensions={"timeout": timeout.as_dict()},
        )

    def _body_of(self, part: Part) -> Generator[bytes]:
        with closing(self.source.chunks_of(part)) as chunks:
            for chunk in chunks:
                given_at = time.monotonic()
                yield chunk
                # The connection itself is content with one byte now and then.
                if time.monotonic() - given_at > self.stall_timeout:
                    raise httpx.WriteTimeout("a chunk took too long")
                self.tally.add(part, len(chunk))

    def _doing(self, part: Part) -> str:
        return f"take part {part.number} of {len(self.placeholder.parts)} of {self.source.path}"

    def _refusal_of(self, part: Part, status: int) -> FrameioError:
        doing = self._doing(part)
        if status in STALE:
            return StaleAddressError(
                f"Frame.io's storage refused to {doing} ({status}): the address has run out, "
                "or a proxy changes the request; upload it again.",
                status_code=status,
            )
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in {
            HTTPStatus.BAD_REQUEST,  # S3's word for a connection that was too slow
            HTTPStatus.REQUEST_TIMEOUT,
            HTTPStatus.TOO_MANY_REQUESTS,
        }:
            return FrameioUnavailableError(
                f"Frame.io's storage failed to {doing} ({status}); try again later."
            )
        return FrameioRefusedError(
            f"Frame.io's storage refused to {doing} ({status}); upload it again.",
            status_code=status,
        )
