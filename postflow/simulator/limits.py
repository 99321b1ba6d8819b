"""Frame.io's rate limits: a leaky bucket per caller and operation.

https://developer.adobe.com/frameio/guides/ ("Rate limits"); the numbers are those of the
OpenAPI document.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime

SECOND, MINUTE = 1_000, 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many calls in so many milliseconds."""

    limit: int
    window_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What one call leaves of its rate."""

    rate: Rate
    remaining: int
    allowed: bool

    def headers(self) -> dict[str, str]:
        """Write what Frame.io puts on successful answers."""
        return {
            "x-ratelimit-limit": str(self.rate.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-window": str(self.rate.window_ms),
        }


_FIVE_A_SECOND = Rate(limit=5, window_ms=SECOND)
_TEN_A_SECOND = Rate(limit=10, window_ms=SECOND)
_THREE_A_SECOND = Rate(limit=3, window_ms=SECOND)
_TEN_A_MINUTE = Rate(limit=10, window_ms=MINUTE)
_SIXTY_A_MINUTE = Rate(limit=60, window_ms=MINUTE)
_HUNDRED_A_MINUTE = Rate(limit=100, window_ms=MINUTE)

# The first line that fits counts; `{}` stands for an id.
_RATES: tuple[tuple[str, str, Rate], ...] = (
    ("POST", "folders/{}/files/local_upload", _FIVE_A_SECOND),
    ("POST", "folders/{}/files/remote_upload", _FIVE_A_SECOND),
    ("POST", "folders/{}/files", _FIVE_A_SECOND),
    ("GET", "folders/{}/(files|folders|version_stacks)", _FIVE_A_SECOND),
    ("GET", "files/{}/status", _FIVE_A_SECOND),
    ("GET", "files/{}", _TEN_A_SECOND),
    ("POST", "folders/{}/folders", _THREE_A_SECOND),
    ("PATCH", "files/{}/metadata", _HUNDRED_A_MINUTE),
    ("(PATCH|DELETE)", "files/.*", _HUNDRED_A_MINUTE),
    ("DELETE", ".*", _SIXTY_A_MINUTE),
    ("PATCH", ".*", _TEN_A_MINUTE),
    ("POST", "folders/{}/version_stacks", _TEN_A_MINUTE),
    ("POST", ".*(webhooks|shares|projects)", _TEN_A_MINUTE),
    (".*", ".*", _HUNDRED_A_MINUTE),
)
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
_COMPILED = [
    (re.compile(method), re.compile(path.replace("{}", "[^/]+")), rate)
    for method, path, rate in _RATES
]


class RateLimits:
    """How full every bucket is; it leaks continuously."""

    def __init__(self) -> None:
        self._levels: dict[tuple[str, str], tuple[float, datetime]] = {}

    def take(self, *, caller: str, method: str, path: str, now: datetime) -> Allowance:
        """Count one call; a call that is not allowed is not counted."""
        rate = find_rate(method, path)
        key = (caller, f"{method} {_ID.sub('{}', path)}")
        level, since = self._levels.get(key, (0.0, now))
        leaked = (now - since).total_seconds() * 1_000 * rate.limit / rate.window_ms
        level = max(0.0, level - leaked)
        allowed = level + 1 <= rate.limit
        if allowed:
            level += 1
        self._levels[key] = (level, now)
        return Allowance(rate=rate, remaining=math.floor(rate.limit - level), allowed=allowed)


def find_rate(method: str, path: str) -> Rate:
    """Find the rate of an operation by method and path."""
    below_account = re.sub(r"^/v4/(accounts/[^/]+/)?", "", path)
    for fits_method, fits_path, rate in _COMPILED:
        if fits_method.fullmatch(method) and fits_path.fullmatch(below_account):
            return rate
    raise AssertionError("the last line fits every operation")
