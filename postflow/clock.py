"""The time of day, as something that is handed over; tests bring their own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def __call__(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        ...


def utc_now() -> datetime:
    """Return the present moment; the clock that production code is given."""
    return datetime.now(UTC)
