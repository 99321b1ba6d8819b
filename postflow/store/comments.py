"""Comments as Frame.io shows them now, everything they ever said, and how it was read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import NamedTuple

from sqlalchemy import bindparam
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from postflow.domain.findings import ChangeKind, Finding
from postflow.domain.people import Person
from postflow.domain.standing import ReviewStatus
from postflow.store.columns import storable
from postflow.store.tables import AnalysisRow, CommentRevisionRow, CommentRow


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenComment:
    """A comment as it was read from Frame.io, and what PostFlow made of its text."""

    comment_id: str
    author: Person
    text: str
    written_at: datetime
    edited_at: datetime | None = None
    completed_at: datetime | None = None
    timecode: str | None = None
    verdict: str
    score: float
    reason: str
    analyser_version: str
    rule: str = ""
    reasons: tuple[Mapping[str, object], ...] = ()


class Applied(NamedTuple):
    """What a complete list of comments made of the stored ones."""

    news: list[Finding]
    """What is new in it."""
    comments: list[CommentRow]
    """What `load_comments` returns from now on for the version."""


def hash_text(text: str) -> str:
    """Return the name under which what was made of this text is kept."""
    return hashlib.sha256(storable(text).encode()).hexdigest()


def load_comments(session: Session, upload_id: str, version: int) -> list[CommentRow]:
    """Return the comments of a version that are not deleted, in the order they were written."""
    asked = {"upload_id": upload_id, "version": version}
    return list(session.exec(_select_standing(), params=asked))


@cache  # made once, see uploads.py
def _select_standing() -> SelectOfScalar[CommentRow]:
    statement = select(CommentRow).where(
        CommentRow.upload_id == bindparam("upload_id"),
        CommentRow.version == bindparam("version"),
        col(CommentRow.deleted_at).is_(None),
    )
    return statement.order_by(col(CommentRow.written_at))


def apply_comments(
    session: Session,
    seen: Sequence[SeenComment],
    *,
    upload_id: str,
    version: int,
    file_id: str,
    now: datetime,
    read_anew: bool = True,
) -> Applied:
    """Make the stored comments of a file equal to the complete list `seen`.

    What is missing from the list was deleted, and stays deleted: Frame.io never reuses an id.
    Only a rejection that is there again counts again, because doubt is never an approval.
    With `read_anew` the verdict of another analyser replaces the one in force, which stays on
    record: nothing that was ever made of a comment is changed or removed.
    """
    asked = {"upload_id": upload_id, "version": version, "file_id": file_id}
    rows = list(session.exec(_select_all(), params=asked))
    known = {row.comment_id: row for row in rows if row.file_id == file_id}
    found: list[Finding] = []
    for comment in seen:
        row = known.pop(comment.comment_id, None)
        found += _compare(row, comment)
        if row is None:
            row = CommentRow(
                comment_id=comment.comment_id,
                upload_id=upload_id,
                version=version,
                file_id=file_id,
                written_at=comment.written_at,
            )
            _update(session, row, comment, now=now, changed=True, is_new=True)
            rows.append(row)
        elif row.deleted_at is None or comment.verdict == ReviewStatus.REJECTED:
            changed = row.deleted_at is not None or _is_changed(row, comment)
            _update(session, row, comment, now=now, changed=changed)
            if not changed and read_anew and row.analyser_version != comment.analyser_version:
                session.add(_judge(row, comment, now=now))
    for row in known.values():
        if row.deleted_at is None:
            row.deleted_at = now
            _add_revision(session, row, at=now, now=now, deleted=True)
            found.append(Finding(kind=ChangeKind.COMMENT_DELETED, resource_id=row.comment_id))
    session.flush()
    mine = [row for row in rows if (row.upload_id, row.version) == (upload_id, version)]
    standing = [row for row in mine if row.deleted_at is None]
    return Applied(found, sorted(standing, key=lambda row: row.written_at))


@cache
def _select_all() -> SelectOfScalar[CommentRow]:
    """Select the comments of a file and of a version, which are nearly always the same."""
    of_version = (col(CommentRow.upload_id) == bindparam("upload_id")) & (
        col(CommentRow.version) == bindparam("version")
    )
    of_file = col(CommentRow.file_id) == bindparam("file_id")
    return select(CommentRow).where(of_file | of_version)


def _update(
    session: Session,
    row: CommentRow,
    seen: SeenComment,
    *,
    now: datetime,
    changed: bool,
    is_new: bool = False,
) -> None:
    row.author_id, row.author_email = seen.author.id, seen.author.email
    row.author_name = storable(seen.author.name)
    row.edited_at, row.completed_at, row.timecode = (
        seen.edited_at,
        seen.completed_at,
        seen.timecode,
    )
    if changed:
        row.deleted_at = None
        row.text = storable(seen.text)
        judged = _judge(row, seen, now=now)
        session.add(row)
        session.flush()  # before the rows that name it
        said_at = seen.edited_at or seen.written_at
        _add_revision(session, row, at=said_at, now=now, is_first=is_new)
        session.add(judged)


def _judge(row: CommentRow, seen: SeenComment, *, now: datetime) -> AnalysisRow:
    """Let a verdict be in force from now on; return the record of it, to be added."""
    row.verdict, row.score, row.reason = seen.verdict, seen.score, storable(seen.reason)
    row.analyser_version = seen.analyser_version
    row.ask_at = now if seen.verdict == ReviewStatus.PENDING else None
    return AnalysisRow(
        comment_id=row.comment_id,
        text_sha256=hash_text(row.text),
        verdict=seen.verdict,
        score=seen.score,
        rule=seen.rule,
        reason=storable(seen.reason),
        reasons=[dict(reason) for reason in seen.reasons],
        analyser_version=seen.analyser_version,
        at=now,
    )


def _compare(row: CommentRow | None, seen: SeenComment) -> list[Finding]:
    """Return what Frame.io should have sent an event about, since the comment was stored."""
    if row is None:
        return [_finding(ChangeKind.COMMENT_CREATED, seen, seen.written_at)]
    if row.deleted_at is not None:
        return []
    found = []
    if _is_changed(row, seen):
        found.append(_finding(ChangeKind.COMMENT_UPDATED, seen, seen.edited_at))
    if row.completed_at is None and seen.completed_at is not None:
        found.append(_finding(ChangeKind.COMMENT_COMPLETED, seen, seen.completed_at))
    if row.completed_at is not None and seen.completed_at is None:
        found.append(_finding(ChangeKind.COMMENT_UNCOMPLETED, seen, None))
    return found


def _finding(kind: ChangeKind, seen: SeenComment, at: datetime | None) -> Finding:
    return Finding(kind=kind, resource_id=seen.comment_id, at=at)


def _is_changed(row: CommentRow, seen: SeenComment) -> bool:
    return (row.text, row.edited_at) != (storable(seen.text), seen.edited_at)


def _add_revision(
    session: Session,
    row: CommentRow,
    *,
    at: datetime,
    now: datetime,
    deleted: bool = False,
    is_first: bool = False,
) -> None:
    session.add(
        CommentRevisionRow(
            comment_id=row.comment_id,
            sequence=1 if is_first else _count_revisions(session, row) + 1,
            text=row.text,
            deleted=deleted,
            at=at,
            seen_at=now,
        )
    )


def _count_revisions(session: Session, row: CommentRow) -> int:
    return session.exec(
        select(func.count()).where(col(CommentRevisionRow.comment_id) == row.comment_id)
    ).one()
