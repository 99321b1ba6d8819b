"""Reading a request body that anybody may have sent: at most so long, at most so slowly.

All bodies together are limited too, because every sender is a stranger until its signature was
checked, and that needs the whole body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from starlette.types import Receive

LONGEST_BODY = 1024 * 1024
_ALL_BODIES = 64 * 1024 * 1024
_READ_SECONDS = 10.0
_LINGER_SECONDS = 1.0
_LINGER_BYTES = 16 * 1024 * 1024


class BodyTooLongError(Exception):
    """The body is longer than any that Frame.io sends."""


class BodyTooSlowError(Exception):
    """The sender takes its time; honest ones do not."""


class TooManyBodiesError(Exception):
    """The bodies of all senders together are too much to hold."""


class SenderGoneError(Exception):
    """The sender hung up; there is nobody to answer."""


class BodyBudget:
    """How many bytes of bodies this process holds at the moment."""

    def __init__(self, limit: int = _ALL_BODIES) -> None:
        self._limit = limit
        self._held = 0

    @contextmanager
    def holding(self) -> Iterator[HeldBody]:
        """Give a body to read into; its bytes count until the end of the block."""
        body = HeldBody(self)
        try:
            yield body
        finally:
            self.give_back(body.size)

    def take(self, size: int) -> None:
        """Count `size` more bytes; raises TooManyBodiesError where that is too many."""
        if not self.has_room(size):
            raise TooManyBodiesError
        self._held += size

    def has_room(self, size: int) -> bool:
        """Whether `size` more bytes are not too many."""
        return self._held + size <= self._limit

    def give_back(self, size: int) -> None:
        """Count so many bytes less."""
        self._held -= size


class HeldBody:
    """One body, counted in the budget."""

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._chunks: list[bytes] = []
        self.size = 0

    async def read(self, receive: Receive, *, announced: int | None) -> bytes:
        """Return the whole body; `announced` is its Content-Length, if it has one."""
        if announced is not None and announced > LONGEST_BODY:
            raise BodyTooLongError
        try:
            async with asyncio.timeout(_READ_SECONDS):
                while await self._read_chunk(receive):
                    pass
        except TimeoutError:
            raise BodyTooSlowError from None
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)

    async def _read_chunk(self, receive: Receive) -> bool:
        """Take in what came; return whether more is to come."""
        message = await receive()
        if message["type"] == "http.disconnect":
            raise SenderGoneError
        chunk: bytes = message.get("body", b"")
        if self.size + len(chunk) > LONGEST_BODY:
            raise BodyTooLongError
        if chunk:
            self._budget.take(len(chunk))
            self.size += len(chunk)
            self._chunks.append(chunk)
        return bool(message.get("more_body", False))


async def drain(receive: Receive) -> None:
    """Read a little more and throw it away, so that the sender gets to see the answer.

    Closing a connection while bytes are on their way in resets it, and an answer may be lost.
    """
    left = _LINGER_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_SECONDS):
            while left > 0:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
                left -= len(message.get("body", b""))
