"""Looking at one file: read it at Frame.io once, write down all that follows, in one transaction.

There is one way of reading, whether an event, the timer or a person asked for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple
from weakref import WeakValueDictionary

import structlog

from postflow.domain.people import Person
from postflow.errors import StoreUnavailableError
from postflow.frameio.wire import File
from postflow.settings import Settings
from postflow.settings.advice import list_own_user_warnings
from postflow.store.database import Store
from postflow.store.findings import match_events
from postflow.store.inbox import settle_events
from postflow.store.looks import (
    Begun,
    begin_look,
    claim_due_looks,
    list_due_looks,
    lock_looked_at,
)
from postflow.store.own_users import remember_own_user
from postflow.store.tables import EventRow
from postflow.tracker.applying import apply_seen, known_authors
from postflow.tracker.faults import warn
from postflow.tracker.outbox import Due, list_marked
from postflow.tracker.ports import Clock, FrameioReader
from postflow.tracker.reading import FileSeen, read_file, read_status_changes
from postflow.tracker.status_field import StatusHint
from postflow.tracker.versions import StackReader, open_round

READ_AGAIN = "read again"
"""The note on events whose file was read because of them."""
_AT_ONCE = 8
"""So many files are read at the same time; Frame.io's rate limits are kept by its client."""
_LIMIT = 20
_AGAIN = timedelta(seconds=30)
"""When a look that failed, or whose process was killed, is tried again."""
_log = structlog.get_logger("postflow.tracker")


class _Found(NamedTuple):
    """What a reading found since it began: the file, who set its Status, its stack's newest file."""

    began_at: datetime
    seen: FileSeen | None
    log: Sequence[StatusHint]
    newest: File | None


class Looker:
    """Reads files, some at a time, and each by one reading at a time."""

    def __init__(
        self,
        *,
        store: Store,
        frameio: FrameioReader,
        stacks: StackReader,
        settings: Settings,
        clock: Clock,
        on_due: Callable[[Sequence[Due]], None] = lambda _: None,
    ) -> None:
        """Take what a look needs; `on_due` is told whose answer one has brought, once it is stored."""
        self._on_due = on_due
        self._store = store
        self._frameio = frameio
        self._stacks = stacks
        self._settings = settings
        self._clock = clock
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._one_at_a_time: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._learning = asyncio.Lock()
        self._own_user: str | None = None

    @property
    def settings(self) -> Settings:
        """The settings with what was learnt at Frame.io."""
        return self._settings

    async def look_at_due(self) -> int:
        """Read the files that are due for it, webhook or not; return how many.

        One after the other: events, which bring something, must not wait in line behind them.
        """
        due = await asyncio.to_thread(self._claim_due)
        for upload_id, file_id in due:
            try:
                await self.look_at(file_id)
            except Exception as error:  # noqa: BLE001 - one file must not hold up the others; logged
                warn("look failed", error, upload_id=upload_id)
        return len(due)

    async def look_at(self, file_id: str, *, events: Sequence[EventRow] = ()) -> bool:
        """Read the file with its comments once, and write down all that follows from it.

        Returns False when nobody tracks the file: then nothing was read, nor are events settled.
        Raises StoreUnavailableError when another process reads it at the same time: then that
        reading, or the next one of ours, is the one that counts.
        """
        one_at_a_time = self._one_at_a_time.setdefault(file_id, asyncio.Lock())
        async with one_at_a_time, self._turns:
            await self.learn_own_user()
            look = await asyncio.to_thread(self._begin, file_id)
            if look is None:
                return False
            began_at = self._clock()
            seen = await read_file(
                self._frameio,
                file_id,
                settings=self._settings,
                load_authors=partial(asyncio.to_thread, self._load_authors, file_id),
            )
            log: list[StatusHint] = []
            if seen is not None and seen.status_value != look.status_value:
                log = await read_status_changes(self._frameio, file_id)
            newest = await self._stacks.find_newest(seen.parent_id) if seen else None
            found = _Found(began_at, seen, log, newest)
            due = await asyncio.to_thread(self._apply, file_id, look, found, events)
        if due:
            self._on_due(due)
        return True

    async def learn_own_user(self) -> None:
        """Learn once as whom PostFlow is signed in: that user never decides anything."""
        if self._own_user is not None:
            return
        async with self._learning:
            if self._own_user is not None:
                return
            me = await self._frameio.fetch_me()
            for warning in list_own_user_warnings(self._settings, user_id=me.id, email=me.email):
                _log.warning(warning, remedy="name a reviewer in review.approvers")
            await asyncio.to_thread(self._remember, me.id)
            self._own_user = me.id
            self._settings = self._settings.with_editor(me.id)

    def _remember(self, user_id: str) -> None:
        with self._store.writing() as session:
            remember_own_user(session, user_id, now=self._clock())

    def _begin(self, file_id: str) -> Begun | None:
        with self._store.writing_at_once() as session:
            return begin_look(session, file_id)

    def _load_authors(self, file_id: str) -> dict[str, Person]:
        with self._store.reading() as session:
            return known_authors(session, file_id)

    def _apply(
        self, file_id: str, look: Begun, found: _Found, events: Sequence[EventRow]
    ) -> list[Due]:
        now = self._clock()
        with self._store.writing() as session:
            locked = lock_looked_at(session, file_id, look=look.number)
            if locked is None:
                raise StoreUnavailableError(
                    f"Another process reads the file {file_id} at the same time; it is read "
                    "again in a moment."
                )
            upload, version = locked
            if found.newest is not None:
                # First, because what was said about an older version decides nothing.
                open_round(
                    session, file_id, found.newest, settings=self._settings, events=events, now=now
                )
            news = apply_seen(
                session,
                version,
                upload,
                found.seen,
                events=events,
                log=found.log,
                settings=self._settings,
                now=now,
                began_at=found.began_at,
            )
            ids = [row.id for row in events if row.id is not None]
            settle_events(session, ids, now=now, upload_id=upload.upload_id, note=READ_AGAIN)
            told = {(each.kind, each.resource_id) for each in news}
            others = [row for row in events if (row.event_type, row.resource_id) not in told]
            match_events(session, others, upload_id=upload.upload_id)
        return list_marked(session)

    def _claim_due(self) -> list[tuple[str, str]]:
        now = self._clock()
        with self._store.reading() as session:
            if not list_due_looks(session, now=now, limit=1):
                return []
        with self._store.writing() as session:
            return claim_due_looks(session, now=now, limit=_LIMIT, lease=_AGAIN)
