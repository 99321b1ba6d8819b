"""Where an event leads, as far as the store alone can tell; asks nobody."""

from __future__ import annotations

from typing import NamedTuple

from sqlmodel import Session

from postflow.store.foreign import (
    DELETED_UNREAD,
    NO_REVIEW,
    UNTRACKED_FILE,
    UNTRACKED_PROJECT,
)
from postflow.store.inbox import SELF_TEST
from postflow.store.tables import CommentRow, EventRow
from postflow.store.uploads import find_version, has_unattached, is_project_tracked

UNTRACKED_COMMENT = "a comment on a file that PostFlow does not track"


class Route(NamedTuple):
    """To a file of ours, to a question for Frame.io, or nowhere, which `note` explains."""

    file_id: str | None = None
    ask_comment: str | None = None
    ask_file: str | None = None
    ask_stack: str | None = None
    note: str = ""

    @property
    def is_question(self) -> bool:
        """Whether only Frame.io can tell where it leads."""
        return any((self.ask_comment, self.ask_file, self.ask_stack))


def plan_route(session: Session, row: EventRow) -> Route:
    """Return where the event leads."""
    if row.event_type == SELF_TEST:
        return Route(note="PostFlow's own self-test")
    kind = (row.event_type or "").partition(".")[0]
    if row.resource_id is None or kind not in {"file", "comment", "metadata"}:
        return Route(note=NO_REVIEW)
    if kind == "comment":
        return _plan_comment(session, row, row.resource_id)
    if row.event_type == "file.versioned" and find_version(session, row.resource_id) is None:
        return _plan_stack(session, row, row.resource_id)
    return plan_file(session, row.resource_id, project_id=row.project_id, note=UNTRACKED_FILE)


def plan_file(session: Session, file_id: str, *, project_id: str | None, note: str) -> Route:
    """Return where a file leads: it may be the one that a video registered by name waits for."""
    if find_version(session, file_id) is not None:
        return Route(file_id=file_id)
    if has_unattached(session, project_id=project_id):
        return Route(ask_file=file_id)
    return Route(note=note)


def _plan_stack(session: Session, row: EventRow, resource_id: str) -> Route:
    """Return where a new version leads; the event may name its file or its stack."""
    if row.project_id and not is_project_tracked(session, row.project_id):
        return Route(note=UNTRACKED_PROJECT)
    return Route(ask_stack=resource_id)


def _plan_comment(session: Session, row: EventRow, comment_id: str) -> Route:
    known = session.get(CommentRow, comment_id)
    if known is not None:
        return Route(file_id=known.file_id)
    if row.event_type == "comment.deleted":
        return Route(note=DELETED_UNREAD)
    if row.project_id and not is_project_tracked(session, row.project_id):
        return Route(note=UNTRACKED_PROJECT)
    return Route(ask_comment=comment_id)
