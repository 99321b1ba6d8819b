"""Asking Frame.io what an event is about, where the store alone cannot tell."""

from __future__ import annotations

import asyncio

from postflow.errors import FrameioRefusedError, NotFoundError
from postflow.store.database import Store
from postflow.store.foreign import UNTRACKED_FILE
from postflow.store.tables import EventRow
from postflow.store.uploads import has_unattached
from postflow.store.versions import find_upload_of_file
from postflow.tracker.arrivals import attach_by_name
from postflow.tracker.faults import is_tokens_fault
from postflow.tracker.ports import Clock, FrameioReader
from postflow.tracker.routing import UNTRACKED_COMMENT, Route, plan_file
from postflow.tracker.versions import StackReader


class Asker:
    """Follows routes that end in a question, until they lead to a tracked file or nowhere."""

    def __init__(
        self, *, store: Store, frameio: FrameioReader, stacks: StackReader, clock: Clock
    ) -> None:
        self._store = store
        self._frameio = frameio
        self._stacks = stacks
        self._clock = clock

    async def follow(self, route: Route, event: EventRow) -> Route:
        """Return a route without questions; raises FrameioError.

        Nobody may track the file that a comment leads to, see `adopt`.
        """
        if route.ask_stack is not None:
            route = await self._ask_stack(route.ask_stack, project_id=event.project_id)
        if route.ask_comment is not None:
            return await self._ask_comment(route.ask_comment)
        if route.ask_file is not None:
            route = await self._ask_file(route.ask_file, event)
        return route

    async def adopt(self, file_id: str, event: EventRow) -> Route:
        """Lead to a file that nobody tracks if a video waits for one of its name, else nowhere."""
        route = await asyncio.to_thread(self._plan_untracked, file_id, event)
        return await self.follow(route, event)

    async def _ask_stack(self, resource_id: str, *, project_id: str | None) -> Route:
        """Lead to the current file of the upload that the stack belongs to: its look does all."""
        file_ids = await self._stacks.list_files(resource_id)
        return await asyncio.to_thread(self._plan_stack, resource_id, file_ids, project_id)

    def _plan_stack(self, resource_id: str, file_ids: list[str], project_id: str | None) -> Route:
        with self._store.reading() as session:
            upload = find_upload_of_file(session, file_ids) if file_ids else None
            if upload is not None and upload.file_id is not None:
                return Route(file_id=upload.file_id)
            if has_unattached(session, project_id=project_id):
                return Route(ask_file=resource_id)
        return Route(note=UNTRACKED_FILE)

    async def _ask_comment(self, comment_id: str) -> Route:
        try:
            comment = await self._frameio.fetch_comment(comment_id)
        except NotFoundError:
            return Route(note="the comment was deleted before it could be read")
        return Route(file_id=comment.file_id)

    def _plan_untracked(self, file_id: str, event: EventRow) -> Route:
        note = UNTRACKED_FILE if event.resource_id == file_id else UNTRACKED_COMMENT
        with self._store.reading() as session:
            return plan_file(session, file_id, project_id=event.project_id, note=note)

    async def _ask_file(self, file_id: str, event: EventRow) -> Route:
        """Attach the file to an upload of its name that waits for one."""
        try:
            file = await self._frameio.fetch_file(file_id)
        except FrameioRefusedError as error:
            if is_tokens_fault(error):
                raise
            return Route(note="not a file, or deleted before it could be read")
        now = self._clock()
        if await asyncio.to_thread(attach_by_name, self._store, file, now=now, events=[event]):
            return Route(file_id=file.id)
        return Route(note=UNTRACKED_FILE)
