"""What the reviewers of a version want changed, and what they remark while they approve."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from postflow.domain.changes import find_timecodes, has_remarks, say_place
from postflow.domain.people import Person, ReviewRules
from postflow.domain.standing import DecisionSource, ReviewStatus
from postflow.store.comments import load_comments
from postflow.store.decisions import load_rulings
from postflow.store.tables import AnalysisRow, CommentRow, RulingRow, UploadRow, VersionRow
from postflow.store.uploads import load_version
from postflow.store.view_types import ChangeView


def list_changes(
    session: Session,
    upload: UploadRow,
    rules: ReviewRules,
    *,
    version: int | None = None,
    comments: Iterable[CommentRow] | None = None,
) -> list[ChangeView]:
    """Return what is asked for in the given version, else in the current one: who, what, where.

    A change is done when it was ticked off on Frame.io, when the person who asked has approved
    since, or when somebody has approved the whole since and is not in doubt. `comments` are those
    of the version, where the caller has them.
    """
    number = upload.version if version is None else version
    counted = _pick_reviewers(session, upload, rules, version=number, comments=comments)
    uploader_id = _find_uploader(session, upload, version=number)
    is_held = number == upload.version and upload.held_since is not None
    approvals = [
        each.at
        for each in load_rulings(session, upload.upload_id, number)
        if _approves_whole(each, rules, uploader_id=uploader_id) and not is_held
    ]
    whole = max(approvals, default=None)
    return [
        _describe(comment, done=_is_done(comment, counted, whole=whole))
        for comment in counted
        if comment.verdict == ReviewStatus.REJECTED
    ]


def list_open_changes(
    session: Session, upload: UploadRow, rules: ReviewRules, *, version: int
) -> list[ChangeView]:
    """Return what was asked for in a version and is not done."""
    changes = list_changes(session, upload, rules, version=version)
    return [change for change in changes if not change["done"]]


def list_remarks(
    session: Session,
    upload: UploadRow,
    rules: ReviewRules,
    *,
    comments: Iterable[CommentRow] | None = None,
) -> list[ChangeView]:
    """Return what people remarked while they signed the current version off: all of it optional.

    `comments` are those of the version, where the caller has them.
    """
    version = upload.version
    approvals = [
        comment
        for comment in _pick_reviewers(session, upload, rules, version=version, comments=comments)
        if comment.verdict == ReviewStatus.APPROVED
    ]
    wishes = _find_wishes(session, [comment.comment_id for comment in approvals])
    return [
        _describe(comment, done=comment.completed_at is not None)
        for comment in approvals
        if comment.comment_id in wishes or has_remarks(comment.text)
    ]


def author_of(comment: CommentRow) -> Person:
    """Return who wrote the comment."""
    return Person(id=comment.author_id, email=comment.author_email, name=comment.author_name)


def said_at(comment: CommentRow) -> datetime:
    """Return when the comment got the text that it has."""
    return comment.edited_at or comment.written_at


def _pick_reviewers(
    session: Session,
    upload: UploadRow,
    rules: ReviewRules,
    *,
    version: int,
    comments: Iterable[CommentRow] | None,
) -> list[CommentRow]:
    """Return the comments of a version by people whose word counts."""
    uploader_id = _find_uploader(session, upload, version=version)
    if comments is None:
        comments = load_comments(session, upload.upload_id, version)
    return [
        comment
        for comment in comments
        if rules.counts(author_of(comment))
        and not rules.is_editor(author_of(comment), uploader_id=uploader_id)
    ]


def _find_uploader(session: Session, upload: UploadRow, *, version: int) -> str | None:
    if version == upload.version:
        return load_version(session, upload).uploader_id
    return session.exec(
        select(VersionRow.uploader_id).where(
            VersionRow.upload_id == upload.upload_id, VersionRow.version == version
        )
    ).first()


def _describe(comment: CommentRow, *, done: bool) -> ChangeView:
    return ChangeView(
        comment_id=comment.comment_id,
        author=author_of(comment).display_name,
        timecode=comment.timecode,
        timecodes=[each.text for each in find_timecodes(comment.text)],
        where=say_place(comment.timecode, comment.text),
        text=comment.text,
        reason=comment.reason,
        done=done,
    )


def _is_done(
    comment: CommentRow, comments: Iterable[CommentRow], *, whole: datetime | None
) -> bool:
    if comment.completed_at is not None or (whole is not None and whole > said_at(comment)):
        return True
    author = author_of(comment)
    return not author.is_nobody_known and any(
        other.verdict == ReviewStatus.APPROVED
        and author_of(other).key == author.key
        and said_at(other) > said_at(comment)
        for other in comments
    )


def _approves_whole(ruling: RulingRow, rules: ReviewRules, *, uploader_id: str | None) -> bool:
    if ruling.source == DecisionSource.MANUAL:
        return ruling.value == ReviewStatus.APPROVED
    setter = Person(id=ruling.person_id, email=ruling.person_email, name=ruling.person_name)
    may_approve = rules.may_approve(setter) and not rules.is_editor(setter, uploader_id=uploader_id)
    said = ruling.value.strip().lower()
    return ruling.known and may_approve and said in rules.approved_names


def _find_wishes(session: Session, comment_ids: list[str]) -> set[str]:
    """Return those comments in which the analyser saw a request or a fault beside the sign-off."""
    if not comment_ids:
        return set()
    rows = session.exec(_select_analyses(), params={"comment_ids": comment_ids})
    newest = {row.comment_id: row for row in rows}
    return {comment_id for comment_id, row in newest.items() if _has_wish(row.reasons)}


@cache  # made once, see uploads.py
def _select_analyses() -> SelectOfScalar[AnalysisRow]:
    statement = select(AnalysisRow).where(
        col(AnalysisRow.comment_id).in_(bindparam("comment_ids", expanding=True))
    )
    return statement.order_by(col(AnalysisRow.id))


def _has_wish(reasons: Iterable[dict[str, Any]]) -> bool:
    return any(reason.get("direction") == ReviewStatus.REJECTED for reason in reasons)
