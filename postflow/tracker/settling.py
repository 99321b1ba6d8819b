"""Settling the inbox: which file an event is about, one look at that file, one transaction.

Events are hints. Whatever they say, the file and its comments are read again, so the order in
which they come and how often does not matter.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
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
from postflow.tracker.faults import describe, is_events_fault, plan_retry, warn
from postflow.tracker.looking import READ_AGAIN, Looker
from postflow.tracker.outbox import Due
from postflow.tracker.ports import Clock, FrameioReader
from postflow.tracker.routing import Route, plan_route, plan_routes
from postflow.tracker.versions import StackReader

_CLAIM_LIMIT = 200
_CLAIM_LEASE = timedelta(seconds=60)


class Settler:
    """Turns inbox rows and due looks into decisions."""

    def __init__(
        self,
        *,
        store: Store,
        frameio: FrameioReader,
        settings: Settings,
        clock: Clock,
        on_due: Callable[[Sequence[Due]], None] = lambda _: None,
    ) -> None:
        """Take what settling needs; `on_due` is as `Looker` has it."""
        self._store = store
        self._clock = clock
        self.projects: frozenset[str | None] = frozenset({None})
        """Of which projects events have come that were not foreign."""
        self._rounds: set[asyncio.Task[None]] = set()
        self._under_way = 0
        stacks = StackReader(frameio)
        self._asker = Asker(store=store, frameio=frameio, stacks=stacks, clock=clock)
        self._looker = Looker(
            store=store,
            frameio=frameio,
            stacks=stacks,
            settings=settings,
            clock=clock,
            on_due=on_due,
        )

    @property
    def settings(self) -> Settings:
        """The settings with what was learnt at Frame.io."""
        return self._looker.settings

    async def settle_events(self) -> int:
        """Settle what is in the inbox now; return how many events that were.

        One event that cannot be settled holds up none of the others.
        """
        taken = await asyncio.to_thread(self._take, _CLAIM_LIMIT)
        await self._settle_all(taken)
        return len(taken)

    async def settle_beside(self, tasks: asyncio.TaskGroup) -> int:
        """As `settle_events`, but what was taken is settled while the next ones are taken."""
        if self._under_way >= _CLAIM_LIMIT:
            await asyncio.wait(self._rounds, return_when=asyncio.FIRST_COMPLETED)
        taken = await asyncio.to_thread(self._take, _CLAIM_LIMIT - self._under_way)
        if taken:
            self._under_way += len(taken)
            settling = tasks.create_task(self._settle_round(taken))
            self._rounds.add(settling)
            settling.add_done_callback(self._rounds.discard)
        return len(taken)

    async def _settle_round(self, taken: Sequence[tuple[EventRow, Route]]) -> None:
        try:
            await self._settle_all(taken)
        except Exception as error:  # noqa: BLE001 - logged; the leases end, and they are taken again
            warn("settling failed", error)
        finally:
            self._under_way -= len(taken)

    async def _settle_all(self, taken: Sequence[tuple[EventRow, Route]]) -> None:
        by_file: dict[str, list[EventRow]] = defaultdict(list)
        unclear: dict[str | None, list[tuple[EventRow, Route]]] = defaultdict(list)
        to_nowhere: dict[str, list[EventRow]] = defaultdict(list)
        for row, route in taken:
            if route.file_id is not None:
                by_file[route.file_id].append(row)
            elif route.is_question:
                unclear[row.user_id].append((row, route))
            else:
                to_nowhere[route.note].append(row)
        for note, events in to_nowhere.items():
            await asyncio.to_thread(self._settle, events, note)
        looks = {
            file_id: asyncio.create_task(self._try(file_id, events))
            for file_id, events in by_file.items()
        }
        await asyncio.gather(*looks.values())
        # What one person says at one time is mostly about one file: the first look teaches us.
        await asyncio.gather(*(self._clear_up_all(each, looks) for each in unclear.values()))

    async def look_at_due(self) -> int:
        """Re-read the files that are due for it, webhook or not; return how many."""
        return await self._looker.look_at_due()

    async def look_at(self, file_id: str) -> None:
        """Read the file now; see `Looker.look_at`."""
        await self._looker.look_at(file_id)

    async def _try(self, file_id: str, events: Sequence[EventRow]) -> bool:
        """Settle the events by one reading of their file; return whether others can rely on it."""
        try:
            if await self._looker.look_at(file_id, events=events):
                return True
            for row in events:
                await self._settle_untracked(file_id, row)
        except Exception as error:  # noqa: BLE001 - it is logged, and written to the events
            await self._give_back(events, error)
        return False

    async def _settle_untracked(self, file_id: str, row: EventRow) -> None:
        """Settle an event of a file that nobody tracks, unless a video waits for one of its name."""
        route = await self._asker.adopt(file_id, row)
        if route.file_id is not None:
            await self._looker.look_at(route.file_id, events=[row])
        else:
            await asyncio.to_thread(self._settle, [row], route.note)

    async def _clear_up_all(
        self, events: Sequence[tuple[EventRow, Route]], looks: dict[str, asyncio.Task[bool]]
    ) -> None:
        for row, route in events:
            await self._clear_up(row, route, looks)

    async def _clear_up(
        self, row: EventRow, route: Route, looks: dict[str, asyncio.Task[bool]]
    ) -> None:
        """Settle an event whose file only Frame.io knows, unless a look has taught us meanwhile."""
        try:
            if looks:
                route = await asyncio.to_thread(self._plan, row)
            if route.file_id not in looks:
                route = await self._asker.follow(route, row)
            if route.file_id is None:
                await asyncio.to_thread(self._settle, [row], route.note)
                return
            look = looks.get(route.file_id)
            if look is not None and await look:
                await asyncio.to_thread(self._settle, [row], READ_AGAIN, route.file_id)
                return
        except Exception as error:  # noqa: BLE001 - it is logged, and written to the event
            await self._give_back([row], error)
            return
        looks[route.file_id] = asyncio.create_task(self._try(route.file_id, [row]))
        await looks[route.file_id]

    def _plan(self, row: EventRow) -> Route:
        with self._store.reading() as session:
            return plan_route(session, row)

    def _take(self, limit: int) -> list[tuple[EventRow, Route]]:
        """Claim events, and find out where they lead."""
        now = self._clock()
        if self._store.has_one_writer and not self._has_unsettled():
            return []
        with self._store.writing() as session:
            rows = claim_events(session, now=now, limit=limit, lease=_CLAIM_LEASE, foreign=False)
            routes = plan_routes(session, rows, foreign=False)
        self.projects |= {row.project_id for row in rows}
        return list(zip(rows, routes, strict=True))

    def _has_unsettled(self) -> bool:
        with self._store.reading() as session:
            return has_unsettled(session, now=self._clock(), foreign=False)

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
