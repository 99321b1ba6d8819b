"""What a house adds to the reading of comments: its own words, and how sure a verdict must be.

A house can only make an approval harder and a rejection easier: the other way round a doubtful
"yes" would ship a video, and a doubtful "no" would let somebody's earlier "yes" stand.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache

from postflow.domain.comments import (
    ANALYSER_VERSION,
    CommentAnalysis,
    Reason,
    analyze_comment,
    render_reasons,
)
from postflow.domain.judgement.verdicts import Rule
from postflow.domain.standing import ReviewStatus

APPROVE_ABOVE = 0.5
REJECT_BELOW = -0.5
_KEPT = 2000
"""Characters; what was made of a longer text is not kept, so that nobody can fill the memory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HouseRules:
    """A team's words and thresholds."""

    approval: tuple[str, ...] = ()
    rejection: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    approve_above: float = APPROVE_ABOVE
    reject_below: float = REJECT_BELOW

    @property
    def keywords(self) -> dict[str, tuple[str, ...]]:
        """The three lists as `analyze_comment` takes them."""
        return {"approval": self.approval, "rejection": self.rejection, "ignored": self.ignored}

    @property
    def version(self) -> str:
        """Name all that a verdict depends on besides the text: the analyser, and these rules."""
        if self == HouseRules():
            return ANALYSER_VERSION
        lists = [sorted(words) for words in self.keywords.values()]
        said = json.dumps([lists, self.approve_above, self.reject_below])
        return f"{ANALYSER_VERSION}+{hashlib.sha256(said.encode()).hexdigest()[:8]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """The verdict on one comment in this house, why, and the version that made it."""

    verdict: ReviewStatus
    score: float
    rule: str
    reason: str
    reasons: tuple[Reason, ...]
    version: str


def judge_comment(text: str, house: HouseRules) -> Judgement:
    """Read a comment as this house does; whatever the text is, this answers and never raises."""
    # Each look at a file reads all its comments again.
    return _judge_once(text, house) if len(text) <= _KEPT else _judge(text, house)


@lru_cache(maxsize=2000)
def _judge_once(text: str, house: HouseRules) -> Judgement:
    return _judge(text, house)


def _judge(text: str, house: HouseRules) -> Judgement:
    analysis = analyze_comment(text, keywords=house.keywords)
    verdict, rule, reason = _weigh(analysis, house)
    return Judgement(
        verdict=verdict,
        score=analysis.score,
        rule=rule,
        reason=reason,
        reasons=analysis.reasons,
        version=house.version,
    )


def _weigh(analysis: CommentAnalysis, house: HouseRules) -> tuple[ReviewStatus, str, str]:
    verdict, rule = ReviewStatus(analysis.verdict), analysis.reasons[0].rule
    reason = render_reasons(analysis)
    if verdict is ReviewStatus.APPROVED and analysis.score <= house.approve_above:
        doubt = f"its score {analysis.score:+.2f} is not above {house.approve_above:+.2f}"
        told = f"pending: {reason}, but {doubt}, which this house demands"
        return ReviewStatus.PENDING, Rule.IN_DOUBT, told
    if verdict is ReviewStatus.PENDING and analysis.score < house.reject_below:
        why = f"its score {analysis.score:+.2f} is below {house.reject_below:+.2f}"
        told = f"rejected: {why}, which this house takes for a no ({reason})"
        return ReviewStatus.REJECTED, rule, told
    return verdict, rule, reason
