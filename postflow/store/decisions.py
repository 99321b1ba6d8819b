"""Decisions, append-only and hash-chained per upload, and the rulings they may come from.

A ruling is a word about the whole version: the Status field, or a person's decision by hand.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from functools import cache

from sqlalchemy import bindparam
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from postflow.domain.standing import DecisionSource, Review, ReviewStatus
from postflow.store.tables import CommentRow, DecisionRow, RulingRow, UploadRow

_MOMENTS = ("at", "decided_at")
_ALWAYS_HASHED = frozenset(
    {
        *("upload_id", "version", "verdict", "source", "who", "who_key", "comment_id"),
        *("comment_text", "reason", "score", "analyser_version", "previous_hash"),
    }
)
"""The columns of the first schema; a later one counts where it has a value, so that the rows
that were there before it keep their hash."""


def load_rulings(session: Session, upload_id: str, version: int) -> list[RulingRow]:
    """Return every word about the whole version, in the order it was said."""
    asked = {"upload_id": upload_id, "version": version}
    return list(session.exec(_select_rulings(), params=asked))


@cache  # made once, see uploads.py
def _select_rulings() -> SelectOfScalar[RulingRow]:
    statement = select(RulingRow).where(
        RulingRow.upload_id == bindparam("upload_id"), RulingRow.version == bindparam("version")
    )
    return statement.order_by(col(RulingRow.at), col(RulingRow.id))


def load_decisions(session: Session, upload_id: str) -> list[DecisionRow]:
    """Return the upload's decisions in the order they were made."""
    statement = select(DecisionRow).where(DecisionRow.upload_id == upload_id)
    return list(session.exec(statement.order_by(col(DecisionRow.id))))


def was_ever_decided(upload: UploadRow) -> bool:
    """Whether any version of it has a decision; without one nothing was ever delivered, either.

    `upload` must be loaded with `lock` by whoever goes on with the chain.
    """
    return upload.head_hash is not None


def last_decision(
    session: Session, upload_id: str, *, version: int | None = None
) -> DecisionRow | None:
    """Return the newest decision about the upload, or about one version of it."""
    asked: dict[str, object] = {"upload_id": upload_id}
    if version is not None:
        asked["version"] = version
    statement = _select_last_decision(of_version=version is not None)
    return session.exec(statement, params=asked).first()


@cache
def _select_last_decision(*, of_version: bool) -> SelectOfScalar[DecisionRow]:
    statement = select(DecisionRow).where(DecisionRow.upload_id == bindparam("upload_id"))
    if of_version:
        statement = statement.where(DecisionRow.version == bindparam("version"))
    return statement.order_by(col(DecisionRow.id).desc()).limit(1)


def append_decision(
    session: Session, upload: UploadRow, review: Review, *, analyser_version: str, now: datetime
) -> DecisionRow | None:
    """Add the review's outcome to the chain; None when it says nothing new.

    A version that was never decided and is still pending gets no row. `upload` must be loaded with
    `lock`.
    """
    new = _make_row(session, upload, review, analyser_version=analyser_version, now=now)
    previous = last = last_decision(session, upload.upload_id) if was_ever_decided(upload) else None
    if last is not None and last.version != upload.version:
        last = last_decision(session, upload.upload_id, version=upload.version)
    if last is None and new.verdict == ReviewStatus.PENDING and not review.deciding:
        return None
    if last is not None and _meaning(last) == _meaning(new):
        return None
    new.previous_hash = previous.hash if previous else ""
    new.hash = upload.head_hash = hash_decision(new)
    session.add(new)
    session.flush()
    return new


def hash_decision(row: DecisionRow) -> str:
    """Return the sha256 over all that the row says and the hash of the row before it."""
    said = {
        name: value
        for name in sorted(DecisionRow.model_fields)
        if name not in {"id", "hash", *_MOMENTS}
        and ((value := getattr(row, name)) is not None or name in _ALWAYS_HASHED)
    }
    # In one zone: the database gives moments back in UTC, whatever they were given in.
    said |= {name: getattr(row, name).astimezone(UTC).isoformat() for name in _MOMENTS}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _make_row(
    session: Session, upload: UploadRow, review: Review, *, analyser_version: str, now: datetime
) -> DecisionRow:
    why = review.deciding
    comment = session.get(CommentRow, why.comment_id) if why and why.comment_id else None
    return DecisionRow(
        upload_id=upload.upload_id,
        version=upload.version,
        verdict=review.status.value,
        source=(why.source if why else DecisionSource.COMMENTS).value,
        who=why.display_name if why else "",
        who_key=why.who if why else "",
        comment_id=why.comment_id if why else None,
        comment_text=comment.text if comment else None,
        reason=(why.reason if why else "") or review.note or "no decision is in force any more",
        score=why.score if why else None,
        analyser_version=(comment.analyser_version or analyser_version) if comment else None,
        at=why.at if why else now,
        decided_at=now,
    )


def _meaning(row: DecisionRow) -> tuple[object, ...]:
    return (row.verdict, row.source, row.who_key, row.comment_id, row.comment_text, row.reason)
