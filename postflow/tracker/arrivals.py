"""Videos that were registered by name: finding their files, by an event or by listing a project."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import structlog

from postflow.domain.findings import ChangeKind, Finding
from postflow.domain.polling import plan_pause
from postflow.errors import ConfigurationError
from postflow.frameio.locate import find_project
from postflow.frameio.wire import File, Folder
from postflow.settings import Settings
from postflow.store.database import Store
from postflow.store.findings import note_findings
from postflow.store.tables import EventRow, UploadRow
from postflow.store.uploads import (
    REPORTED_BEFORE,
    attach_file,
    find_unattached,
    find_version,
    list_unattached,
    load_version,
)
from postflow.tracker.pacing import read_pace
from postflow.tracker.ports import Clock, FrameioReader

_MOST_FOLDERS = 300
_SHARE_OF_TIME = 10
"""Listing a project takes at most a tenth of the time, however large it is."""
_NEWLY_REGISTERED = timedelta(seconds=5)
_log = structlog.get_logger("postflow.tracker")


def attach_by_name(
    store: Store, file: File, *, now: datetime, events: Sequence[EventRow] = ()
) -> bool:
    """Attach the file to the oldest upload that waits for one of its name; False if none does.

    `events` are those that reported it. A file that is tracked already counts as attached.
    """
    with store.writing() as session:
        if find_version(session, file.id) is not None:
            return True
        upload = find_unattached(session, file.name, project_id=file.project_id)
        if upload is None:
            return False
        attach_file(session, upload, file_id=file.id, now=now)
        found = Finding(kind=ChangeKind.FILE_CREATED, resource_id=file.id, at=file.created_at)
        version = load_version(session, upload)
        note_findings(session, upload, version, [found], events=events, now=now)
        return True


class Arrivals:
    """Looks through projects for the files of uploads that are known by name only."""

    def __init__(
        self, *, store: Store, frameio: FrameioReader, settings: Settings, clock: Clock
    ) -> None:
        self._store = store
        self._frameio = frameio
        self._settings = settings
        self._clock = clock
        self._listed_at: datetime | None = None
        self._took = timedelta()
        self._warned: set[str] = set()

    async def run_once(self) -> int:
        """List the projects if it is time for it; return how many files were attached."""
        if not await asyncio.to_thread(self._is_due):
            return 0
        return await self.look()

    async def look(self) -> int:
        """List every project that an upload waits for a file in; raises FrameioUnavailableError.

        A file of the name that is older than the registration is taken only if it is the only
        one: among several nobody could tell which is meant.
        """
        began_at = self._listed_at = self._clock()
        waiting = await asyncio.to_thread(self._list_waiting)
        count = 0
        for project_id, uploads in waiting.items():
            try:
                found = await self._list_files(project_id, {each.filename for each in uploads})
            except ConfigurationError as error:
                self._warn_once("cannot look for files by name", str(error))
                continue
            for file in self._choose(found, uploads):
                count += await asyncio.to_thread(
                    attach_by_name, self._store, file, now=self._clock()
                )
        self._took = self._clock() - began_at
        return count

    def _is_due(self) -> bool:
        """Whether to list: soon after a registration, then less and less often."""
        now = self._clock()
        with self._store.reading() as session:
            newest = max((each.created_at for each in list_unattached(session)), default=None)
            if newest is None:
                return False
            pace = read_pace(session, settings=self._settings, now=now)
        if self._listed_at is None:
            return True
        pause = plan_pause(pace, is_ready=True, is_delivered=False, quiet_for=now - newest)
        if newest >= self._listed_at:
            pause = min(pause, _NEWLY_REGISTERED)
        return now >= self._listed_at + max(pause, self._took * _SHARE_OF_TIME)

    def _list_waiting(self) -> dict[str | None, list[UploadRow]]:
        waiting: dict[str | None, list[UploadRow]] = defaultdict(list)
        with self._store.reading() as session:
            for upload in list_unattached(session):
                waiting[upload.project_id or self._settings.frameio.project_id].append(upload)
        return waiting

    async def _list_files(self, project_id: str | None, names: set[str]) -> list[File]:
        """Return the project's files of these names; of a stack the newest one."""
        project = await find_project(
            self._frameio,
            workspace_id=self._settings.frameio.workspace_id,
            project_id=project_id,
        )
        found, folders, seen = [], [project.root_folder_id], 0
        while folders and seen < _MOST_FOLDERS:
            folder_id, seen = folders.pop(0), seen + 1
            for stack in await self._frameio.fetch_version_stacks(folder_id):
                found += [stack.head_version] if stack.head_version else []
            found += await self._frameio.fetch_files(folder_id)
            folders += _ids(await self._frameio.fetch_folders(folder_id))
        if folders:
            self._warn_once(
                "a project has too many folders to look for files by name",
                f"Only {_MOST_FOLDERS} folders of the project {project.name} were looked through; "
                "register its uploads with their file ids.",
            )
        return [file for file in found if file.name in names]

    def _choose(self, found: Iterable[File], uploads: Sequence[UploadRow]) -> list[File]:
        """Return the files to attach, the oldest first."""
        chosen: list[File] = []
        for name in sorted({upload.filename for upload in uploads}):
            known_since = min(each.created_at for each in uploads if each.filename == name)
            files = sorted(
                (file for file in found if file.name == name and not self._is_tracked(file.id)),
                key=lambda file: file.created_at,
            )
            recent = [file for file in files if file.created_at >= known_since - REPORTED_BEFORE]
            if recent or len(files) <= 1:
                chosen += recent or files
                continue
            self._warn_once(
                "several files of one name",
                f"Frame.io has {len(files)} files named {name} from before the upload was "
                "registered; register it with the id of the one that is meant.",
            )
        return chosen

    def _is_tracked(self, file_id: str) -> bool:
        with self._store.reading() as session:
            return find_version(session, file_id) is not None

    def _warn_once(self, what: str, why: str) -> None:
        if why not in self._warned:
            self._warned.add(why)
            _log.warning(what, error=why)


def _ids(folders: Iterable[Folder]) -> list[str]:
    return [folder.id for folder in folders]
