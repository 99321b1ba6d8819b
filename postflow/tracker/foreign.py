"""Settling foreign events: in bulk, apart from the others, and never so much at once that it shows."""

from __future__ import annotations

import asyncio

from postflow.store.database import Store
from postflow.store.foreign import settle_foreign_events
from postflow.store.inbox import has_unsettled
from postflow.tracker.ports import Clock

_AT_ONCE = 1000  # rows in one transaction: a delivery may have to wait for it


class ForeignSettler:
    """Settles the events of projects with nothing under review."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def run_once(self) -> int:
        """Settle what there is; return how many events that were."""
        count = settled = await asyncio.to_thread(self._settle)
        while settled == _AT_ONCE:
            settled = await asyncio.to_thread(self._settle)
            count += settled
        return count

    def _settle(self) -> int:
        now = self._clock()
        with self._store.reading() as session:
            if not has_unsettled(session, now=now, foreign=True):
                return 0
        with self._store.writing() as session:
            return settle_foreign_events(session, now=now, limit=_AT_ONCE)
