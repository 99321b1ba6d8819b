"""Version stacks: several files as versions of one video."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from postflow.simulator.bodies import Body, StackParams
from postflow.simulator.calling import CallDep
from postflow.simulator.paging import render_page
from postflow.simulator.refusals import invalid
from postflow.simulator.rendering import FILE_INCLUDES
from postflow.simulator.reviews import stack_files

router = APIRouter(prefix="/v4/accounts/{account_id}")


@router.post("/folders/{folder_id}/version_stacks", status_code=201)
async def create_stack(call: CallDep, folder_id: str, body: Body[StackParams]) -> dict[str, Any]:
    """Stack files that lie in one folder, oldest first."""
    folder = call.state.folder(folder_id)
    files = [call.state.file(file_id) for file_id in body.data.file_ids]
    apart = any(file.parent_id != folder.id for file in files)
    if apart or len({file.id for file in files}) < len(files):
        raise invalid("Files must be different and in the folder", pointer="/data/file_ids")
    stack = stack_files(call.world, folder, files, user=call.user)
    return {"data": call.includes(frozenset()).stack(stack)}


@router.get("/version_stacks/{version_stack_id}")
async def show_stack(call: CallDep, version_stack_id: str) -> dict[str, Any]:
    """Show a stack with its newest version."""
    return {"data": call.includes(FILE_INCLUDES).stack(call.state.stack(version_stack_id))}


@router.get("/version_stacks/{version_stack_id}/children")
async def list_versions(call: CallDep, version_stack_id: str) -> dict[str, Any]:
    """List the versions in a stack, oldest first."""
    versions = call.state.versions(call.state.stack(version_stack_id))
    return render_page(call.request, versions, call.includes(FILE_INCLUDES).file)
