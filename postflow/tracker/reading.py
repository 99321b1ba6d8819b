"""Reading one file's truth from Frame.io: the file, its Status, its comments, as facts of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from postflow.domain.house import HouseRules, judge_comment
from postflow.domain.people import Person
from postflow.domain.uploads import UploadStatus
from postflow.errors import FrameioUnavailableError, NotFoundError
from postflow.frameio.wire import Comment, File, FileStatus, User
from postflow.settings import Settings
from postflow.store.columns import storable
from postflow.store.comments import SeenComment
from postflow.tracker.ports import FrameioReader
from postflow.tracker.status_field import StatusHint


@dataclass(frozen=True, kw_only=True, slots=True)
class FileSeen:
    """A file as Frame.io showed it at one moment, comments and all."""

    file_id: str
    name: str
    project_id: str
    parent_id: str | None = None
    status: UploadStatus
    view_url: str
    media_type: str
    size: int
    uploader: Person | None
    status_value: str | None
    comments: tuple[SeenComment, ...]


async def read_file(
    frameio: FrameioReader,
    file_id: str,
    *,
    settings: Settings,
    load_authors: Callable[[], Awaitable[Mapping[str, Person]]],
) -> FileSeen | None:
    """Return the file with every comment, or None when Frame.io says that it does not exist.

    One file read and one comment list. Replies come without their owner, so a reply that nobody
    has seen yet costs one read more; `load_authors`, who returns whose comments are known, is asked
    only where that matters. Comments are judged by the settings of the file's project.
    Raises FrameioError; a part of the comments is never returned.
    """
    try:
        file, listed = await _fetch_both(frameio, file_id)
    except NotFoundError:
        return None
    own = settings.for_project(file.project_id)
    comments = _unfold(listed)
    lacks_replies = any(top.replies is None for top in listed)
    lacks_owners = any(comment.owner is None for comment in comments.values())
    known_authors = await load_authors() if lacks_replies or lacks_owners else {}
    if lacks_replies:
        comments |= await _ask_for_missing(frameio, known_authors.keys() - comments.keys())
    seen = [
        see_comment(
            comment,
            author=await _find_author(frameio, comment, known_authors),
            house=own.analysis.house,
        )
        for comment in comments.values()
    ]
    return FileSeen(
        file_id=file.id,
        name=file.name,
        project_id=file.project_id,
        parent_id=file.parent_id,
        status=read_upload_status(file),
        view_url=file.view_url,
        media_type=file.media_type,
        size=file.file_size,
        uploader=_read_person(file.creator) if file.creator else None,
        status_value=_read_status_value(file, own.review.status_names.field),
        comments=tuple(seen),
    )


def read_upload_status(file: File) -> UploadStatus:
    """Return how far Frame.io says the file is; a word it may invent later is not ready."""
    if file.status == FileStatus.TRANSCODED:
        return UploadStatus.READY
    if file.status == FileStatus.CREATED:
        return UploadStatus.UPLOADING
    return UploadStatus.UPLOADED


def see_comment(comment: Comment, *, author: Person, house: HouseRules) -> SeenComment:
    """Return the comment with what its text means."""
    judgement = judge_comment(comment.text, house)
    return SeenComment(
        comment_id=comment.id,
        author=author,
        text=comment.text,
        written_at=comment.created_at,
        edited_at=comment.text_edited_at,
        completed_at=comment.completed_at,
        timecode=None if comment.timestamp is None else str(comment.timestamp),
        verdict=judgement.verdict,
        score=judgement.score,
        reason=judgement.reason,
        analyser_version=judgement.version,
        rule=judgement.rule,
        reasons=tuple(
            {
                "words": storable(reason.words),
                "rule": reason.rule,
                "direction": reason.direction,
                "weight": reason.weight,
            }
            for reason in judgement.reasons
        ),
    )


async def read_status_changes(frameio: FrameioReader, file_id: str) -> list[StatusHint]:
    """Return who changed metadata of the file and when, as far as an audit log says it."""
    filters = {"resource_id": file_id, "event_type": "metadata_value_updated"}
    try:
        lines = await frameio.fetch_audit_logs(filters=filters)
    except FrameioUnavailableError:
        return []
    return [
        StatusHint(
            user_id=line.user_id,
            at=datetime.fromisoformat(line.inserted_at).astimezone(UTC),
            email=line.user.email if line.user else None,
            name=(line.user.name or "") if line.user else "",
        )
        for line in lines or ()
    ]


async def _fetch_both(frameio: FrameioReader, file_id: str) -> tuple[File, list[Comment]]:
    """Ask for the file and its comments at the same time."""
    file, listed = await asyncio.gather(
        frameio.fetch_file(file_id, include=("creator", "metadata")),
        frameio.fetch_comments(file_id),
        return_exceptions=True,  # else one would go on when the other has failed
    )
    if isinstance(file, BaseException):
        raise file
    if isinstance(listed, BaseException):
        raise listed
    return file, listed


def _unfold(listed: Sequence[Comment]) -> dict[str, Comment]:
    """Return comments and replies by id; what is listed twice counts once, with its owner."""
    found: dict[str, Comment] = {}
    for top in listed:
        for comment in (top, *(top.replies or ())):
            if comment.id not in found or comment.owner is not None:
                found[comment.id] = comment
    return found


async def _ask_for_missing(frameio: FrameioReader, ids: Iterable[str]) -> dict[str, Comment]:
    """Read comments one by one that a list without replies cannot show: they may be replies."""
    found = {}
    for comment_id in ids:
        with suppress(NotFoundError):
            found[comment_id] = await frameio.fetch_comment(comment_id)
    return found


async def _find_author(
    frameio: FrameioReader, comment: Comment, known: Mapping[str, Person]
) -> Person:
    if comment.owner is not None:
        return _read_person(comment.owner)
    if comment.id in known and not known[comment.id].is_nobody_known:
        return known[comment.id]
    try:
        alone = await frameio.fetch_comment(comment.id)
    except NotFoundError:
        alone = comment
    return _read_person(alone.owner) if alone.owner is not None else Person()


def _read_person(user: User) -> Person:
    return Person(id=user.id, email=user.email, name=user.name or "")


def _read_status_value(file: File, status_field: str) -> str | None:
    for field in file.metadata or ():
        if field.field_definition_name.casefold() == status_field.casefold():
            return next((option.display_name for option in field.selected), None)
    return None
