"""From what the settings say to the folder that uploads go to.

Every id may be left out where there is exactly one choice. Where there are several, the error
lists them with their ids and names the setting; nothing is ever guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from postflow.errors import ConfigurationError, NotFoundError
from postflow.frameio.client import FrameioClient
from postflow.frameio.wire import Project, Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place at Frame.io, complete."""

    account_id: str
    workspace_id: str
    project_id: str
    project_name: str
    folder_id: str


class Places(Protocol):
    """The reads by which a project is found; the client has them."""

    async def fetch_workspaces(self) -> list[Workspace]:
        """Return every workspace of the account."""
        ...

    async def fetch_projects(self, workspace_id: str) -> list[Project]:
        """Return every project of a workspace."""
        ...

    async def fetch_project(self, project_id: str) -> Project:
        """Return one project; raises NotFoundError."""
        ...


async def locate(
    client: FrameioClient,
    *,
    workspace_id: str | None = None,
    project_id: str | None = None,
    folder: str = "",
) -> Location:
    """Find the folder for uploads, creating its path (`a/b`) below the project's root.

    The account is the client's own `account_id`. Raises ConfigurationError that lists the
    choices where an id is missing and not the only one, or wrong.
    """
    account_id = await client.account_id()
    project = await find_project(client, workspace_id=workspace_id, project_id=project_id)
    path = folder_path(folder)
    folder_id = await client.find_or_create_folder(project.root_folder_id, path=path)
    return Location(
        account_id=account_id,
        workspace_id=project.workspace_id,
        project_id=project.id,
        project_name=project.name,
        folder_id=folder_id,
    )


async def find_project(
    places: Places, *, workspace_id: str | None = None, project_id: str | None = None
) -> Project:
    """Return the given project, or the only one; raises ConfigurationError that lists them."""
    if project_id is not None:
        return await _given_project(places, project_id, workspace_id)
    return await _only_project(places, workspace_id or await _only_workspace(places))


async def locate_workspace(client: FrameioClient, *, workspace_id: str | None = None) -> str:
    """Return the given workspace, or the only one; webhooks belong to a workspace."""
    return workspace_id or await _only_workspace(client)


def folder_path(folder: str) -> Sequence[str]:
    """Cut `a/b/c` into names; slashes at the ends and empty names mean nothing."""
    return tuple(name.strip() for name in folder.split("/") if name.strip())


async def _only_workspace(client: Places) -> str:
    workspaces = await client.fetch_workspaces()
    return _only(((each.id, each.name) for each in workspaces), "workspace", "frameio.workspace_id")


async def _only_project(client: Places, workspace_id: str) -> Project:
    try:
        projects = await client.fetch_projects(workspace_id)
    except NotFoundError as error:
        raise ConfigurationError(
            f"Frame.io has no workspace {workspace_id}, or the token's user cannot see it; "
            "correct `frameio.workspace_id`."
        ) from error
    # An archived project is no choice, unless there is nothing else.
    projects = [each for each in projects if each.status == "active"] or projects
    chosen = _only(((each.id, each.name) for each in projects), "project", "frameio.project_id")
    return next(each for each in projects if each.id == chosen)


async def _given_project(client: Places, project_id: str, workspace_id: str | None) -> Project:
    try:
        project = await client.fetch_project(project_id)
    except NotFoundError as error:
        raise ConfigurationError(
            f"Frame.io has no project {project_id}, or the token's user cannot see it; "
            "correct `frameio.project_id`."
        ) from error
    if workspace_id is not None and project.workspace_id != workspace_id:
        raise ConfigurationError(
            f"The Frame.io project '{project.name}' is in workspace {project.workspace_id}, not "
            f"in {workspace_id}; correct `frameio.workspace_id` or `frameio.project_id`."
        )
    return project


def _only(choices: Iterable[tuple[str, str]], kind: str, setting: str) -> str:
    known = list(choices)
    if len(known) == 1:
        return known[0][0]
    if not known:
        raise ConfigurationError(
            f"The Frame.io token's user sees no {kind}; create one, or give the user access."
        )
    told = ", ".join(f"{name} ({identity})" for identity, name in known)
    raise ConfigurationError(f"Frame.io has several {kind}s; set `{setting}` to one of: {told}.")
