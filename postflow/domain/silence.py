"""What the silence of reviewers leads to after how long; decides nothing about the review."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long reviewers may stay silent before what happens; None is never."""

    remind_after: tuple[timedelta, ...] = ()
    escalate_after: timedelta | None = None
    timeout: timedelta | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SilencePlan:
    """What is to be done by now, and how long after the start to look again."""

    reminders_passed: int
    """How many reminders have had their time; more than before means to send one, the newest."""
    escalate: bool
    time_out: bool
    next_after: timedelta | None


def plan_silence(
    patience: Patience, *, waited: timedelta, is_escalated: bool, is_timed_out: bool
) -> SilencePlan:
    """Return what `waited` of silence leads to.

    Whoever comes back after a week of standing still sends one reminder, not all that were missed.
    """
    return SilencePlan(
        reminders_passed=sum(after <= waited for after in patience.remind_after),
        escalate=not is_escalated and _has_passed(patience.escalate_after, waited),
        time_out=not is_timed_out and _has_passed(patience.timeout, waited),
        next_after=min((after for after in _moments(patience) if after > waited), default=None),
    )


def _moments(patience: Patience) -> Iterator[timedelta]:
    yield from patience.remind_after
    for each in (patience.escalate_after, patience.timeout):
        if each is not None:
            yield each


def _has_passed(after: timedelta | None, waited: timedelta) -> bool:
    return after is not None and after <= waited
