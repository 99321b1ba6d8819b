"""Seeing to it that everything under review is read, whatever webhooks bring; one service does it.

It reads no comment itself: it lets files be due, one after the other, and the same look that an
event causes does the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from postflow.domain.polling import estimate_sweep
from postflow.settings import Settings
from postflow.store.database import Store
from postflow.store.leadership import Leadership
from postflow.store.sweeps import list_open_reviews, schedule_looks
from postflow.store.tallies import ROLLED_EVERY, Tally, roll_on
from postflow.tracker.arrivals import Arrivals
from postflow.tracker.ports import Clock
from postflow.tracker.turns import endpoints_of_a_look

_ROWS_AT_ONCE = 200
"""Few enough to let others write in between."""
_log = structlog.get_logger("postflow.tracker")


class Reconciler:
    """Sweeps when it begins to lead and every `tracker.reconcile_every`; finds files by name."""

    def __init__(
        self,
        *,
        store: Store,
        settings: Settings,
        arrivals: Arrivals,
        leadership: Leadership,
        clock: Clock,
    ) -> None:
        self._store = store
        self._settings = settings
        self._arrivals = arrivals
        self._leadership = leadership
        self._clock = clock
        self._swept_at: datetime | None = None
        self._rolled_at: datetime | None = None

    async def run_once(self) -> int:
        """Do what is due if this process leads; return how many files it concerned."""
        if not await asyncio.to_thread(self._leadership.is_held):
            self._swept_at = None
            return 0
        await asyncio.to_thread(self._roll_tallies_on)
        count = await asyncio.to_thread(self._sweep_if_due)
        return count + await self._arrivals.run_once()

    def _roll_tallies_on(self) -> None:
        now = self._clock()
        if self._rolled_at is not None and now - self._rolled_at < ROLLED_EVERY:
            return
        self._rolled_at = now
        with self._store.writing() as session:
            for tally in Tally:
                roll_on(session, tally, now=now)

    def _sweep_if_due(self) -> int:
        now, every = self._clock(), self._settings.tracker.reconcile_every
        if self._swept_at is None:
            # What happened while nobody was here, webhooks have stopped trying to tell.
            not_read_since = None
        elif now - self._swept_at >= every:
            not_read_since = now - every
        else:
            return 0
        with self._store.reading() as session:
            reviews = list_open_reviews(session, not_read_since=not_read_since)
        pause = plan_pause_between_looks(self._settings)
        self._schedule(reviews, first_at=now, pause=pause)
        self._swept_at = now
        if reviews:
            takes = round((pause * len(reviews)).total_seconds())
            _log.info("reading what is under review", files=len(reviews), takes_seconds=takes)
        return len(reviews)

    def _schedule(self, reviews: Sequence[str], *, first_at: datetime, pause: timedelta) -> None:
        for start in range(0, len(reviews), _ROWS_AT_ONCE):
            with self._store.writing() as session:
                schedule_looks(
                    session,
                    reviews[start : start + _ROWS_AT_ONCE],
                    first_at=first_at + start * pause,
                    pause=pause,
                )


def plan_pause_between_looks(settings: Settings) -> timedelta:
    """Return how far apart a sweep's looks are, so that more urgent ones come in between."""
    if not settings.frameio.respect_rate_limits:
        return timedelta()
    return estimate_sweep(1, endpoints_of_a_look())
