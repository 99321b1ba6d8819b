"""What was known about a version at a moment: comments, rulings, and second opinions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from postflow.domain.standing import ReviewStatus
from postflow.store.comments import hash_text, load_comments
from postflow.store.decisions import load_rulings
from postflow.store.opinions import find_opinions
from postflow.store.tables import (
    AnalysisRow,
    CommentRevisionRow,
    CommentRow,
    OpinionRow,
    RulingRow,
    VersionRow,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What a decision at that moment could rest on."""

    comments: Sequence[CommentRow]
    rulings: Sequence[RulingRow]
    suggestions: Mapping[str, str]
    """What a second opinion suggested about a comment, by comment id."""


def load_known(session: Session, version: VersionRow, *, at: datetime | None) -> Known:
    """Return what is known now, or was known at `at`; changes nothing."""
    rulings = load_rulings(session, version.upload_id, version.version)
    if at is None:
        comments = load_comments(session, version.upload_id, version.version)
    else:
        comments = _load_comments_then(session, version, at=at)
        rulings = [ruling for ruling in rulings if ruling.seen_at <= at]
    opinions = find_opinions(session, [comment.comment_id for comment in comments])
    return Known(
        comments=comments,
        rulings=rulings,
        suggestions={
            comment.comment_id: _suggest(opinion)
            for comment in comments
            if (opinion := opinions.get((comment.comment_id, hash_text(comment.text))))
            and opinion.verdict == ReviewStatus.APPROVED
            and (at is None or (opinion.answered_at is not None and opinion.answered_at <= at))
        },
    )


def _suggest(opinion: OpinionRow) -> str:
    return f"{opinion.model} reads an approval: {opinion.sentence}; a person decides"


def _load_comments_then(session: Session, version: VersionRow, *, at: datetime) -> list[CommentRow]:
    """Put the comments together as they stood: newest text seen by then, newest verdict on it."""
    rows = session.exec(
        select(CommentRow).where(
            CommentRow.upload_id == version.upload_id, CommentRow.version == version.version
        )
    ).all()
    ids = [row.comment_id for row in rows]
    revisions = _newest_revisions(session, ids, at=at)
    analyses = _newest_analyses(session, ids, at=at)
    found = []
    for row in sorted(rows, key=lambda each: each.written_at):
        revision = revisions.get(row.comment_id)
        if revision is None or revision.deleted:
            continue
        analysis = analyses.get((row.comment_id, hash_text(revision.text)))
        found.append(_rebuild(row, revision, analysis))
    return found


def _rebuild(
    row: CommentRow, revision: CommentRevisionRow, analysis: AnalysisRow | None
) -> CommentRow:
    return CommentRow(
        **row.model_dump(exclude={"text", "edited_at", "verdict", "score", "reason", "deleted_at"}),
        text=revision.text,
        edited_at=revision.at if revision.at > row.written_at else None,
        verdict=analysis.verdict if analysis else ReviewStatus.PENDING,
        score=analysis.score if analysis else 0.0,
        reason=analysis.reason if analysis else "not analysed yet",
    )


def _newest_revisions(
    session: Session, ids: Sequence[str], *, at: datetime
) -> dict[str, CommentRevisionRow]:
    statement = select(CommentRevisionRow).where(
        col(CommentRevisionRow.comment_id).in_(ids), col(CommentRevisionRow.seen_at) <= at
    )
    rows = session.exec(statement.order_by(col(CommentRevisionRow.sequence)))
    return {row.comment_id: row for row in rows}


def _newest_analyses(
    session: Session, ids: Sequence[str], *, at: datetime
) -> dict[tuple[str, str], AnalysisRow]:
    statement = select(AnalysisRow).where(
        col(AnalysisRow.comment_id).in_(ids), col(AnalysisRow.at) <= at
    )
    rows = session.exec(statement.order_by(col(AnalysisRow.id)))
    return {(row.comment_id, row.text_sha256): row for row in rows}
