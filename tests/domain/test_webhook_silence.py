"""When silence of the webhooks is strange, and when it is over."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from postflow.domain.webhook_silence import SilenceStep, WebhookSilence
from tests.factories import after

HOUR = 3600.0
DAY = timedelta(hours=24)


def _at(hours: float | None) -> datetime | None:
    return None if hours is None else after(hours * HOUR)


@pytest.mark.parametrize(
    ("heard", "opened", "told", "now", "step"),
    [
        (0, -5, None, 23.9, SilenceStep.NOTHING),
        (0, -5, None, 24, SilenceStep.BEGUN),
        (None, 0, None, 24, SilenceStep.BEGUN),
        (0, 20, None, 30, SilenceStep.NOTHING),
        (0, None, None, 500, SilenceStep.NOTHING),
        (0, -5, 24, 500, SilenceStep.NOTHING),
        (None, 0, 24, 500, SilenceStep.NOTHING),
        (25, -5, 24, 26, SilenceStep.OVER),
        (25, None, 24, 26, SilenceStep.OVER),
    ],
    ids=[
        *("lately", "too long", "never heard", "just opened", "nobody awaited"),
        *("told already", "told, never heard", "heard again", "heard, all closed"),
    ],
)
def test_silence_is_told_once(
    heard: float | None, opened: float | None, told: float | None, now: float, step: SilenceStep
) -> None:
    """It begins when reviews are open and nothing came for so long, and ends with an event."""
    silence = WebhookSilence(heard_at=_at(heard), open_since=_at(opened), told_at=_at(told))
    assert silence.plan_step(after=DAY, now=after(now * HOUR)) is step
