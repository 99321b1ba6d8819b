"""Second opinions: what another model said of a comment, kept beside PostFlow's own verdict."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select

from postflow.domain.standing import ReviewStatus
from postflow.store.columns import storable
from postflow.store.comments import hash_text
from postflow.store.tables import AnalysisRow, CommentRow, OpinionRow, UploadRow

_MOST_WORDS = 300


def list_to_ask(
    session: Session, *, now: datetime, limit: int, lock: bool = False
) -> list[tuple[CommentRow, UploadRow]]:
    """Return pending comments of current versions that a model may be asked about by now.

    With `lock`, those that another replica takes at the same time are left out.
    """
    statement = (
        select(CommentRow, UploadRow)
        .join(UploadRow, col(UploadRow.upload_id) == col(CommentRow.upload_id))
        .where(
            col(CommentRow.ask_at) <= now,
            col(CommentRow.deleted_at).is_(None),
            CommentRow.version == UploadRow.version,
            col(UploadRow.cancelled_at).is_(None),
        )
        .order_by(col(CommentRow.ask_at), col(CommentRow.comment_id))
        .limit(limit)
    )
    if lock:
        statement = statement.with_for_update(skip_locked=True, of=CommentRow)
    return list(session.exec(statement))


def find_opinion(session: Session, comment_id: str, text: str) -> OpinionRow | None:
    """Return the opinion about exactly this text, if a model was asked for one."""
    return session.exec(
        select(OpinionRow).where(
            OpinionRow.comment_id == comment_id, OpinionRow.text_sha256 == hash_text(text)
        )
    ).first()


def find_opinions(
    session: Session, comment_ids: Iterable[str]
) -> dict[tuple[str, str], OpinionRow]:
    """Return every opinion about these comments, by comment and hash of the text."""
    statement = select(OpinionRow).where(col(OpinionRow.comment_id).in_(list(comment_ids)))
    return {(row.comment_id, row.text_sha256): row for row in session.exec(statement)}


def record_answer(
    session: Session,
    comment: CommentRow,
    *,
    model: str,
    verdict: ReviewStatus,
    sentence: str,
    now: datetime,
) -> OpinionRow:
    """Keep what the model said of the comment's text; it is not asked about this text again."""
    row = _note_attempt(session, comment, model=model, now=now)
    row.verdict, row.sentence = verdict, storable(sentence)[:_MOST_WORDS]
    row.answered_at, row.error = now, None
    comment.ask_at = None
    session.flush()
    return row


def record_silence(
    session: Session,
    comment: CommentRow,
    *,
    model: str,
    error: str,
    now: datetime,
    try_at: datetime | None,
) -> None:
    """Keep that no answer could be had, and when to ask again (None: never)."""
    row = _note_attempt(session, comment, model=model, now=now)
    row.error = storable(error)[:_MOST_WORDS]
    comment.ask_at = try_at
    session.flush()


def apply_opinion(
    session: Session, comment: CommentRow, opinion: OpinionRow, *, now: datetime
) -> bool:
    """Let an opinion turn a pending comment into a rejected one; nothing else is ever changed."""
    if comment.verdict != ReviewStatus.PENDING or opinion.verdict != ReviewStatus.REJECTED:
        return False
    comment.verdict = ReviewStatus.REJECTED
    comment.reason = say_opinion(comment.reason, opinion)
    comment.ask_at = None
    session.add(
        AnalysisRow(
            comment_id=comment.comment_id,
            text_sha256=opinion.text_sha256,
            verdict=comment.verdict,
            score=comment.score,
            rule="second_opinion",
            reason=comment.reason,
            reasons=[{"model": opinion.model, "words": opinion.sentence}],
            analyser_version=comment.analyser_version,
            at=now,
        )
    )
    session.flush()
    return True


def reuse_opinions(session: Session, upload_id: str, version: int, *, now: datetime) -> None:
    """Apply what was said of these texts before to comments that were judged anew."""
    pending = session.exec(
        select(CommentRow).where(
            CommentRow.upload_id == upload_id,
            CommentRow.version == version,
            CommentRow.verdict == ReviewStatus.PENDING,
            col(CommentRow.deleted_at).is_(None),
            col(CommentRow.ask_at).is_not(None),
        )
    ).all()
    opinions = find_opinions(session, [comment.comment_id for comment in pending])
    for comment in pending:
        opinion = opinions.get((comment.comment_id, hash_text(comment.text)))
        if opinion is not None and opinion.answered_at is not None:
            comment.ask_at = None
            apply_opinion(session, comment, opinion, now=now)


def say_opinion(reason: str, opinion: OpinionRow) -> str:
    """Return the analyser's reason with the model that disagreed, and its words."""
    return f"rejected by a second opinion of {opinion.model}: {opinion.sentence} ({reason})"


def _note_attempt(
    session: Session, comment: CommentRow, *, model: str, now: datetime
) -> OpinionRow:
    row = find_opinion(session, comment.comment_id, comment.text)
    if row is None:
        row = OpinionRow(
            comment_id=comment.comment_id, text_sha256=hash_text(comment.text), asked_at=now
        )
        session.add(row)
    row.model, row.asked_at = model, now
    row.attempts += 1
    return row
