"""Staying below Frame.io's rate limits before it has to say no.

Frame.io keeps one leaky bucket per endpoint and user. Other processes share the same buckets
unseen, so a 429 can still come: then that endpoint is held for everybody in this process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from aiolimiter import AsyncLimiter

from postflow.frameio.protocol import Call, P

POLITE = 0.95
"""How much of a documented rate is used: the network squeezes calls together."""
TakeTurn = Callable[[str, timedelta], Awaitable[timedelta]]
"""Takes the next turn of an operation among all processes, where turns come so far apart; returns
how long it is until then."""
_NARROW = 60
"""Limits that are counted over so many seconds take long to recover from, so they are shared."""


class RateLimits:
    """One bucket per operation, shared by all tasks that use one client.

    `scale` multiplies every documented rate: 0.5 leaves half to other programs of the same
    user. With `take_turn` the buckets of the narrow limits are shared with other processes.
    `RateLimits.off()` never waits, for a simulated Frame.io that counts nothing.
    """

    def __init__(self, *, scale: float = POLITE, take_turn: TakeTurn | None = None) -> None:
        self._scale = scale
        self._take_turn = take_turn
        self._buckets: dict[str, AsyncLimiter] = {}
        self._held_until: dict[str, float] = {}

    @classmethod
    def off(cls) -> RateLimits:
        """Build limits that let every call pass at once."""
        return cls(scale=0)

    async def wait_for_turn(self, call: Call[P]) -> None:
        """Return as soon as this call may be sent."""
        await self._wait_while_held(call.operation)
        if self._scale > 0:
            await self._bucket_of(call).acquire()
            await self._wait_for_others(call)

    def hold(self, call: Call[P], seconds: float) -> None:
        """Let no task make this kind of call for so long: Frame.io just answered 429 to one."""
        until = asyncio.get_running_loop().time() + seconds
        self._held_until[call.operation] = max(until, self._held_until.get(call.operation, 0))

    async def _wait_while_held(self, operation: str) -> None:
        clock = asyncio.get_running_loop().time
        left = self._held_until.get(operation, 0) - clock()
        while left > 0:  # the hold may be longer by the time it ends
            await asyncio.sleep(left)
            left = self._held_until.get(operation, 0) - clock()

    async def _wait_for_others(self, call: Call[P]) -> None:
        if self._take_turn is None or call.rate.seconds < _NARROW:
            return
        calls = call.rate.calls * self._scale
        every = timedelta(seconds=call.rate.seconds / calls)
        wait = await self._take_turn(call.operation, every)
        # A full bucket: so many turns may be taken at once before their time.
        await asyncio.sleep(max((wait - every * (int(calls) - 1)).total_seconds(), 0))

    def _bucket_of(self, call: Call[P]) -> AsyncLimiter:
        bucket = self._buckets.get(call.operation)
        if bucket is None:
            rate = max(call.rate.calls * self._scale, 1.0)
            bucket = self._buckets[call.operation] = AsyncLimiter(rate, call.rate.seconds)
        return bucket
