"""When a failed request is worth another try, and how long to wait before it.

Only `retryable` of the error, the kind of request and the failures so far decide. A request
that creates something is repeated only if Frame.io certainly did nothing with it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import httpx
import stamina

from postflow.errors import FrameioError, RateLimitedError

T = TypeVar("T")

# The request never left this machine, so even a create may be sent again.
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

JITTER = 0.25  # share of a wait that chance adds, so that clients do not come back together


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How patient the client is; each wait doubles the one before, up to `longest_wait`.

    Frame.io's guide asks for 30 s after a 5xx and for 1 s after a 429. Tests and demos
    shorten `after_failure`.
    """

    attempts: int = 6
    deadline: timedelta = timedelta(minutes=10)
    after_failure: timedelta = timedelta(seconds=30)
    after_rate_limit: timedelta = timedelta(seconds=1)
    after_lost_connection: timedelta = timedelta(seconds=1)
    longest_wait: timedelta = timedelta(minutes=2)
    heeds_told_waits: bool = True

    @classmethod
    def quick(cls, *, attempts: int = 4) -> RetryPolicy:
        """Build a policy for a simulated Frame.io: the same decisions, waits of milliseconds."""
        moment = timedelta(milliseconds=5)
        return cls(
            attempts=attempts,
            after_failure=moment,
            after_rate_limit=moment,
            after_lost_connection=moment,
            longest_wait=10 * moment,
            heeds_told_waits=False,
        )

    async def run(self, send: Callable[[], Awaitable[T]], *, repeatable: bool) -> T:
        """Await `send` until it succeeds, fails for good, or patience ends."""
        wait = _Waits(policy=self, repeatable=repeatable)
        async for attempt in stamina.retry_context(on=wait, attempts=self.attempts, timeout=None):
            with attempt:
                return await send()
        raise AssertionError("a retry loop ends with a result or an error")

    def wait_after(self, error: FrameioError, *, failures: int) -> timedelta:
        """Tell how long to wait after the given failure in a row, without jitter."""
        if isinstance(error, RateLimitedError):
            told = timedelta(seconds=error.retry_after) if self.heeds_told_waits else timedelta(0)
            first = max(self.after_rate_limit, told)
        elif isinstance(error.__cause__, httpx.TransportError):
            first = self.after_lost_connection
        else:
            first = self.after_failure
        doublings: int = 2 ** (failures - 1)
        return min(first * doublings, self.longest_wait)


class _Waits:
    """The decision after each failure of one request, as stamina asks for it."""

    def __init__(self, *, policy: RetryPolicy, repeatable: bool) -> None:
        self._policy = policy
        self._repeatable = repeatable
        self._failures = 0
        self._ends_at = time.monotonic() + policy.deadline.total_seconds()

    def __call__(self, error: Exception) -> bool | float:
        self._failures += 1
        if not isinstance(error, FrameioError) or not error.retryable:
            return False
        if not self._repeatable and not did_nothing(error):
            return False
        wait = self._policy.wait_after(error, failures=self._failures).total_seconds()
        wait *= 1 + random.uniform(0, JITTER)  # noqa: S311 -- jitter, not a secret
        return wait if time.monotonic() + wait < self._ends_at else False


def did_nothing(error: FrameioError) -> bool:
    """Whether Frame.io certainly did nothing with the request that failed so."""
    return isinstance(error, RateLimitedError) or isinstance(error.__cause__, NEVER_SENT)
