"""Folders and what is in them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from postflow.simulator.bodies import Body, NameParams
from postflow.simulator.calling import Call, CallDep
from postflow.simulator.paging import MOST_ASSETS, render_page, sort_items
from postflow.simulator.records import StoredAsset, StoredFile, StoredFolder, StoredStack
from postflow.simulator.refusals import Refusal, invalid
from postflow.simulator.rendering import ASSET_INCLUDES, FILE_INCLUDES
from postflow.simulator.state import fresh_id
from postflow.simulator.uploads import remove_file

router = APIRouter(prefix="/v4/accounts/{account_id}/folders/{folder_id}")

_KINDS = {"file": StoredFile, "folder": StoredFolder, "version_stack": StoredStack}
_FILE_SORTS = {
    "name": lambda each: each.name,
    "created_at": lambda each: each.created_at,
    "updated_at": lambda each: each.updated_at,
    "file_size": lambda each: each.file_size,
}


@router.get("")
async def show_folder(call: CallDep, folder_id: str) -> dict[str, Any]:
    """Show a folder."""
    return {"data": call.includes(ASSET_INCLUDES).folder(call.state.folder(folder_id))}


@router.patch("")
async def rename_folder(call: CallDep, folder_id: str, body: Body[NameParams]) -> dict[str, Any]:
    """Rename a folder."""
    folder = call.state.folder(folder_id)
    folder.name = body.data.name or folder.name
    folder.updated_at = call.world.clock.now()
    _folder_happens(call, "folder.updated", folder)
    return {"data": call.includes(frozenset()).folder(folder)}


@router.delete("", status_code=204)
async def delete_folder(call: CallDep, folder_id: str) -> Response:
    """Delete a folder and everything below it; a root folder stays."""
    folder = call.state.folder(folder_id)
    if folder.parent_id is None:
        raise Refusal(403)
    _remove_tree(call, folder)
    _folder_happens(call, "folder.deleted", folder)
    return Response(status_code=204)


@router.get("/folders")
async def list_folders(call: CallDep, folder_id: str) -> dict[str, Any]:
    """List the folders in a folder."""
    found = _children(call, folder_id, StoredFolder)
    return render_page(call.request, found, call.includes(ASSET_INCLUDES).asset, most=MOST_ASSETS)


@router.post("/folders", status_code=201)
async def create_folder(call: CallDep, folder_id: str, body: Body[NameParams]) -> dict[str, Any]:
    """Make a folder."""
    parent = call.state.folder(folder_id)
    now = call.world.clock.now()
    folder = StoredFolder(
        id=fresh_id(),
        name=body.data.name or "New Folder",
        created_at=now,
        updated_at=now,
        project_id=parent.project_id,
        parent_id=parent.id,
        creator=call.user,
    )
    call.state.add_asset(folder)
    _folder_happens(call, "folder.created", folder)
    return {"data": call.includes(frozenset()).folder(folder)}


@router.get("/children")
async def list_children(call: CallDep, folder_id: str) -> dict[str, Any]:
    """List everything in a folder; a stack hides the files in it."""
    asked = call.request.query_params.get("type")
    kinds = [name for name in (asked or "").split(",") if name]
    if any(name not in _KINDS for name in kinds):
        raise invalid(f"Invalid value for enum: {asked}", pointer="/type")
    wanted = tuple(_KINDS[name] for name in kinds) or (StoredAsset,)
    found = [
        child for child in _children(call, folder_id, StoredAsset) if isinstance(child, wanted)
    ]
    return render_page(call.request, found, call.includes(FILE_INCLUDES).asset, most=MOST_ASSETS)


@router.get("/files")
async def list_files(call: CallDep, folder_id: str) -> dict[str, Any]:
    """List the files in a folder that are in no stack."""
    found = sort_items(call.request, _children(call, folder_id, StoredFile), _FILE_SORTS)
    return render_page(call.request, found, call.includes(FILE_INCLUDES).asset, most=MOST_ASSETS)


@router.get("/version_stacks")
async def list_stacks(call: CallDep, folder_id: str) -> dict[str, Any]:
    """List the version stacks in a folder."""
    found = _children(call, folder_id, StoredStack)
    return render_page(call.request, found, call.includes(FILE_INCLUDES).asset, most=MOST_ASSETS)


def _children(call: Call, folder_id: str, kind: type[StoredAsset]) -> list[StoredAsset]:
    folder = call.state.folder(folder_id)
    found = (call.state.assets[child] for child in call.state.children[folder.id])
    return [child for child in found if isinstance(child, kind)]


def _remove_tree(call: Call, asset: StoredAsset) -> None:
    for child_id in list(call.state.children[asset.id]):
        _remove_tree(call, call.state.assets[child_id])
    if isinstance(asset, StoredFile):
        remove_file(call.world, asset, user=call.user)
    else:
        call.state.remove_asset(asset)


def _folder_happens(call: Call, event: str, folder: StoredFolder) -> None:
    call.world.happen(
        event,
        resource_id=folder.id,
        resource_type="folder",
        user=call.user,
        project_id=folder.project_id,
    )
