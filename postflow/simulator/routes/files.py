"""Files: make, show, rename, move, delete."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from postflow.simulator.bodies import (
    Body,
    FileParams,
    LocalUploadParams,
    MoveParams,
    NameParams,
    RemoteUploadParams,
)
from postflow.simulator.calling import Call, CallDep
from postflow.simulator.faults import FaultKind
from postflow.simulator.records import StoredFile, StoredStack
from postflow.simulator.refusals import Refusal
from postflow.simulator.rendering import FILE_INCLUDES
from postflow.simulator.reviews import move_into_stack
from postflow.simulator.state import ACCOUNT_ID
from postflow.simulator.uploads import create_file, fetch_remote, file_happens, remove_file

router = APIRouter(prefix="/v4/accounts/{account_id}")


@router.post("/folders/{folder_id}/files/local_upload", status_code=201)
async def create_local_upload(
    call: CallDep, folder_id: str, body: Body[LocalUploadParams]
) -> dict[str, Any]:
    """Make a placeholder and say where its parts go."""
    return await _create_local(call, folder_id, name=body.data.name, size=body.data.file_size)


@router.post("/folders/{folder_id}/files", status_code=201)
async def create_file_as_before(
    call: CallDep, folder_id: str, body: Body[FileParams], response: Response
) -> dict[str, Any]:
    """Make a file the older way, which says the media type itself."""
    if body.data.source_url is not None:
        response.status_code = 202
        return _create_remote(call, folder_id, body.data.name, body.data.source_url)
    return await _create_local(
        call,
        folder_id,
        name=body.data.name,
        size=body.data.file_size,
        media_type=body.data.media_type,
    )


@router.post("/folders/{folder_id}/files/remote_upload", status_code=202)
async def create_remote_upload(
    call: CallDep, folder_id: str, body: Body[RemoteUploadParams]
) -> dict[str, Any]:
    """Fetch a file from an address, beside the calls."""
    return _create_remote(call, folder_id, body.data.name, body.data.source_url)


@router.get("/files/{file_id}")
async def show_file(call: CallDep, file_id: str) -> dict[str, Any]:
    """Show a file."""
    return {"data": call.includes(FILE_INCLUDES).file(call.state.file(file_id))}


@router.get("/files/{file_id}/status")
async def show_upload_status(call: CallDep, file_id: str) -> dict[str, Any]:
    """Show how far an upload is."""
    return {"data": call.includes(frozenset()).upload_status(call.state.file(file_id))}


@router.patch("/files/{file_id}")
async def rename_file(call: CallDep, file_id: str, body: Body[NameParams]) -> dict[str, Any]:
    """Rename a file; nothing else of it can be changed."""
    file = call.state.file(file_id)
    file.name = body.data.name or file.name
    file.updated_at = call.world.clock.now()
    file_happens(call.world, "file.updated", file, user=call.user)
    return {"data": call.includes(frozenset()).file(file)}


@router.patch("/files/{file_id}/move")
async def move_file(call: CallDep, file_id: str, body: Body[MoveParams]) -> dict[str, Any]:
    """Move a file to another folder, or into a stack as its newest version."""
    file = call.state.file(file_id)
    target = call.state.assets.get(body.data.parent_id)
    if target is None or target.project_id != file.project_id:
        raise Refusal(404)
    if isinstance(target, StoredFile):
        raise Refusal(422)
    if isinstance(target, StoredStack):
        move_into_stack(call.world, file, target, user=call.user)
    else:
        call.state.move_asset(file, target.id)
        file_happens(call.world, "file.updated", file, user=call.user)
    return {"data": call.includes(frozenset()).file(file)}


@router.delete("/files/{file_id}", status_code=204)
async def delete_file(call: CallDep, file_id: str) -> Response:
    """Delete a file."""
    remove_file(call.world, call.state.file(file_id), user=call.user)
    return Response(status_code=204)


async def _create_local(
    call: Call, folder_id: str, *, name: str, size: int, media_type: str | None = None
) -> dict[str, Any]:
    folder = call.state.folder(folder_id)
    file = create_file(call.world, folder, name=name, file_size=size, creator=call.user)
    file.media_type = media_type or file.media_type
    early = call.world.faults.for_file(name, frozenset({FaultKind.EARLY_WEBHOOK}))
    if early:
        await call.world.deliveries.flush_and_wait()
    rendering = call.includes(frozenset())
    return {"data": rendering.file(file) | {"upload_urls": rendering.upload_urls(file)}}


def _create_remote(call: Call, folder_id: str, name: str, source_url: str) -> dict[str, Any]:
    folder = call.state.folder(folder_id)
    file = create_file(call.world, folder, name=name, file_size=0, creator=call.user)
    call.world.spawn(fetch_remote(call.world, file, source_url))
    status = f"/v4/accounts/{ACCOUNT_ID}/files/{file.id}/status"
    return {"data": call.includes(frozenset()).file(file), "links": {"status": status}}
