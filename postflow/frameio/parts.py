"""Sending the parts of one upload: several at once, each again by itself when it fails.

The request carries exactly the headers that the address was signed for. The bearer token must
not go along: the addresses belong to a storage service.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field
from http import HTTPStatus

import httpx

from postflow.errors import FrameioError, FrameioRefusedError, FrameioUnavailableError
from postflow.frameio.chunks import Part, Placeholder
from postflow.frameio.failures import FOREIGN_ERRORS, failure_of, most_telling
from postflow.frameio.retries import RetryPolicy
from postflow.frameio.source import SourceFile

Progress = Callable[[int, int], None]
Slots = AbstractAsyncContextManager[None]
"""Held while a part is under way: a semaphore, of one event loop or of the whole process."""

PAUSE_BETWEEN_REPORTS = 0.1  # seconds; a watcher may draw or keep each report

# A storage service refuses so what has run out, was signed for something else, or is gone.
STALE = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


class StaleAddressError(FrameioRefusedError):
    """The placeholder can no longer be filled; it must be made anew."""


class Tally:
    """How many bytes are sent, for whoever watches; never goes back, even when a part does."""

    def __init__(self, *, total: int, done: int, progress: Progress | None) -> None:
        self._total = total
        self._done = done
        self._underway: dict[int, int] = {}
        self._told = -1
        self._told_at = 0.0
        self._progress = progress

    def begin(self, part: Part) -> None:
        """Count the part from zero: nothing of a failed try counts."""
        self._underway[part.number] = 0

    def add(self, part: Part, size: int) -> None:
        """Count bytes that were handed over."""
        self._underway[part.number] += size
        if time.monotonic() - self._told_at > PAUSE_BETWEEN_REPORTS:
            self.tell()

    def finish(self, part: Part) -> None:
        """Count the whole part, for good."""
        self._underway.pop(part.number, None)
        self._done += part.size
        self.tell()

    def tell(self) -> None:
        """Report, if there is something new."""
        sent = self._done + sum(self._underway.values())
        if self._progress is not None and sent > self._told:
            self._told, self._told_at = sent, time.monotonic()
            self._progress(sent, self._total)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSender:
    """Sends parts of one placeholder from one source.

    `in_flight` is the limit that all uploads of the process share; `stall_timeout` is how long
    a connection may move nothing before the part is tried again.
    """

    http: httpx.AsyncClient
    source: SourceFile
    placeholder: Placeholder
    retries: RetryPolicy
    in_flight: Slots
    stall_timeout: float
    tally: Tally = field(repr=False)

    async def send_missing(
        self, *, parallel: int, finished: Callable[[int], Awaitable[None]]
    ) -> None:
        """Send every missing part, telling `finished` of each; the first failure ends all."""
        waiting = iter(self.placeholder.missing)

        async def work() -> None:
            for part in waiting:
                await self._send(part)
                self.tally.finish(part)
                await finished(part.number)

        try:
            async with asyncio.TaskGroup() as workers:
                for _ in range(min(parallel, len(self.placeholder.missing))):
                    workers.create_task(work())
        except ExceptionGroup as failures:
            told = most_telling(failures)
            raise told from told.__cause__

    async def _send(self, part: Part) -> None:
        async def once() -> None:
            async with self.in_flight:
                await self._put(part)

        await self.retries.run(once, repeatable=True)

    async def _put(self, part: Part) -> None:
        try:
            async with aclosing(self._body_of(part)) as body:
                request = self._request_for(part, body)
                response = await self.http.send(request, auth=None, follow_redirects=False)
        except FOREIGN_ERRORS as error:
            raise failure_of(self._doing(part), error) from error
        if not response.is_success:
            raise self._refusal_of(part, response.status_code)

    def _request_for(self, part: Part, body: AsyncIterator[bytes]) -> httpx.Request:
        # Built by hand: the client's own defaults must not reach the storage service.
        return httpx.Request(
            "PUT",
            part.url,
            headers={
                "content-type": self.placeholder.media_type,
                "content-length": str(part.size),
                "x-amz-acl": "private",
            },
            content=body,
            extensions={"timeout": httpx.Timeout(self.stall_timeout, pool=None).as_dict()},
        )

    async def _body_of(self, part: Part) -> AsyncGenerator[bytes]:
        self.tally.begin(part)
        async with aclosing(self.source.chunks_of(part)) as chunks:
            async for chunk in chunks:
                yield chunk
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
