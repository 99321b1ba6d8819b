"""What silence leads to, by how long it lasts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postflow.domain.silence import Patience, SilencePlan, plan_silence

HOUR = timedelta(hours=1)
PATIENCE = Patience(remind_after=(HOUR, 2 * HOUR), escalate_after=3 * HOUR, timeout=4 * HOUR)


def plan(hours: float, *, escalated: bool = False, timed_out: bool = False) -> SilencePlan:
    """Return what this many hours of silence lead to."""
    return plan_silence(
        PATIENCE, waited=hours * HOUR, is_escalated=escalated, is_timed_out=timed_out
    )


@pytest.mark.parametrize(
    ("hours", "reminders", "escalate", "time_out", "next_hours"),
    [
        (0, 0, False, False, 1),
        (1, 1, False, False, 2),
        (2.5, 2, False, False, 3),
        (3, 2, True, False, 4),
        (4, 2, True, True, None),
    ],
)
def test_each_moment_has_its_consequence(
    hours: float, reminders: int, escalate: bool, time_out: bool, next_hours: float | None
) -> None:
    """A moment counts from exactly then on, and the next one is looked at next."""
    assert plan(hours) == SilencePlan(
        reminders_passed=reminders,
        escalate=escalate,
        time_out=time_out,
        next_after=None if next_hours is None else next_hours * HOUR,
    )


def test_what_was_done_is_not_planned_again() -> None:
    """Escalation and time-out happen once."""
    again = plan(100, escalated=True, timed_out=True)
    assert (again.escalate, again.time_out, again.next_after) == (False, False, None)


def test_without_settings_silence_is_no_event() -> None:
    """Where nothing is configured nothing happens, however long it lasts."""
    found = plan_silence(Patience(), waited=1000 * HOUR, is_escalated=False, is_timed_out=False)
    assert found == SilencePlan(reminders_passed=0, escalate=False, time_out=False, next_after=None)
