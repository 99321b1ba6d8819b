"""Comments. Replies are shown but cannot be made: V4 has no operation for it."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, Response
from pydantic import JsonValue

from postflow.simulator.bodies import (
    Body,
    CommentParams,
    CreateCommentParams,
    LinkParams,
    UpdateCommentParams,
)
from postflow.simulator.calling import Call, CallDep
from postflow.simulator.paging import render_page, sort_items
from postflow.simulator.records import StoredComment, StoredFile
from postflow.simulator.refusals import invalid
from postflow.simulator.reviews import (
    add_comment,
    comment_happens,
    comments_on,
    complete_comment,
    delete_comment,
)

router = APIRouter(prefix="/v4/accounts/{account_id}")

_INCLUDES = frozenset({"owner", "replies"})
_TIMECODE = re.compile(r"(\d+):(\d{2}):(\d{2})[:;](\d{2})")
_SORTS = {
    "created_at": lambda each: each.created_at,
    "completed_at": lambda each: (each.completed_at is not None, each.completed_at),
    "owner": lambda each: (each.owner.name or each.owner.email).casefold(),
}


@router.get("/files/{file_id}/comments")
async def list_comments(call: CallDep, file_id: str) -> dict[str, Any]:
    """List the comments of a file, oldest first unless sorted."""
    rendering, query = call.includes(_INCLUDES), call.request.query_params
    if query.get("sort", "").startswith("owner_") and "owner" not in rendering.include:
        raise invalid("Sorting by owner needs include=owner", pointer="/sort")
    found = sort_items(call.request, comments_on(call.world, call.state.file(file_id)), _SORTS)
    timecode = call.flag("timestamp_as_timecode")
    return render_page(
        call.request, found, lambda comment: rendering.comment(comment, timecode=timecode)
    )


@router.post("/files/{file_id}/comments", status_code=201)
async def create_comment(
    call: CallDep, file_id: str, body: Body[CreateCommentParams]
) -> dict[str, Any]:
    """Comment as the user of the token."""
    file, params = call.state.file(file_id), body.data
    frame = _check_place(call, file, params)
    comment = add_comment(
        call.world, file, text=params.text, owner=call.user, frame=frame, duration=params.duration
    )
    _apply(comment, params)
    if params.completed:
        complete_comment(call.world, comment, completed=True, user=call.user)
    return _shown(call, comment)


@router.get("/comments/{comment_id}")
async def show_comment(call: CallDep, comment_id: str) -> dict[str, Any]:
    """Show a comment or a reply."""
    comment = call.state.comment(comment_id)
    timecode = call.flag("timestamp_as_timecode")
    return {"data": call.includes(_INCLUDES).comment(comment, timecode=timecode)}


@router.patch("/comments/{comment_id}")
async def update_comment(
    call: CallDep, comment_id: str, body: Body[UpdateCommentParams]
) -> dict[str, Any]:
    """Edit a comment, or tick it off."""
    comment, params = call.state.comment(comment_id), body.data
    file = call.state.file(comment.file_id)
    given = params.model_fields_set - {"completed"}
    if given & {"timestamp", "duration", "page"}:
        frame = _check_place(call, file, params, known_frame=comment.frame)
        comment.frame = frame if "timestamp" in given else comment.frame
        comment.duration = params.duration if "duration" in given else comment.duration
    if given:
        now = call.world.clock.now()
        if params.text is not None and params.text != comment.text:
            comment.text, comment.text_edited_at = params.text, now
        _apply(comment, params)
        comment.updated_at = now
        comment_happens(call.world, "comment.updated", comment, user=call.user)
    if params.completed is not None:
        complete_comment(call.world, comment, completed=params.completed, user=call.user)
    return _shown(call, comment)


@router.delete("/comments/{comment_id}", status_code=204)
async def remove_comment(call: CallDep, comment_id: str) -> Response:
    """Delete a comment with its replies."""
    delete_comment(call.world, call.state.comment(comment_id), user=call.user)
    return Response(status_code=204)


def _shown(call: Call, comment: StoredComment) -> dict[str, Any]:
    """Answer a write without owner and replies, whatever was asked."""
    timecode = call.flag("timestamp_as_timecode")
    return {"data": call.includes(frozenset()).comment(comment, timecode=timecode)}


def _check_place(
    call: Call, file: StoredFile, params: CommentParams, *, known_frame: int | None = None
) -> int | None:
    fps = call.world.config.frames_per_second
    frame = read_timestamp(params.timestamp, fps=fps)
    timed = file.media_type.startswith(("video/", "audio/")) or file.media_type.endswith("mxf")
    if frame is not None and not timed:
        raise invalid("Only video and audio files have timestamps", pointer="/data/timestamp")
    if params.duration is not None and frame is None and known_frame is None:
        raise invalid("A duration needs a timestamp", pointer="/data/duration")
    if params.page is not None and file.media_type != "application/pdf":
        raise invalid("Only PDF files have pages", pointer="/data/page")
    return frame


def read_timestamp(timestamp: int | str | None, *, fps: int) -> int | None:
    """Read a frame number or a timecode as a frame number."""
    if timestamp is None or isinstance(timestamp, int):
        return timestamp
    found = _TIMECODE.fullmatch(timestamp)
    if found is None:
        raise invalid("Must be a frame number or HH:MM:SS:FF", pointer="/data/timestamp")
    hours, minutes, seconds, frames = map(int, found.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * fps + frames


def _apply(comment: StoredComment, params: CommentParams) -> None:
    given = params.model_fields_set
    if "page" in given:
        comment.page = params.page
    if "annotation" in given:
        comment.annotation = params.annotation
    if "anchor" in given:
        comment.anchor = params.anchor.model_dump() if params.anchor else None
    if "text_review_annotation" in given:
        comment.text_review_annotation = params.text_review_annotation
    if "links" in given:
        comment.links = [_stored_link(comment.text, link) for link in params.links]


def _stored_link(text: str, link: LinkParams) -> JsonValue:
    return {
        "url": link.url,
        "text": text[link.start_index : link.end_index],
        "start_index": link.start_index,
        "end_index": link.end_index,
    }
