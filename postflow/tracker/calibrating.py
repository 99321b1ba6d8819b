"""Trying other words or thresholds on everything that is stored, without changing anything.

Each comment is judged anew, each version's review is recomputed, and what would flip is listed
with both reasons. Decisions by hand and by the Status stay as they are: they are what people said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, col, select
from typing_extensions import TypedDict  # pydantic, which has it, reads no other before 3.12

from postflow.domain.house import HouseRules, Judgement, judge_comment
from postflow.domain.standing import Review, ReviewStatus, decide_review
from postflow.settings import Settings
from postflow.store.change_lists import author_of, said_at
from postflow.store.comments import hash_text, load_comments
from postflow.store.decisions import load_rulings
from postflow.store.opinions import find_opinions, say_opinion
from postflow.store.tables import CommentRow, OpinionRow, UploadRow, VersionRow
from postflow.tracker.statements import make_statements


class CommentFlip(TypedDict):
    """A comment that would be read otherwise."""

    upload_id: str
    version: int
    comment_id: str
    who: str
    text: str
    before: str
    before_reason: str
    after: str
    after_reason: str


class VersionFlip(TypedDict):
    """A version whose review would end otherwise."""

    upload_id: str
    version: int
    filename: str
    before: str
    before_reason: str
    after: str
    after_reason: str
    approval: str | None
    """"lost" or "invented"; None where no approval is at stake."""


class Calibration(TypedDict):
    """What another way of reading would change."""

    comments_read: int
    versions_read: int
    comments: list[CommentFlip]
    versions: list[VersionFlip]
    approvals_lost: int
    approvals_invented: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What is tried: other words or thresholds; None leaves a project's own in place."""

    keywords: HouseRules | None = None
    """Only its three lists are read."""
    approve_above: float | None = None
    reject_below: float | None = None
    since: datetime | None = None

    def house(self, own: HouseRules) -> HouseRules:
        """Return the rules of a project under this trial."""
        words = self.keywords or own
        return HouseRules(
            approval=words.approval,
            rejection=words.rejection,
            ignored=words.ignored,
            approve_above=own.approve_above if self.approve_above is None else self.approve_above,
            reject_below=own.reject_below if self.reject_below is None else self.reject_below,
        )


@dataclass(kw_only=True, slots=True)
class _Result:
    comments: list[CommentFlip] = field(default_factory=list)
    versions: list[VersionFlip] = field(default_factory=list)
    comments_read: int = 0
    versions_read: int = 0


def calibrate(session: Session, settings: Settings, trial: Trial) -> Calibration:
    """Judge every stored comment as the trial wants it, and return what would be otherwise."""
    result = _Result()
    for upload, version in _versions(session):
        own = settings.for_project(upload.project_id)
        _try_version(session, version, own=own, trial=trial, result=result)
    at_stake = [flip["approval"] for flip in result.versions]
    return Calibration(
        comments_read=result.comments_read,
        versions_read=result.versions_read,
        comments=result.comments,
        versions=result.versions,
        approvals_lost=at_stake.count("lost"),
        approvals_invented=at_stake.count("invented"),
    )


def _versions(session: Session) -> Iterator[tuple[UploadRow, VersionRow]]:
    """Return every version that somebody has commented on, in the order of uploads."""
    statement = (
        select(UploadRow, VersionRow)
        .join(VersionRow, col(VersionRow.upload_id) == col(UploadRow.upload_id))
        .where(
            select(CommentRow.comment_id)
            .where(
                CommentRow.upload_id == VersionRow.upload_id,
                CommentRow.version == VersionRow.version,
            )
            .exists()
        )
        .order_by(col(UploadRow.created_at), col(UploadRow.upload_id), col(VersionRow.version))
    )
    yield from session.exec(statement).all()


def _try_version(
    session: Session, version: VersionRow, *, own: Settings, trial: Trial, result: _Result
) -> None:
    house = trial.house(own.analysis.house)
    comments = load_comments(session, version.upload_id, version.version)
    opinions = find_opinions(session, [comment.comment_id for comment in comments])
    result.versions_read += 1
    flipped: dict[str, CommentRow] = {}
    for comment in comments:
        if trial.since is not None and said_at(comment) < trial.since:
            continue
        result.comments_read += 1
        opinion = opinions.get((comment.comment_id, hash_text(comment.text)))
        tried = _judge_anew(comment, judge_comment(comment.text, house), opinion)
        if tried is not None:
            flipped[comment.comment_id] = tried
            result.comments.append(_tell_comment(comment, tried))
    if not flipped:
        return
    before = _review(session, version, own, comments)
    anew = [flipped.get(comment.comment_id, comment) for comment in comments]
    after = _review(session, version, own, anew)
    if before.status is not after.status:
        result.versions.append(_tell_version(version, before, after))


def _judge_anew(
    comment: CommentRow, judgement: Judgement, opinion: OpinionRow | None
) -> CommentRow | None:
    """Return the comment as it would stand, or None where its verdict stays as it is.

    A second opinion that it has once had stays.
    """
    verdict, reason = judgement.verdict, judgement.reason
    refused = opinion is not None and opinion.verdict == ReviewStatus.REJECTED
    if verdict is ReviewStatus.PENDING and opinion is not None and refused:
        verdict, reason = ReviewStatus.REJECTED, say_opinion(reason, opinion)
    if verdict == comment.verdict:
        return None
    return CommentRow(
        **comment.model_dump(exclude={"verdict", "score", "reason", "analyser_version"}),
        verdict=verdict,
        score=judgement.score,
        reason=reason,
        analyser_version=judgement.version,
    )


def _review(
    session: Session, version: VersionRow, own: Settings, comments: Sequence[CommentRow]
) -> Review:
    rulings = load_rulings(session, version.upload_id, version.version)
    statements = make_statements(session, version, own, comments=comments, rulings=rulings)
    return decide_review(statements, quorum=own.review.quorum)


def _tell_comment(before: CommentRow, after: CommentRow) -> CommentFlip:
    return CommentFlip(
        upload_id=before.upload_id,
        version=before.version,
        comment_id=before.comment_id,
        who=author_of(before).display_name,
        text=before.text,
        before=before.verdict,
        before_reason=before.reason,
        after=after.verdict,
        after_reason=after.reason,
    )


def _tell_version(version: VersionRow, before: Review, after: Review) -> VersionFlip:
    at_stake = {before.status: "lost", after.status: "invented"}.get(ReviewStatus.APPROVED)
    return VersionFlip(
        upload_id=version.upload_id,
        version=version.version,
        filename=version.filename,
        before=before.status,
        before_reason=_say(before),
        after=after.status,
        after_reason=_say(after),
        approval=at_stake,
    )


def _say(review: Review) -> str:
    if review.deciding is None:
        return review.note or "no decision is in force"
    return f"{review.deciding.display_name}: {review.deciding.reason}"
