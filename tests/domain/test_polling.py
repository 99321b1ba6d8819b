"""How often a file is read without a webhook, and how long reading everything takes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postflow.domain.polling import Endpoint, Pace, estimate_sweep, plan_pause

PACE = Pace(fastest=timedelta(seconds=30), slowest=timedelta(minutes=10))


def pause(
    quiet: timedelta,
    *,
    elsewhere: timedelta | None = None,
    ready: bool = True,
    delivered: bool = False,
) -> timedelta:
    """Return the pause after so much quiet."""
    return plan_pause(
        PACE,
        is_ready=ready,
        is_delivered=delivered,
        quiet_for=quiet,
        project_quiet_for=elsewhere,
    )


@pytest.mark.parametrize(
    ("quiet", "expected"),
    [
        (timedelta(seconds=1), timedelta(seconds=30)),
        (timedelta(minutes=10), timedelta(seconds=30)),
        (timedelta(hours=1), timedelta(minutes=3)),
        (timedelta(hours=9), timedelta(minutes=10)),
    ],
    ids=["while people comment", "just after", "at lunch", "at night"],
)
def test_pause_grows_with_the_quiet(quiet: timedelta, expected: timedelta) -> None:
    """Fast while people comment, slow at night, never beyond the settings."""
    assert pause(quiet) == expected


def test_word_elsewhere_in_the_project_hurries() -> None:
    """Who comments on one shot comes to the next: the project's other videos are read sooner."""
    night = timedelta(hours=9)
    assert pause(night, elsewhere=timedelta(minutes=1)) == timedelta(seconds=30)
    assert pause(night, elsewhere=timedelta(minutes=20)) == timedelta(minutes=5)
    assert pause(timedelta(), elsewhere=night) == timedelta(seconds=30)


def test_transcoding_file_is_looked_at_often() -> None:
    """A file that is about to be ready does not wait for the slow pace of the night."""
    assert pause(timedelta(hours=9), ready=False) == timedelta(seconds=15)


def test_delivered_file_is_never_given_up() -> None:
    """After the delivery a refusal is still found, ever later: it recalls, it holds up nobody."""
    assert pause(timedelta(0), delivered=True) == PACE.slowest
    assert pause(timedelta(days=20), delivered=True) == timedelta(days=1)


def test_narrowest_limit_decides_the_sweep() -> None:
    """Limits are separate, so the slowest one alone says how long a thousand reviews take."""
    endpoints = [Endpoint(calls=1, per_second=10), Endpoint(calls=1, per_second=100 / 60)]
    assert estimate_sweep(1000, endpoints) == timedelta(minutes=10)
    assert estimate_sweep(0, endpoints) == timedelta(0)
    assert estimate_sweep(1000, []) == timedelta(0)
