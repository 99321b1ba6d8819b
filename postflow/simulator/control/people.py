"""Control routes that act as people: comment, reply, edit, delete, set Status, add versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from postflow.frameio.wire import User
from postflow.simulator.calling import WorldDep
from postflow.simulator.control.inspection import describe_comment, describe_file
from postflow.simulator.refusals import Refusal
from postflow.simulator.reviews import (
    add_comment,
    add_version,
    complete_comment,
    delete_comment,
    edit_comment,
    folder_of,
    set_status,
)
from postflow.simulator.routes.comments import read_timestamp
from postflow.simulator.uploads import remove_file, store_whole_file
from postflow.simulator.world import World

router = APIRouter(prefix="/_sim")


class Actor(BaseModel):
    """Who acts: a user by `as` (`NAME` or `NAME@domain`), or a guest by email."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    who: str = Field(alias="as", default="reviewer")
    name: str | None = None
    guest: bool = False

    def user(self, world: World) -> User:
        """Find or create that person."""
        if not self.guest:
            return world.people.named(self.who, display_name=self.name)
        email = self.who if "@" in self.who else f"{self.who}@guest.example.com"
        return world.people.guest(name=self.name, email=email)


class Remark(Actor):
    """A comment or a reply; `at` dates it otherwise than now."""

    text: str = Field(min_length=1)
    timestamp: int | str | None = None
    duration: int | None = None
    at: AwareDatetime | None = None


class Change(Actor):
    """Another text for a comment, or its completion."""

    text: str | None = None
    completed: bool | None = None


class StatusChange(Actor):
    """An option of the Status field by its name; null clears the field."""

    status: str | None


class NewVersion(Actor):
    """A version to stack on a file: other bytes under the same or another name."""

    file_name: str | None = None
    content: str | None = None


@router.post("/files/{file}/comments", status_code=201)
async def comment_on_file(world: WorldDep, file: str, remark: Remark) -> dict[str, Any]:
    """Comment on a file, given by id or name."""
    return _add(world, file, remark)


@router.post("/comments/{comment_id}/replies", status_code=201)
async def reply_to_comment(world: WorldDep, comment_id: str, remark: Remark) -> dict[str, Any]:
    """Reply, which the real API cannot do."""
    return _add(world, world.state.comment(comment_id).file_id, remark, reply_to=comment_id)


@router.patch("/comments/{comment_id}")
async def change_comment(world: WorldDep, comment_id: str, change: Change) -> dict[str, Any]:
    """Edit a comment or tick it off; without `as`, as its owner."""
    comment = world.state.comment(comment_id)
    user = change.user(world) if "who" in change.model_fields_set else comment.owner
    if change.text is not None:
        edit_comment(world, comment, text=change.text, user=user)
    if change.completed is not None:
        complete_comment(world, comment, completed=change.completed, user=user)
    return describe_comment(comment)


@router.delete("/comments/{comment_id}", status_code=204)
async def drop_comment(world: WorldDep, comment_id: str) -> Response:
    """Delete a comment, as its owner."""
    comment = world.state.comment(comment_id)
    delete_comment(world, comment, user=comment.owner)
    return Response(status_code=204)


@router.put("/files/{file}/status")
async def change_status(world: WorldDep, file: str, change: StatusChange) -> dict[str, Any]:
    """Set the Status field."""
    found = world.state.file_called(file)
    set_status(world, found, change.status, user=change.user(world))
    return describe_file(world, found)


@router.post("/files/{file}/versions", status_code=201)
async def new_version(world: WorldDep, file: str, version: NewVersion) -> dict[str, Any]:
    """Upload a new version and stack it on the file."""
    old, user = world.state.file_called(file), version.user(world)
    new = store_whole_file(
        world,
        folder_of(world, old),
        name=version.file_name or old.name,
        content=version.content.encode() if version.content else old.original or b"version",
        tail=b"" if version.content else f" v{world.state.version_of(old) + 1}".encode(),
        creator=user,
    )
    add_version(world, old, new, user=user)
    return describe_file(world, new)


@router.delete("/files/{file}", status_code=204)
async def drop_file(world: WorldDep, file: str) -> Response:
    """Delete a file, as its creator."""
    found = world.state.file_called(file)
    remove_file(world, found, user=found.creator)
    return Response(status_code=204)


def _add(world: World, file: str, remark: Remark, reply_to: str | None = None) -> dict[str, Any]:
    at: datetime | None = remark.at
    if remark.guest and remark.who == "reviewer" and remark.name is None:
        raise Refusal(422, "A guest needs an email (`as`) or a name")
    comment = add_comment(
        world,
        world.state.file_called(file),
        text=remark.text,
        owner=remark.user(world),
        frame=read_timestamp(remark.timestamp, fps=world.config.frames_per_second),
        duration=remark.duration,
        reply_to=world.state.comment(reply_to) if reply_to else None,
        at=at,
    )
    return describe_comment(comment)
