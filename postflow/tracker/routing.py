"""Where an event leads, as far as the store alone can tell; asks nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import NamedTuple

from sqlalchemy import bindparam
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

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


def plan_routes(session: Session, rows: Sequence[EventRow], *, foreign: bool = True) -> list[Route]:
    """Return where each of the events leads; many cost hardly more than one.

    Without `foreign` none of them is, which `claim_events` has found out.
    """
    ids = {row.resource_id for row in rows if row.resource_id and _kind_of(row) == "comment"}
    known: dict[str, str] = {}
    if ids:
        known = dict(session.exec(_select_files(), params={"ids": ids}).all())
    is_tracked = cache(partial(is_project_tracked, session)) if foreign else lambda _: True
    return [_plan_route(session, row, known, is_tracked) for row in rows]


@cache  # made once: making it costs more than asking
def _select_files() -> Select[str, str]:
    found = select(CommentRow.comment_id, CommentRow.file_id)
    return found.where(col(CommentRow.comment_id).in_(bindparam("ids", expanding=True)))


def plan_route(session: Session, row: EventRow) -> Route:
    """Return where the event leads."""
    (route,) = plan_routes(session, [row])
    return route


def _plan_route(
    session: Session, row: EventRow, known: Mapping[str, str], is_tracked: Callable[[str], bool]
) -> Route:
    kind = _kind_of(row)
    if row.resource_id is None or kind not in {"file", "comment", "metadata"}:
        is_own = row.event_type == SELF_TEST
        return Route(note="PostFlow's own self-test" if is_own else NO_REVIEW)
    if kind == "comment" and row.resource_id in known:
        return Route(file_id=known[row.resource_id])
    if row.event_type == "comment.deleted":
        return Route(note=DELETED_UNREAD)
    is_new_version = (
        row.event_type == "file.versioned" and find_version(session, row.resource_id) is None
    )
    if kind != "comment" and not is_new_version:
        return plan_file(session, row.resource_id, project_id=row.project_id, note=UNTRACKED_FILE)
    if row.project_id and not is_tracked(row.project_id):
        return Route(note=UNTRACKED_PROJECT)
    # The event of a new version may name its file or its stack.
    resource = row.resource_id
    return Route(ask_stack=resource) if is_new_version else Route(ask_comment=resource)


def _kind_of(row: EventRow) -> str:
    return (row.event_type or "").partition(".")[0]


def plan_file(session: Session, file_id: str, *, project_id: str | None, note: str) -> Route:
    """Return where a file leads: it may be the one that a video registered by name waits for."""
    if find_version(session, file_id) is not None:
        return Route(file_id=file_id)
    if has_unattached(session, project_id=project_id):
        return Route(ask_file=file_id)
    return Route(note=note)
