"""How often a file is read again although no webhook says so, and how long reading all takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

_SHARE_OF_QUIET = 20
"""A file that nothing has happened to for so long is read again after this part of the time."""
_ELSEWHERE = 5
"""How much less a word about another video of the project means than one about this video."""
_UNREADY = timedelta(seconds=15)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """The shortest and the longest pause between two readings of one file."""

    fastest: timedelta
    slowest: timedelta


def plan_pause(
    pace: Pace,
    *,
    is_ready: bool,
    is_delivered: bool,
    quiet_for: timedelta,
    project_quiet_for: timedelta | None = None,
) -> timedelta:
    """Return how long to wait before the file is read again.

    While people comment, on this video or on another one of its project, the pauses are the
    shortest; they grow with the time in which nothing happens, so nights are cheap without any
    clock on the wall. What was delivered is looked at less and less, but never given up.
    """
    if not is_ready:
        return min(pace.fastest, _UNREADY)
    if is_delivered:
        return max(pace.slowest, quiet_for / _SHARE_OF_QUIET)
    quiet = quiet_for
    if project_quiet_for is not None:
        quiet = min(quiet, project_quiet_for * _ELSEWHERE)
    return min(max(quiet / _SHARE_OF_QUIET, pace.fastest), max(pace.slowest, pace.fastest))


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """What one reading of one file asks of one of Frame.io's rate limits."""

    calls: float
    per_second: float


def estimate_sweep(reviews: int, endpoints: Sequence[Endpoint]) -> timedelta:
    """Return how long reading so many reviews takes when nothing but the rate limits holds it up.

    Each endpoint has a limit of its own, so the narrowest one alone decides.
    """
    slowest = max((each.calls / each.per_second for each in endpoints), default=0.0)
    return timedelta(seconds=reviews * slowest)
