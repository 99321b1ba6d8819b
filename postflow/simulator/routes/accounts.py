"""Who am I, and the account with its workspaces, projects and users."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from postflow.simulator.bodies import Body, NameParams, ProjectParams, ProjectUpdateParams
from postflow.simulator.calling import CallDep
from postflow.simulator.paging import render_page, sort_items
from postflow.simulator.records import StoredProject, StoredWorkspace
from postflow.simulator.state import fresh_id
from postflow.simulator.world import World

router = APIRouter(prefix="/v4")

_PROJECT_SORTS = {"name": lambda each: each.name, "created_at": lambda each: each.created_at}


@router.get("/me")
async def show_me(call: CallDep) -> dict[str, Any]:
    """Show the user behind the token."""
    user = call.user
    return {
        "data": {
            "id": user.id,
            "email": user.email,
            "name": user.name,
            "avatar_url": user.avatar_url,
        }
    }


@router.get("/accounts")
async def list_accounts(call: CallDep) -> dict[str, Any]:
    """List the one account."""
    account = call.includes(frozenset()).account()
    return render_page(call.request, [call.state.owner], lambda _: account)


@router.get("/accounts/{account_id}/workspaces")
async def list_workspaces(call: CallDep) -> dict[str, Any]:
    """List the workspaces."""
    found = sort_items(call.request, list(call.state.workspaces.values()), _PROJECT_SORTS)
    return render_page(call.request, found, call.includes({"creator"}).workspace)


@router.post("/accounts/{account_id}/workspaces", status_code=201)
async def create_workspace(call: CallDep, body: Body[NameParams]) -> dict[str, Any]:
    """Make a workspace."""
    now = call.world.clock.now()
    workspace = StoredWorkspace(
        id=fresh_id(),
        name=body.data.name or "Workspace",
        created_at=now,
        updated_at=now,
        creator=call.user,
    )
    call.state.workspaces[workspace.id] = workspace
    return {"data": call.includes(frozenset()).workspace(workspace)}


@router.get("/accounts/{account_id}/workspaces/{workspace_id}/projects")
async def list_projects(call: CallDep, workspace_id: str) -> dict[str, Any]:
    """List the projects of a workspace."""
    workspace = call.state.workspace(workspace_id)
    found = [each for each in call.state.projects.values() if each.workspace_id == workspace.id]
    found = sort_items(call.request, found, _PROJECT_SORTS)
    return render_page(call.request, found, call.includes({"owner"}).project)


@router.get("/accounts/{account_id}/projects")
async def list_account_projects(call: CallDep) -> dict[str, Any]:
    """List the projects of all workspaces."""
    found = sort_items(call.request, list(call.state.projects.values()), _PROJECT_SORTS)
    return render_page(call.request, found, call.includes({"owner"}).project)


@router.post("/accounts/{account_id}/workspaces/{workspace_id}/projects", status_code=201)
async def create_project(
    call: CallDep, workspace_id: str, body: Body[ProjectParams]
) -> dict[str, Any]:
    """Make a project with its root folder."""
    project = call.state.add_project(
        call.state.workspace(workspace_id),
        name=body.data.name,
        owner=call.user,
        now=call.world.clock.now(),
    )
    _project_happens(call.world, "project.created", project, call)
    return {"data": call.includes(frozenset()).project(project)}


@router.get("/accounts/{account_id}/projects/{project_id}")
async def show_project(call: CallDep, project_id: str) -> dict[str, Any]:
    """Show a project."""
    return {"data": call.includes({"owner"}).project(call.state.project(project_id))}


@router.patch("/accounts/{account_id}/projects/{project_id}")
async def update_project(
    call: CallDep, project_id: str, body: Body[ProjectUpdateParams]
) -> dict[str, Any]:
    """Rename a project, or change its status."""
    project = call.state.project(project_id)
    project.name = body.data.name or project.name
    project.status = body.data.status or project.status
    project.updated_at = call.world.clock.now()
    _project_happens(call.world, "project.updated", project, call)
    return {"data": call.includes(frozenset()).project(project)}


@router.delete("/accounts/{account_id}/projects/{project_id}", status_code=204)
async def delete_project(call: CallDep, project_id: str) -> Response:
    """Delete a project and what is in it."""
    project = call.state.project(project_id)
    for asset in list(call.state.assets.values()):
        if asset.project_id == project.id:
            call.state.remove_asset(asset)
    del call.state.projects[project.id]
    _project_happens(call.world, "project.deleted", project, call)
    return Response(status_code=204)


@router.get("/accounts/{account_id}/users")
async def list_users(call: CallDep) -> dict[str, Any]:
    """List everybody who was seen so far, with a role."""
    return render_page(
        call.request,
        call.world.people.everybody(),
        lambda user: {"role": "admin", "user": user.model_dump(mode="json")},
    )


def _project_happens(world: World, event: str, project: StoredProject, call: CallDep) -> None:
    world.happen(
        event,
        resource_id=project.id,
        resource_type="project",
        user=call.user,
        project_id=project.id,
        workspace_id=project.workspace_id,
    )
