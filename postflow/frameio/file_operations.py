"""What PostFlow does with accounts, projects, folders and files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from postflow.errors import FrameioRefusedError, FrameioUnavailableError, NotFoundError
from postflow.frameio import requests
from postflow.frameio.connection import Connection
from postflow.frameio.wire import (
    Account,
    File,
    FileUploadStatus,
    Folder,
    Profile,
    Project,
    VersionStack,
    Workspace,
)


class FileOperations(Connection):
    """The half of the client that moves files; lists are complete or an error."""

    async def fetch_me(self) -> Profile:
        """Return the user behind the token."""
        return await self.send(requests.show_me())

    async def fetch_accounts(self) -> list[Account]:
        """Return every account that the token sees."""
        return await self.send_for_all(requests.list_accounts())

    async def fetch_workspaces(self) -> list[Workspace]:
        """Return every workspace of the account."""
        return await self.send_for_all(requests.list_workspaces(await self.account_id()))

    async def fetch_projects(self, workspace_id: str) -> list[Project]:
        """Return every project of a workspace."""
        account = await self.account_id()
        return await self.send_for_all(requests.list_projects(account, workspace_id))

    async def fetch_project(self, project_id: str) -> Project:
        """Return one project."""
        return await self.send(requests.show_project(await self.account_id(), project_id))

    async def fetch_folders(self, folder_id: str) -> list[Folder]:
        """Return the folders directly inside a folder."""
        return await self.send_for_all(requests.list_folders(await self.account_id(), folder_id))

    async def create_folder(self, folder_id: str, *, name: str) -> Folder:
        """Create a folder; never repeated, so an unclear failure may have created it."""
        call = requests.create_folder(await self.account_id(), folder_id, name=name)
        return await self.send(call)

    async def find_or_create_folder(self, folder_id: str, *, path: Sequence[str]) -> str:
        """Return the id of the folder at `path` below `folder_id`, creating what is missing."""
        for name in path:
            folder_id = await self._find_or_create_one(folder_id, name)
        return folder_id

    async def fetch_files(self, folder_id: str, *, include: Iterable[str] = ()) -> list[File]:
        """Return the files directly inside a folder; stacked files are in their stacks."""
        call = requests.list_files(await self.account_id(), folder_id, include=include)
        return await self.send_for_all(call)

    async def fetch_version_stacks(self, folder_id: str) -> list[VersionStack]:
        """Return the version stacks directly inside a folder."""
        call = requests.list_version_stacks(await self.account_id(), folder_id)
        return await self.send_for_all(call)

    async def create_local_upload(self, folder_id: str, *, name: str, file_size: int) -> File:
        """Create a placeholder with `upload_urls`; never repeated by itself.

        After FrameioUnavailableError the placeholder may exist: look before asking again.
        """
        account = await self.account_id()
        return await self.send(
            requests.create_local_upload(account, folder_id, name=name, file_size=file_size)
        )

    async def create_remote_upload(self, folder_id: str, *, name: str, source_url: str) -> File:
        """Let Frame.io fetch a file itself; `fetch_upload_status` tells how far it is."""
        account = await self.account_id()
        return await self.send(
            requests.create_remote_upload(account, folder_id, name=name, source_url=source_url)
        )

    async def fetch_file(self, file_id: str, *, include: Iterable[str] = ()) -> File:
        """Return a file; `include` takes creator, project, metadata, media_links.original, …."""
        return await self.send(
            requests.show_file(await self.account_id(), file_id, include=include)
        )

    async def fetch_upload_status(self, file_id: str) -> FileUploadStatus:
        """Return how far the upload of a file is."""
        return await self.send(requests.show_upload_status(await self.account_id(), file_id))

    async def delete_file(self, file_id: str) -> None:
        """Delete a file; deleting what is gone is done."""
        with suppress(NotFoundError):
            await self.send_for_nothing(requests.delete_file(await self.account_id(), file_id))

    async def move_file(self, file_id: str, *, parent_id: str) -> File:
        """Move a file into a folder, or into a version stack as its newest version."""
        account = await self.account_id()
        return await self.send(requests.move_file(account, file_id, parent_id=parent_id))

    async def create_version_stack(
        self, folder_id: str, *, file_ids: Sequence[str]
    ) -> VersionStack:
        """Stack files of one folder, oldest first."""
        account = await self.account_id()
        return await self.send(requests.create_version_stack(account, folder_id, file_ids=file_ids))

    async def fetch_version_stack(self, stack_id: str) -> VersionStack:
        """Return a version stack with its newest file."""
        return await self.send(requests.show_version_stack(await self.account_id(), stack_id))

    async def fetch_stack_files(self, stack_id: str, *, include: Iterable[str] = ()) -> list[File]:
        """Return the files of a version stack."""
        call = requests.list_stack_files(await self.account_id(), stack_id, include=include)
        return await self.send_for_all(call)

    async def _find_or_create_one(self, folder_id: str, name: str) -> str:
        found = await self._find_folder(folder_id, name)
        if found is not None:
            return found
        try:
            return (await self.create_folder(folder_id, name=name)).id
        except (FrameioUnavailableError, FrameioRefusedError):
            # It may exist all the same, or somebody else was first: look once more.
            found = await self._find_folder(folder_id, name)
            if found is None:
                raise
            return found

    async def _find_folder(self, folder_id: str, name: str) -> str | None:
        same = [each for each in await self.fetch_folders(folder_id) if each.name == name]
        # Two of one name: everybody takes the older one.
        return min(same, key=lambda each: each.created_at).id if same else None
