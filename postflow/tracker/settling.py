"""Settling the inbox: which file an event is about, one look at that file, one transaction.

Events are hints. Whatever they say, the file and its comments are read again, so the order in
which they come and how often does not matter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple

import structlog
from sqlmodel import Session

from postflow.domain.people import Person
from postflow.errors import NotFoundError, PostFlowError
from postflow.settings import Settings
from postflow.store.database import Store
from postflow.store.inbox import claim_events, give_back_events, has_unsettled, settle_events
from postflow.store.tables import CommentRow, EventRow
from postflow.store.uploads import (
    attach_file,
    find_unattached,
    find_version,
    has_unattached,
    is_project_tracked,
    list_due_looks,
    load_upload,
)
from postflow.tracker.applying import StatusHint, apply_seen, known_authors
from postflow.tracker.ports import Clock, FrameioReader
from postflow.tracker.reading import FileSeen, read_file

_CLAIM_LIMIT = 200
_CLAIM_LEASE = timedelta(seconds=60)
_LOOK_LIMIT = 20
_FIRST_RETRY = timedelta(seconds=2)
_LONGEST_RETRY = timedelta(minutes=5)
_log = structlog.get_logger("postflow.tracker")


class _Route(NamedTuple):
    """Where an event leads: to a file of ours, to a question for Frame.io, or nowhere."""

    file_id: str | None = None
    ask_comment: str | None = None
    ask_file: str | None = None
    note: str = ""


class Settler:
    """Turns inbox rows and due looks into decisions; one instance settles one thing at a time."""

    def __init__(
        self, *, store: Store, frameio: FrameioReader, settings: Settings, clock: Clock
    ) -> None:
        self._store = store
        self._frameio = frameio
        self._settings = settings
        self._clock = clock
        # An older reading must never be written over a newer one.
        self._one_look_at_a_time = asyncio.Lock()

    async def settle_events(self) -> int:
        """Settle what is in the inbox now; return how many events that were."""
        rows = await asyncio.to_thread(self._claim)
        by_file: dict[str, list[EventRow]] = {}
        for row in rows:
            try:
                file_id = await self._find_file(row)
            except PostFlowError as error:
                await self._give_back([row], error)
                continue
            if file_id is not None:
                by_file.setdefault(file_id, []).append(row)
        for file_id, events in by_file.items():
            try:
                await self.look_at(file_id, events=events)
            except PostFlowError as error:
                await self._give_back(events, error)
        return len(rows)

    async def look_at_due(self) -> int:
        """Re-read the files that are due for it, webhook or not; return how many."""
        due = await asyncio.to_thread(self._list_due)
        for upload_id, file_id in due:
            try:
                await self.look_at(file_id)
            except PostFlowError as error:
                _log.warning("look failed", upload_id=upload_id, error=str(error))
                await asyncio.to_thread(self._postpone_look, upload_id)
        return len(due)

    async def look_at(self, file_id: str, *, events: Sequence[EventRow] = ()) -> None:
        """Read the file with its comments once, and write down all that follows from it."""
        async with self._one_look_at_a_time:
            authors = await asyncio.to_thread(self._known_authors, file_id)
            seen = await read_file(
                self._frameio,
                file_id,
                status_field=self._settings.review.status_names.field,
                known_authors=authors,
                keywords=self._settings.analysis.keywords,
            )
            await asyncio.to_thread(self._apply, file_id, seen, events)

    def _known_authors(self, file_id: str) -> dict[str, Person]:
        with self._store.reading() as session:
            return known_authors(session, file_id)

    def _apply(self, file_id: str, seen: FileSeen | None, events: Sequence[EventRow]) -> None:
        now = self._clock()
        with self._store.writing() as session:
            apply_seen(
                session,
                file_id,
                seen,
                hints=_read_hints(events),
                settings=self._settings,
                now=now,
            )
            version = find_version(session, file_id)
            settle_events(
                session,
                _ids(events),
                now=now,
                upload_id=version.upload_id if version else None,
                note="read again",
            )

    async def _find_file(self, row: EventRow) -> str | None:
        """Return the file of ours that the event is about; settles it where there is none."""
        route = await asyncio.to_thread(self._route, row)
        if route.ask_comment is not None:
            route = await self._ask_comment(route.ask_comment)
        if route.ask_file is not None:
            route = await self._ask_file(route.ask_file)
        if route.file_id is None:
            await asyncio.to_thread(self._settle, [row], route.note)
        return route.file_id

    def _route(self, row: EventRow) -> _Route:
        kind = (row.event_type or "").partition(".")[0]
        with self._store.reading() as session:
            if row.resource_id is None or kind not in {"file", "comment", "metadata"}:
                return _Route(note="nothing to do with a review")
            if kind == "comment":
                return _route_comment(session, row, row.resource_id)
            if find_version(session, row.resource_id) is not None:
                return _Route(file_id=row.resource_id)
            if kind == "file" and has_unattached(session):
                return _Route(ask_file=row.resource_id)
            return _Route(note="a file that PostFlow does not track")

    async def _ask_comment(self, comment_id: str) -> _Route:
        try:
            comment = await self._frameio.fetch_comment(comment_id)
        except NotFoundError:
            return _Route(note="the comment was deleted before it could be read")
        with self._store.reading() as session:
            if find_version(session, comment.file_id) is not None:
                return _Route(file_id=comment.file_id)
        return _Route(note="a comment on a file that PostFlow does not track")

    async def _ask_file(self, file_id: str) -> _Route:
        """Attach the file to an upload of its name that waits for one."""
        try:
            file = await self._frameio.fetch_file(file_id)
        except NotFoundError:
            return _Route(note="the file was deleted before it could be read")
        attached = await asyncio.to_thread(self._attach, file.id, file.name, file.project_id)
        if attached:
            return _Route(file_id=file.id)
        return _Route(note="a file that PostFlow does not track")

    def _attach(self, file_id: str, name: str, project_id: str) -> bool:
        with self._store.writing() as session:
            if find_version(session, file_id) is not None:
                return True
            upload = find_unattached(session, name, project_id=project_id)
            if upload is None:
                return False
            attach_file(session, upload, file_id=file_id, now=self._clock())
        return True

    def _claim(self) -> list[EventRow]:
        now = self._clock()
        with self._store.reading() as session:
            if not has_unsettled(session, now=now):
                return []
        with self._store.writing() as session:
            return claim_events(session, now=now, limit=_CLAIM_LIMIT, lease=_CLAIM_LEASE)

    def _settle(self, rows: Sequence[EventRow], note: str) -> None:
        with self._store.writing() as session:
            settle_events(session, _ids(rows), now=self._clock(), note=note)

    async def _give_back(self, rows: Sequence[EventRow], error: PostFlowError) -> None:
        attempts = max((row.attempts for row in rows), default=1)
        wait = min(_FIRST_RETRY * 2 ** (attempts - 1), _LONGEST_RETRY)
        _log.warning("settling failed", events=_ids(rows), error=str(error))

        def give_back() -> None:
            now = self._clock()
            with self._store.writing() as session:
                give_back_events(
                    session,
                    _ids(rows),
                    error=str(error),
                    now=now,
                    try_again_at=now + wait,
                    max_attempts=None if error.retryable else self._settings.tracker.max_attempts,
                )

        await asyncio.to_thread(give_back)

    def _list_due(self) -> list[tuple[str, str]]:
        with self._store.reading() as session:
            ids = list_due_looks(session, now=self._clock(), limit=_LOOK_LIMIT)
            uploads = [load_upload(session, upload_id) for upload_id in ids]
        return [(u.upload_id, u.file_id) for u in uploads if u.file_id]

    def _postpone_look(self, upload_id: str) -> None:
        with self._store.writing() as session:
            upload = load_upload(session, upload_id)
            upload.look_at = self._clock() + timedelta(seconds=30)


def _route_comment(session: Session, row: EventRow, comment_id: str) -> _Route:
    known = session.get(CommentRow, comment_id)
    if known is not None:
        return _Route(file_id=known.file_id)
    if row.event_type == "comment.deleted":
        return _Route(note="the comment was deleted before it was ever read")
    if row.project_id and not is_project_tracked(session, row.project_id):
        return _Route(note="nothing of this project is under review")
    return _Route(ask_comment=comment_id)


def _ids(rows: Iterable[EventRow]) -> list[int]:
    return [row.id for row in rows if row.id is not None]


def _read_hints(events: Sequence[EventRow]) -> list[StatusHint]:
    return [
        StatusHint(user_id=row.user_id, at=row.received_at)
        for row in events
        if row.event_type == "metadata.value.updated"
    ]
