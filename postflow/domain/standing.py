"""Many statements into one review status: each person's last decision, one open rejection blocks.

The arithmetic of a review and nothing else: who may speak for what was settled by the caller.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class ReviewStatus(StrEnum):
    """What the reviewers have decided about the current version."""

    PENDING = "pending"
    """Nobody has decided, or the decisions were withdrawn."""
    APPROVED = "approved"
    """Signed off, and nobody's rejection is open."""
    REJECTED = "rejected"
    """At least one rejection is open."""


class DecisionSource(StrEnum):
    """Where a decision came from."""

    COMMENTS = "comments"
    """Read out of what a reviewer wrote."""
    STATUS_FIELD = "status_field"
    """Frame.io's Status field."""
    MANUAL = "manual"
    """A person, through the CLI, the API or the dashboard."""
    SILENCE = "silence"
    """Nobody, until the deadline; only where `review.on_timeout` makes something of that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """One thing said about one version, already understood.

    `whole` statements (the Status field, decisions by hand) replace every decision before them.
    `counts` is False for people who decide nothing by what they say, such as editors;
    `may_approve` is False for people whose yes only takes their own no back.
    """

    who: str
    said: ReviewStatus
    at: datetime
    source: DecisionSource
    key: str
    """Breaks ties between statements of one instant: the comment id, or what is like it."""
    whole: bool = False
    known: bool = True
    """Whether it is known who said it; if not, it can make the review less approved, never more."""
    counts: bool = True
    may_approve: bool = True
    comment_id: str | None = None
    score: float | None = None
    reason: str = ""
    display_name: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """The outcome of a review and why: `deciding` is the statement that made it, if one did."""

    status: ReviewStatus
    deciding: Statement | None = None
    standings: tuple[Statement, ...] = field(default=())
    """Each person's decision in force, oldest first."""
    note: str = ""
    """Why it is not what the statements alone would make it, for example a missing quorum."""

    @property
    def open_rejections(self) -> tuple[Statement, ...]:
        """Who must be satisfied before this can be approved."""
        return tuple(s for s in self.standings if s.said is ReviewStatus.REJECTED)


# At one instant the order is unknown, so the less approving reading comes last and wins.
_DOUBT = {ReviewStatus.APPROVED: 0, ReviewStatus.PENDING: 1, ReviewStatus.REJECTED: 2}


def decide_review(statements: Iterable[Statement], *, quorum: int = 1) -> Review:
    """Return the review status that all statements about one version make together.

    The order of `statements` does not matter. Pending comments neither give nor take a decision;
    a pending statement about the whole (Status back to "Needs Review", a reopen) clears them all.
    """
    in_force: dict[str, Statement] = {}
    cleared_by: Statement | None = None
    for statement in sorted(statements, key=_order):
        if not statement.counts or _is_idle(statement):
            continue
        if statement.whole:
            in_force = _kept_by(statement, in_force)
            cleared_by = statement if statement.said is ReviewStatus.PENDING else None
        if statement.said is not ReviewStatus.PENDING:
            in_force = _without_silence(in_force)
            in_force.pop(statement.who, None)
            in_force[statement.who] = statement
    return _sum_up(tuple(in_force.values()), cleared_by=cleared_by, quorum=quorum)


def _order(statement: Statement) -> tuple[datetime, bool, int, str, str]:
    is_word = statement.source is not DecisionSource.SILENCE  # of one instant, words come after
    return statement.at, is_word, _DOUBT[statement.said], statement.key, statement.who


def _without_silence(in_force: dict[str, Statement]) -> dict[str, Statement]:
    """Return what people have said: the first one to speak ends the silence."""
    return {w: s for w, s in in_force.items() if s.source is not DecisionSource.SILENCE}


def _is_idle(statement: Statement) -> bool:
    """Whether it is an approval of the whole by somebody who cannot give one."""
    allowed = statement.known and statement.may_approve
    return statement.whole and statement.said is ReviewStatus.APPROVED and not allowed


def _kept_by(whole: Statement, in_force: dict[str, Statement]) -> dict[str, Statement]:
    """Return the decisions that a word about the whole leaves standing.

    Only somebody who could approve in their place takes other people's rejections away.
    """
    if whole.known and whole.may_approve:
        return {}
    own = whole.who if whole.known else None
    return {who: s for who, s in in_force.items() if s.said is ReviewStatus.REJECTED and who != own}


def _sum_up(
    standings: tuple[Statement, ...], *, cleared_by: Statement | None, quorum: int
) -> Review:
    rejections = [s for s in standings if s.said is ReviewStatus.REJECTED]
    approvals = [s for s in standings if s.said is ReviewStatus.APPROVED and s.may_approve]
    if rejections:
        return Review(status=ReviewStatus.REJECTED, deciding=rejections[-1], standings=standings)
    whole = [s for s in approvals if s.whole]
    if whole or len(approvals) >= max(quorum, 1):
        return Review(
            status=ReviewStatus.APPROVED, deciding=(whole or approvals)[-1], standings=standings
        )
    note = f"{len(approvals)} of {quorum} approvals" if approvals else ""
    return Review(status=ReviewStatus.PENDING, deciding=cleared_by, standings=standings, note=note)
