"""Checking what is only ever added to: chains of decisions, and revisions of comments.

Everything here reads. What is found is one sentence about the first thing that does not fit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from postflow.store.decisions import hash_decision
from postflow.store.tables import (
    CommentRevisionRow,
    CommentRow,
    DecisionRow,
    DeliveryRow,
    UploadRow,
)

_PAGE = 500  # uploads whose decisions are in memory at the same time


@dataclass(frozen=True, kw_only=True, slots=True)
class Chain:
    """All decisions about one upload, oldest first, and what was delivered because of them."""

    upload_id: str
    head_hash: str | None
    decisions: Sequence[DecisionRow]
    deliveries: Sequence[DeliveryRow]


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokenLink:
    """The first place where a record does not fit the rest."""

    sentence: str
    decision_id: int | None = None


def iterate_chains(session: Session, upload_id: str | None = None) -> Iterator[Chain]:
    """Give the chain of every upload, or of one, in constant memory."""
    after = ""
    while True:
        statement = select(UploadRow.upload_id, UploadRow.head_hash)
        if upload_id is not None:
            statement = statement.where(UploadRow.upload_id == upload_id)
        newer = statement.where(col(UploadRow.upload_id) > after)
        page = session.exec(newer.order_by(col(UploadRow.upload_id)).limit(_PAGE)).all()
        if not page:
            return
        after = page[-1][0]
        yield from _load_chains(session, dict(page))


def find_broken_link(chain: Chain) -> BrokenLink | None:
    """Return the first decision that was changed, or before or behind which one is missing."""
    previous = ""
    for row in chain.decisions:
        name = f"Decision {row.id} of {chain.upload_id} ({row.verdict}, {row.decided_at:%F %T} UTC)"
        if row.previous_hash != previous:
            return BrokenLink(
                sentence=f"{name} does not follow the one before it: a decision was removed, "
                "added or changed there.",
                decision_id=row.id,
            )
        if row.hash != hash_decision(row):
            return BrokenLink(
                sentence=f"{name} was changed after it was made: its content does not match its "
                "hash.",
                decision_id=row.id,
            )
        previous = row.hash
    if (chain.head_hash or "") != previous:
        return BrokenLink(
            sentence=f"The newest decision of {chain.upload_id} is not the one that was made last: "
            f"the upload names {_short(chain.head_hash)}, its decisions end with "
            f"{_short(previous)}; one was removed or added at the end."
        )
    return None


def find_orphan(session: Session) -> BrokenLink | None:
    """Return a decision whose upload is gone; no program of ours ever removes one."""
    statement = (
        select(DecisionRow)
        .join(UploadRow, col(UploadRow.upload_id) == col(DecisionRow.upload_id), isouter=True)
        .where(col(UploadRow.upload_id).is_(None))
        .order_by(col(DecisionRow.id))
    )
    row = session.exec(statement.limit(1)).first()
    if row is None:
        return None
    sentence = f"Decision {row.id} is about {row.upload_id}, which was removed from the store."
    return BrokenLink(sentence=sentence, decision_id=row.id)


def find_broken_revision(session: Session, upload_id: str | None = None) -> BrokenLink | None:
    """Return a comment whose revisions have a gap, or do not end with what the comment says."""
    newest = (
        select(
            col(CommentRevisionRow.comment_id),
            func.count().label("count"),
            func.max(col(CommentRevisionRow.sequence)).label("last"),
        )
        .group_by(col(CommentRevisionRow.comment_id))
        .subquery()
    )
    statement = (
        select(CommentRow, newest.c.count, newest.c.last, CommentRevisionRow.text)
        .join(newest, newest.c.comment_id == CommentRow.comment_id, isouter=True)
        .join(
            CommentRevisionRow,
            (col(CommentRevisionRow.comment_id) == col(CommentRow.comment_id))
            & (col(CommentRevisionRow.sequence) == newest.c.last),
            isouter=True,
        )
        .where(
            newest.c.last.is_(None)
            | (newest.c.count != newest.c.last)
            | (col(CommentRevisionRow.text) != col(CommentRow.text))
        )
    )
    if upload_id is not None:
        statement = statement.where(CommentRow.upload_id == upload_id)
    found = session.exec(statement.order_by(col(CommentRow.comment_id)).limit(1)).first()
    if found is None:
        return None
    comment = found[0]
    return BrokenLink(
        sentence=f"The record of what comment {comment.comment_id} of {comment.upload_id} said is "
        "not complete: a revision was removed or changed."
    )


def _load_chains(session: Session, heads: dict[str, str | None]) -> Iterator[Chain]:
    decisions: dict[str, list[DecisionRow]] = defaultdict(list)
    deliveries: dict[str, list[DeliveryRow]] = defaultdict(list)
    of_page = col(DecisionRow.upload_id).in_(heads)
    for row in session.exec(select(DecisionRow).where(of_page).order_by(col(DecisionRow.id))):
        decisions[row.upload_id].append(row)
    delivered = select(DeliveryRow).where(
        col(DeliveryRow.upload_id).in_(heads), col(DeliveryRow.delivered_at).is_not(None)
    )
    for delivery in session.exec(delivered.order_by(col(DeliveryRow.id))):
        deliveries[delivery.upload_id].append(delivery)
    for upload_id, head_hash in heads.items():
        yield Chain(
            upload_id=upload_id,
            head_hash=head_hash,
            decisions=decisions[upload_id],
            deliveries=deliveries[upload_id],
        )
    session.expunge_all()  # a large store must not pile up in memory


def _short(digest: str | None) -> str:
    return digest[:12] if digest else "none"
