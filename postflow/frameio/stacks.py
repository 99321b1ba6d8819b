"""Version stacks: where a new version is uploaded, and how it gets on top of the old one.

Stacking is decided by what is there: after a lost answer or a crash the same call again finds the
stack and does nothing. A create is never repeated without looking.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from postflow.errors import FrameioRefusedError, FrameioUnavailableError, NotFoundError
from postflow.frameio.client import FrameioClient
from postflow.frameio.locate import Location
from postflow.frameio.wire import File, VersionStack

_IS_NO_STACK = (HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)
_TRIES = 3


async def find_place_beside(client: FrameioClient, older: Sequence[str]) -> Location | None:
    """Return the folder of the first of these files that still exists, or of its stack."""
    old = await _first_existing(client, older)
    if old is None or old.parent_id is None:
        return None
    stack = await find_stack(client, old.parent_id)
    folder_id = stack.parent_id if stack else old.parent_id
    if folder_id is None:
        return None
    project = await client.fetch_project(old.project_id)
    return Location(
        account_id=await client.account_id(),
        workspace_id=project.workspace_id,
        project_id=project.id,
        project_name=project.name,
        folder_id=folder_id,
    )


async def stack_on_top(client: FrameioClient, *, older: Sequence[str], newer: str) -> None:
    """Make `newer` a version of the first of the older files that still exists.

    Nothing happens where it lies in a stack already, or no older file is left.
    """
    for left in reversed(range(_TRIES)):
        try:
            return await _stack(client, older, newer)
        except (FrameioUnavailableError, FrameioRefusedError):
            # It may have been done all the same, or somebody else stacked first: look again.
            if not left:
                raise
    return None


async def find_stack(client: FrameioClient, parent_id: str) -> VersionStack | None:
    """Return the stack of this id; None where it is a folder."""
    try:
        return await client.fetch_version_stack(parent_id)
    except FrameioRefusedError as error:
        if error.status_code in _IS_NO_STACK:
            return None
        raise


async def _stack(client: FrameioClient, older: Sequence[str], newer: str) -> None:
    new = await client.fetch_file(newer)
    old = await _first_existing(client, older)
    if old is None or old.parent_id is None:
        return
    if new.parent_id is not None and await find_stack(client, new.parent_id) is not None:
        return
    stack = await find_stack(client, old.parent_id)
    if stack is not None:
        await client.move_file(newer, parent_id=stack.id)
        return
    if new.parent_id != old.parent_id:
        await client.move_file(newer, parent_id=old.parent_id)
    await client.create_version_stack(old.parent_id, file_ids=[old.id, newer])


async def _first_existing(client: FrameioClient, file_ids: Sequence[str]) -> File | None:
    for file_id in file_ids:
        try:
            return await client.fetch_file(file_id)
        except NotFoundError:
            continue
    return None
