"""What people do to a file: comment, edit, complete, delete, set its Status, add a version."""

from __future__ import annotations

from datetime import datetime

from pydantic import JsonValue

from postflow.frameio.wire import User
from postflow.simulator.records import (
    StoredComment,
    StoredField,
    StoredFile,
    StoredFolder,
    StoredStack,
)
from postflow.simulator.refusals import invalid
from postflow.simulator.state import STATUS_FIELD_ID, fresh_id
from postflow.simulator.world import World


def add_comment(
    world: World,
    file: StoredFile,
    *,
    text: str,
    owner: User,
    frame: int | None = None,
    duration: int | None = None,
    reply_to: StoredComment | None = None,
    at: datetime | None = None,
) -> StoredComment:
    """Add a comment or a reply; `at` dates it otherwise than now."""
    now = at or world.clock.now()
    comment = StoredComment(
        id=fresh_id(),
        file_id=file.id,
        parent_id=reply_to.id if reply_to else None,
        owner=owner,
        text=text,
        created_at=now,
        updated_at=now,
        frame=frame,
        duration=duration,
    )
    world.state.comments[comment.id] = comment
    world.state.comments_of[file.id].append(comment.id)
    comment_happens(world, "comment.created", comment, user=owner)
    return comment


def edit_comment(world: World, comment: StoredComment, *, text: str, user: User) -> None:
    """Give a comment another text."""
    now = world.clock.now()
    comment.text = text
    comment.updated_at = comment.text_edited_at = now
    comment_happens(world, "comment.updated", comment, user=user)


def complete_comment(world: World, comment: StoredComment, *, completed: bool, user: User) -> None:
    """Tick a comment off, or back on; nothing happens if it is so already."""
    if completed == (comment.completed_at is not None):
        return
    now = world.clock.now()
    comment.completed_at = now if completed else None
    comment.completer_id = user.id if completed else None
    comment.updated_at = now
    event = "comment.completed" if completed else "comment.uncompleted"
    comment_happens(world, event, comment, user=user)
    if world.config.completion_also_updates:
        comment_happens(world, "comment.updated", comment, user=user)


def delete_comment(world: World, comment: StoredComment, *, user: User) -> None:
    """Delete a comment; its replies go with it, silently."""
    siblings = world.state.comments_of[comment.file_id]
    for gone in [comment, *replies_of(world, comment)]:
        world.state.comments.pop(gone.id, None)
        siblings.remove(gone.id)
    comment_happens(world, "comment.deleted", comment, user=user)


def comments_on(world: World, file: StoredFile) -> list[StoredComment]:
    """List the comments of a file, oldest first, without replies."""
    found = (world.state.comments[each] for each in world.state.comments_of.get(file.id, []))
    return [comment for comment in found if comment.parent_id is None]


def replies_of(world: World, comment: StoredComment) -> list[StoredComment]:
    """List the replies to a comment, oldest first."""
    found = (world.state.comments[each] for each in world.state.comments_of[comment.file_id])
    return [reply for reply in found if reply.parent_id == comment.id]


def comment_happens(world: World, event: str, comment: StoredComment, *, user: User) -> None:
    """Tell that something happened to a comment; the body names the comment, not the file."""
    world.happen(
        event,
        resource_id=comment.id,
        resource_type="comment",
        user=user,
        project_id=world.state.assets[comment.file_id].project_id,
        file_id=comment.file_id,
        said=comment.text,
    )


def set_value(
    world: World, file: StoredFile, field: StoredField, value: JsonValue, *, user: User
) -> None:
    """Set a metadata field; nothing happens if it has the value already."""
    if file.values.get(field.id) == value:
        return
    file.values[field.id] = value
    file.updated_at = world.clock.now()
    world.happen(
        "metadata.value.updated",
        resource_id=file.id,
        resource_type="file",
        user=user,
        project_id=file.project_id,
        file_id=file.id,
        said=render_options(field, value),
    )


def render_options(field: StoredField, value: JsonValue) -> str | None:
    """Name the options that a select field was set to; None for other fields and for no option."""
    chosen = value if isinstance(value, list) else []
    return ", ".join(field.options[str(each)] for each in chosen if each in field.options) or None


def set_status(world: World, file: StoredFile, option: str | None, *, user: User) -> None:
    """Set the Status field by the name of the option; None clears it."""
    field = world.state.fields[STATUS_FIELD_ID]
    if option is None:
        set_value(world, file, field, [], user=user)
        return
    for option_id, name in field.options.items():
        if name.casefold() == option.casefold():
            set_value(world, file, field, [option_id], user=user)
            return
    names = ", ".join(field.options.values())
    raise invalid(f"Status has no option {option!r}; it has {names}", pointer="/status")


def stack_files(
    world: World, folder: StoredFolder, files: list[StoredFile], *, user: User
) -> StoredStack:
    """Make a version stack of files of one folder, oldest first."""
    now = world.clock.now()
    stack = StoredStack(
        id=fresh_id(),
        name=files[-1].name,
        created_at=now,
        updated_at=now,
        project_id=folder.project_id,
        parent_id=folder.id,
        creator=user,
    )
    world.state.add_asset(stack)
    for file in files:
        world.state.move_asset(file, stack.id)
    _version_happens(world, stack, files[-1], user=user)
    return stack


def move_into_stack(world: World, file: StoredFile, stack: StoredStack, *, user: User) -> None:
    """Make a file the newest version of a stack."""
    world.state.move_asset(file, stack.id)
    stack.name = file.name
    stack.updated_at = file.updated_at = world.clock.now()
    _version_happens(world, stack, file, user=user)


def add_version(world: World, old: StoredFile, new: StoredFile, *, user: User) -> StoredStack:
    """Stack a file on another, in its stack if it has one."""
    parent = world.state.assets[old.parent_id or ""]
    if isinstance(parent, StoredStack):
        move_into_stack(world, new, parent, user=user)
        return parent
    return stack_files(world, world.state.folder(parent.id), [old, new], user=user)


def folder_of(world: World, file: StoredFile) -> StoredFolder:
    """Find the folder that holds a file, or its stack."""
    parent = world.state.assets[file.parent_id or ""]
    return world.state.folder(
        parent.parent_id or "" if isinstance(parent, StoredStack) else parent.id
    )


def _version_happens(world: World, stack: StoredStack, file: StoredFile, *, user: User) -> None:
    names_stack = world.config.versioned_resource == "version_stack"
    world.happen(
        "file.versioned",
        resource_id=stack.id if names_stack else file.id,
        resource_type="version_stack" if names_stack else "file",
        user=user,
        project_id=file.project_id,
        file_id=file.id,
    )
