"""The time of day, as something that is handed over; tests bring their own. And its passing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def __call__(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        ...


def utc_now() -> datetime:
    """Return the present moment; the clock that production code is given."""
    return datetime.now(UTC)


async def pause(length: timedelta, *events: asyncio.Event) -> None:
    """Wait for the time to pass or for one of the events, whatever comes first."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, timeout=length.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
