"""Control routes that only look: state, deliveries, calls."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from fastapi import APIRouter

from postflow.frameio.wire import User, render_time
from postflow.simulator.calling import WorldDep
from postflow.simulator.deliveries import Delivery
from postflow.simulator.records import (
    Happening,
    StoredComment,
    StoredFile,
    StoredFolder,
    StoredStack,
)
from postflow.simulator.state import ACCOUNT_ID, STATUS_FIELD_ID
from postflow.simulator.world import World

router = APIRouter(prefix="/_sim")


@router.get("/state")
async def show_state(world: WorldDep) -> dict[str, Any]:
    """Show everything there is, secrets included: it is a simulator."""
    state = world.state
    return {
        "account_id": ACCOUNT_ID,
        "workspaces": [{"id": each.id, "name": each.name} for each in state.workspaces.values()],
        "projects": [
            {
                "id": each.id,
                "name": each.name,
                "workspace_id": each.workspace_id,
                "root_folder_id": each.root_folder_id,
            }
            for each in state.projects.values()
        ],
        "folders": [
            {"id": each.id, "name": each.name, "parent_id": each.parent_id}
            for each in state.assets.values()
            if isinstance(each, StoredFolder)
        ],
        "version_stacks": [
            {"id": each.id, "name": each.name, "file_ids": state.children[each.id]}
            for each in state.assets.values()
            if isinstance(each, StoredStack)
        ],
        "files": [describe_file(world, each) for each in state.files()],
        "comments": [describe_comment(each) for each in state.comments.values()],
        "users": [describe_user(each) for each in world.people.everybody()],
        "webhooks": [
            {
                "id": each.id,
                "url": each.url,
                "events": each.events,
                "active": each.active,
                "secret": each.secret,
            }
            for each in state.webhooks.values()
        ],
        "faults": world.faults.listed(),
        "complaints": world.complaints,
        "stories_playing": world.stories_playing,
    }


@router.get("/files/{file}")
async def show_file(world: WorldDep, file: str) -> dict[str, Any]:
    """Show one file, given by id or name."""
    return describe_file(world, world.state.file_called(file))


@router.get("/history")
async def show_history(world: WorldDep) -> dict[str, Any]:
    """Show everything that happened, oldest first, with what people wrote and set."""
    return {"history": [describe_happening(each) for each in world.state.history]}


@router.get("/deliveries")
async def list_deliveries(
    world: WorldDep, event: str = "*", resource_id: str | None = None
) -> dict[str, Any]:
    """Show the delivery log, oldest first; `unsettled` is 0 when nothing is left to send."""
    return {
        "unsettled": world.deliveries.unsettled,
        "deliveries": [
            describe_delivery(each)
            for each in world.deliveries.log
            if fnmatchcase(each.event, event) and resource_id in (None, each.resource_id)
        ],
    }


@router.get("/calls")
async def list_calls(world: WorldDep, method: str = "*", path: str = "*") -> dict[str, Any]:
    """Show the calls of the API, oldest first; `path` is a shell pattern."""
    found = [
        {
            "at": render_time(each.at),
            "method": each.method,
            "path": each.path,
            "query": each.query,
            "caller": each.caller,
            "status": each.status,
        }
        for each in world.calls
        if fnmatchcase(each.method, method) and fnmatchcase(each.path, path)
    ]
    return {"count": len(found), "calls": found}


def describe_file(world: World, file: StoredFile) -> dict[str, Any]:
    """Describe a file in the words of the control routes."""
    chosen = file.values.get(STATUS_FIELD_ID)
    options = world.state.fields[STATUS_FIELD_ID].options
    names = [options[str(each)] for each in chosen] if isinstance(chosen, list) else []
    return {
        "id": file.id,
        "name": file.name,
        "project_id": file.project_id,
        "parent_id": file.parent_id,
        "version": world.state.version_of(file),
        "state": file.status.value,
        "status": names[0] if names else None,
        "file_size": file.file_size,
        "sha256": file.sha256,
        "creator": describe_user(file.creator),
        "created_at": render_time(file.created_at),
        "parts": [
            {"number": part.number, "size": part.size, "arrived_size": part.arrived_size}
            for part in file.parts
        ],
        "upload_failed": file.upload_failed,
        "comments": [
            describe_comment(world.state.comments[each])
            for each in world.state.comments_of.get(file.id, [])
        ],
    }


def describe_comment(comment: StoredComment) -> dict[str, Any]:
    """Describe a comment in the words of the control routes."""
    return {
        "id": comment.id,
        "file_id": comment.file_id,
        "parent_id": comment.parent_id,
        "owner": describe_user(comment.owner),
        "text": comment.text,
        "timestamp": comment.frame,
        "completed": comment.completed_at is not None,
        "created_at": render_time(comment.created_at),
        "updated_at": render_time(comment.updated_at),
    }


def describe_happening(happening: Happening) -> dict[str, Any]:
    """Describe what happened in the words of the control routes."""
    return {
        "at": render_time(happening.at),
        "type": happening.type,
        "resource_id": happening.resource_id,
        "file_id": happening.file_id,
        "user": describe_user(happening.user),
        "said": happening.said,
    }


def describe_user(user: User) -> dict[str, Any]:
    """Describe a person; a guest has no id."""
    return {"id": user.id, "name": user.name, "email": user.email}


def describe_delivery(delivery: Delivery) -> dict[str, Any]:
    """Describe a delivery with its attempts."""
    return {
        "id": delivery.id,
        "number": delivery.number,
        "webhook_id": delivery.webhook.id,
        "url": delivery.webhook.url,
        "event": delivery.event,
        "resource_id": delivery.resource_id,
        "state": delivery.state.value,
        "copy_of": delivery.copy_of,
        "faults": [fault.kind.value for fault in delivery.faults],
        "body": delivery.body.decode(),
        "attempts": [
            {
                "at": render_time(attempt.at),
                "timestamp": attempt.timestamp,
                "signature": attempt.signature,
                "seconds": round(attempt.seconds, 4),
                "status": attempt.status,
                "error": attempt.error,
            }
            for attempt in delivery.attempts
        ],
    }
