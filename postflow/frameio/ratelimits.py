"""Staying below Frame.io's rate limits before it has to say no.

Frame.io keeps one leaky bucket per endpoint and user. Other processes share the same buckets
unseen, so a 429 can still come: then that endpoint is held for everybody in this process.
"""

from __future__ import annotations

import asyncio

from aiolimiter import AsyncLimiter

from postflow.frameio.protocol import Call, P


class RateLimits:
    """One bucket per operation, shared by all tasks that use one client.

    `scale` multiplies every documented rate: 0.5 leaves half to other programs of the same
    user; a little less than 1 keeps calls that the network squeezes together below the limit.
    `RateLimits.off()` never waits, for a simulated Frame.io that counts nothing.
    """

    def __init__(self, *, scale: float = 0.95) -> None:
        self._scale = scale
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

    def _bucket_of(self, call: Call[P]) -> AsyncLimiter:
        bucket = self._buckets.get(call.operation)
        if bucket is None:
            rate = max(call.rate.calls * self._scale, 1.0)
            bucket = self._buckets[call.operation] = AsyncLimiter(rate, call.rate.seconds)
        return bucket
