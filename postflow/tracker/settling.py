"""Settling the inbox: which file an event is about, one look at that file, one transaction.

Events are hints. Whatever they say, the file and its comments are read again, so the order in
which they come and how often does not matter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from postflow.domain.people import Person
from postflow.errors import (
    PostFlowError,
    StoreUnavailableError,
)
from postflow.frameio.wire import File
from postflow.settings import Settings
from postflow.store.database import Store
from postflow.store.inbox import (
    claim_events,
    give_back_events,
    has_unsettled,
    settle_events,
)
from postflow.store.tables import EventRow
from postflow.store.uploads import (
    begin_look,
    claim_due_looks,
    find_version,
    is_newest_look,
    list_due_looks,
    load_upload,
)
from postflow.tracker.applying import apply_seen, known_authors
from postflow.tracker.asking import Asker
from postflow.tracker.faults import describe, is_events_fault, plan_retry
from postflow.tracker.ports import Clock, FrameioReader
from postflow.tracker.reading import FileSeen, read_file, read_status_changes
from postflow.tracker.routing import Route, plan_route
from postflow.tracker.status_field import StatusHint
from postflow.tracker.versions import StackReader, open_round

_CLAIM_LIMIT = 200
_CLAIM_LEASE = timedelta(seconds=60)
_LOOK_LIMIT = 20
_LOOK_AGAIN = timedelta(seconds=30)
"""When a look that failed, or whose process was killed, is tried again."""
_READ_AGAIN = "read again"
_log = structlog.get_logger("postflow.tracker")


class _Look(NamedTuple):
    """A reading that was begun: its number, and what was known of the file before it."""

    number: int
    began_at: datetime
    authors: Mapping[str, Person]
    status_value: str | None


class _Found(NamedTuple):
    """What a reading found: the file, who changed its Status, and the newest file of its stack."""

    seen: FileSeen | None
    log: Sequence[StatusHint]
    newest: File | None


class Settler:
    """Turns inbox rows and due looks into decisions; one instance settles one thing at a time."""

    def __init__(
        self, *, store: Store, frameio: FrameioReader, settings: Settings, clock: Clock
    ) -> None:
        self._store = store
        self._frameio = frameio
        self._settings = settings
        self._clock = clock
        self._stacks = StackReader(frameio)
        self._asker = Asker(store=store, frameio=frameio, stacks=self._stacks, clock=clock)
        self._one_look_at_a_time = asyncio.Lock()
        self._own_user: str | None = None

    @property
    def settings(self) -> Settings:
        """The settings with what was learnt at Frame.io."""
        return self._settings

    async def settle_events(self) -> int:
        """Settle what is in the inbox now; return how many events that were.

        One event that cannot be settled holds up none of the others.
        """
        rows = await asyncio.to_thread(self._claim)
        by_file: dict[str, list[EventRow]] = {}
        unclear: list[EventRow] = []
        for row in rows:
            route = await asyncio.to_thread(self._plan, row)
            if route.file_id is not None:
                by_file.setdefault(route.file_id, []).append(row)
            elif route.is_question:
                unclear.append(row)
            else:
                await asyncio.to_thread(self._settle, [row], route.note)
        looked = {
            file_id for file_id, events in by_file.items() if await self._try(file_id, events)
        }
        for row in unclear:
            await self._clear_up(row, looked)
        return len(rows)

    async def look_at_due(self) -> int:
        """Re-read the files that are due for it, webhook or not; return how many."""
        due = await asyncio.to_thread(self._claim_due)
        for upload_id, file_id in due:
            try:
                await self.look_at(file_id)
            except Exception as error:  # noqa: BLE001 - one file must not hold up the others; logged
                _warn("look failed", error, upload_id=upload_id)
        return len(due)

    async def look_at(self, file_id: str, *, events: Sequence[EventRow] = ()) -> None:
        """Read the file with its comments once, and write down all that follows from it.

        Raises StoreUnavailableError when another process reads it at the same time: then that
        reading, or the next one of ours, is the one that counts.
        """
        async with self._one_look_at_a_time:
            await self._know_own_user()
            look = await asyncio.to_thread(self._begin, file_id)
            if look is None:
                return
            seen = await read_file(
                self._frameio,
                file_id,
                settings=self._settings,
                known_authors=look.authors,
            )
            log: list[StatusHint] = []
            if seen is not None and seen.status_value != look.status_value:
                log = await read_status_changes(self._frameio, file_id)
            newest = await self._stacks.find_newest(seen.parent_id) if seen else None
            await asyncio.to_thread(self._apply, file_id, look, _Found(seen, log, newest), events)

    async def _know_own_user(self) -> None:
        """Learn once as whom PostFlow is signed in: that user never decides anything."""
        if self._own_user is None:
            self._own_user = (await self._frameio.fetch_me()).id
            self._settings = self._settings.with_editor(self._own_user)

    async def _try(self, file_id: str, events: Sequence[EventRow]) -> bool:
        try:
            await self.look_at(file_id, events=events)
        except Exception as error:  # noqa: BLE001 - it is logged, and written to the events
            await self._give_back(events, error)
            return False
        return True

    async def _clear_up(self, row: EventRow, looked: set[str]) -> None:
        """Settle an event whose file only Frame.io knows, unless a look has taught us meanwhile."""
        try:
            route = await asyncio.to_thread(self._plan, row)
            if route.file_id in looked:
                await asyncio.to_thread(self._settle, [row], _READ_AGAIN, route.file_id)
                return
            route = await self._asker.follow(route, project_id=row.project_id)
            if route.file_id is None:
                await asyncio.to_thread(self._settle, [row], route.note)
                return
        except Exception as error:  # noqa: BLE001 - it is logged, and written to the event
            await self._give_back([row], error)
            return
        if await self._try(route.file_id, [row]):
            looked.add(route.file_id)

    def _plan(self, row: EventRow) -> Route:
        with self._store.reading() as session:
            return plan_route(session, row)

    def _begin(self, file_id: str) -> _Look | None:
        with self._store.writing() as session:
            number = begin_look(session, file_id)
            version = find_version(session, file_id)
            if number is None or version is None:
                return None
            return _Look(
                number, self._clock(), known_authors(session, file_id), version.status_value
            )

    def _apply(self, file_id: str, look: _Look, found: _Found, events: Sequence[EventRow]) -> None:
        now = self._clock()
        with self._store.writing() as session:
            version = find_version(session, file_id)
            upload_id = version.upload_id if version else None
            if upload_id is not None:
                load_upload(session, upload_id, lock=True)
            if not is_newest_look(session, file_id, look.number):
                raise StoreUnavailableError(
                    f"Another process reads the file {file_id} at the same time; it is read "
                    "again in a moment."
                )
            if found.newest is not None:
                # First, because what was said about an older version decides nothing.
                open_round(session, file_id, found.newest, settings=self._settings, now=now)
            apply_seen(
                session,
                file_id,
                found.seen,
                hints=_read_hints(events),
                log=found.log,
                settings=self._settings,
                now=now,
                began_at=look.began_at,
            )
            settle_events(session, _ids(events), now=now, upload_id=upload_id, note=_READ_AGAIN)

    def _claim(self) -> list[EventRow]:
        now = self._clock()
        with self._store.reading() as session:
            if not has_unsettled(session, now=now):
                return []
        with self._store.writing() as session:
            return claim_events(session, now=now, limit=_CLAIM_LIMIT, lease=_CLAIM_LEASE)

    def _settle(self, rows: Sequence[EventRow], note: str, file_id: str | None = None) -> None:
        with self._store.writing() as session:
            version = find_version(session, file_id) if file_id else None
            upload_id = version.upload_id if version else None
            settle_events(session, _ids(rows), now=self._clock(), upload_id=upload_id, note=note)

    async def _give_back(self, rows: Sequence[EventRow], error: Exception) -> None:
        wait = plan_retry(max((row.attempts for row in rows), default=1))
        most = self._settings.tracker.max_attempts if is_events_fault(error) else None
        _warn("settling failed", error, events=_ids(rows))

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

    def _claim_due(self) -> list[tuple[str, str]]:
        now = self._clock()
        with self._store.reading() as session:
            if not list_due_looks(session, now=now, limit=1):
                return []
        with self._store.writing() as session:
            return claim_due_looks(session, now=now, limit=_LOOK_LIMIT, lease=_LOOK_AGAIN)


def _warn(what: str, error: Exception, **fields: object) -> None:
    unforeseen = not isinstance(error, PostFlowError)
    _log.warning(what, error=describe(error), exc_info=unforeseen, **fields)


def _ids(rows: Iterable[EventRow]) -> list[int]:
    return [row.id for row in rows if row.id is not None]


def _read_hints(events: Sequence[EventRow]) -> list[StatusHint]:
    return [
        StatusHint(user_id=row.user_id, at=row.received_at)
        for row in events
        if row.event_type == "metadata.value.updated"
    ]
