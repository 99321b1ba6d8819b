"""Settling the inbox: which file an event is about, one look at that file, one transaction.

Events are hints. Whatever they say, the file and its comments are read again, so the order in
which they come and how often does not matter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from postflow.settings import Settings
from postflow.store.database import Store
from postflow.store.findings import match_events
from postflow.store.inbox import (
    claim_events,
    give_back_events,
    has_unsettled,
    settle_events,
)
from postflow.store.tables import EventRow
from postflow.store.uploads import find_version
from postflow.tracker.asking import Asker
from postflow.tracker.faults import describe, is_events_fault, plan_retry
from postflow.tracker.looking import READ_AGAIN, Looker, warn
from postflow.tracker.ports import Clock, FrameioReader
from postflow.tracker.routing import Route, plan_route
from postflow.tracker.versions import StackReader

_CLAIM_LIMIT = 200
_CLAIM_LEASE = timedelta(seconds=60)


class Settler:
    """Turns inbox rows and due looks into decisions; one instance settles one thing at a time."""

    def __init__(
        self,
        *,
        store: Store,
        frameio: FrameioReader,
        settings: Settings,
        clock: Clock,
        on_look: Callable[[], None] = lambda: None,
    ) -> None:
        """Take what settling needs; `on_look` is told after the commit of each look."""
        self._store = store
        self._clock = clock
        stacks = StackReader(frameio)
        self._asker = Asker(store=store, frameio=frameio, stacks=stacks, clock=clock)
        self._looker = Looker(
            store=store,
            frameio=frameio,
            stacks=stacks,
            settings=settings,
            clock=clock,
            on_look=on_look,
        )

    @property
    def settings(self) -> Settings:
        """The settings with what was learnt at Frame.io."""
        return self._looker.settings

    async def settle_events(self) -> int:
        """Settle what is in the inbox now; return how many events that were.

        One event that cannot be settled holds up none of the others.
        """
        rows = await asyncio.to_thread(self._claim)
        by_file: dict[str, list[EventRow]] = {}
        unclear: list[EventRow] = []
        to_nowhere: dict[str, list[EventRow]] = {}
        for row, route in zip(rows, await asyncio.to_thread(self._plan_all, rows), strict=True):
            if route.file_id is not None:
                by_file.setdefault(route.file_id, []).append(row)
            elif route.is_question:
                unclear.append(row)
            else:
                to_nowhere.setdefault(route.note, []).append(row)
        for note, events in to_nowhere.items():
            await asyncio.to_thread(self._settle, events, note)
        looked = {
            file_id for file_id, events in by_file.items() if await self._try(file_id, events)
        }
        for row in unclear:
            await self._clear_up(row, looked)
        return len(rows)

    async def look_at_due(self) -> int:
        """Re-read the files that are due for it, webhook or not; return how many."""
        return await self._looker.look_at_due()

    async def look_at(self, file_id: str) -> None:
        """Read the file now; see `Looker.look_at`."""
        await self._looker.look_at(file_id)

    async def _try(self, file_id: str, events: Sequence[EventRow]) -> bool:
        try:
            await self._looker.look_at(file_id, events=events)
        except Exception as error:  # noqa: BLE001 - it is logged, and written to the events
            await self._give_back(events, error)
            return False
        return True

    async def _clear_up(self, row: EventRow, looked: set[str]) -> None:
        """Settle an event whose file only Frame.io knows, unless a look has taught us meanwhile."""
        try:
            route = await asyncio.to_thread(self._plan, row)
            if route.file_id in looked:
                await asyncio.to_thread(self._settle, [row], READ_AGAIN, route.file_id)
                return
            route = await self._asker.follow(route, row)
            if route.file_id is None:
                await asyncio.to_thread(self._settle, [row], route.note)
                return
        except Exception as error:  # noqa: BLE001 - it is logged, and written to the event
            await self._give_back([row], error)
            return
        if await self._try(route.file_id, [row]):
            looked.add(route.file_id)

    def _plan_all(self, rows: Sequence[EventRow]) -> list[Route]:
        if not rows:
            return []
        with self._store.reading() as session:
            return [plan_route(session, row) for row in rows]

    def _plan(self, row: EventRow) -> Route:
        with self._store.reading() as session:
            return plan_route(session, row)

    def _claim(self) -> list[EventRow]:
        now = self._clock()
        with self._store.reading() as session:
            if not has_unsettled(session, now=now, foreign=False):
                return []
        with self._store.writing() as session:
            return claim_events(
                session, now=now, limit=_CLAIM_LIMIT, lease=_CLAIM_LEASE, foreign=False
            )

    def _settle(self, rows: Sequence[EventRow], note: str, file_id: str | None = None) -> None:
        with self._store.writing() as session:
            version = find_version(session, file_id) if file_id else None
            upload_id = version.upload_id if version else None
            settle_events(session, _ids(rows), now=self._clock(), upload_id=upload_id, note=note)
            if upload_id is not None:
                match_events(session, rows, upload_id=upload_id)

    async def _give_back(self, rows: Sequence[EventRow], error: Exception) -> None:
        wait = plan_retry(max((row.attempts for row in rows), default=1))
        most = self.settings.tracker.max_attempts if is_events_fault(error) else None
        warn("settling failed", error, events=_ids(rows))

        def give_back() -> None:
            now = self._clock()
            with self._store.writing() as session:
                give_back_events(
                    session,
                    _ids(rows),
                    error=describe(error),
                    now=now,
                    try_again_at=now + wait,
                    max_attempts=most,
                )

        await asyncio.to_thread(give_back)


def _ids(rows: Iterable[EventRow]) -> list[int]:
    return [row.id for row in rows if row.id is not None]
