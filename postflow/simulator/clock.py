"""The simulated Frame.io's time: it can be advanced, and its waits can be shortened."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class SimulatedClock:
    """Tells the time and runs actions when it has come.

    `advance` moves both the time told and the waits; `scale` only makes waits shorter. Actions
    are run by the event loop in use, in the order in which they are due.
    """

    def __init__(self, *, scale: float = 1.0) -> None:
        self._scale = scale
        self._offset = 0.0
        self._elapsed = 0.0  # until _mark, in simulated seconds
        self._mark = time.monotonic()
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._alarm: asyncio.TimerHandle | None = None

    def now(self) -> datetime:
        """Tell the simulated time, which is the real one until it is advanced."""
        return datetime.fromtimestamp(time.time() + self._offset, UTC)

    @property
    def advanced_by(self) -> timedelta:
        """How far the simulated time is ahead of the real one."""
        return timedelta(seconds=self._offset)

    @property
    def scale(self) -> float:
        """Simulated seconds that a wait gets through in a real one."""
        return self._scale

    @scale.setter
    def scale(self, scale: float) -> None:
        self._elapsed, self._mark = self._progress(), time.monotonic()
        self._scale = scale
        self._set_alarm()

    @property
    def actions_waiting(self) -> int:
        """How many actions are not due yet."""
        return len(self._waiting)

    def after(self, delay: timedelta, action: Callable[[], None]) -> None:
        """Run the action once the delay has passed; needs a running event loop."""
        due = self._progress() + max(0.0, delay.total_seconds())
        heapq.heappush(self._waiting, (due, next(self._order), action))
        self._set_alarm()

    def advance(self, by: timedelta) -> None:
        """Move on, running what becomes due on the way at its own time."""
        left = by.total_seconds()
        while left > 0:
            next_due = self._waiting[0][0] - self._progress() if self._waiting else left
            step = min(left, max(0.0, next_due))
            self._elapsed += step
            self._offset += step
            left -= step
            if not self._run_due() and step == 0:
                break
        self._set_alarm()

    def run_due(self) -> None:
        """Run what is due, in case no event loop was there to do it in time."""
        if self._run_due():
            self._set_alarm()

    def _run_due(self) -> bool:
        any_ran = False
        while self._waiting and self._waiting[0][0] <= self._progress() + 1e-6:
            _, _, action = heapq.heappop(self._waiting)
            action()
            any_ran = True
        return any_ran

    def _progress(self) -> float:
        return self._elapsed + (time.monotonic() - self._mark) * self._scale

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if not self._waiting:
            return
        real_delay = max(0.0, (self._waiting[0][0] - self._progress()) / self._scale)
        self._alarm = asyncio.get_running_loop().call_later(real_delay, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        try:
            self._run_due()
        finally:
            self._set_alarm()  # an action that failed must not stop the others
