"""Reads one review comment: does it approve the video, reject it, or leave it pending, and why.

Pure and deterministic: the same text, keywords and analyser version give the same analysis.
The meaning of the three verdicts is in docs/judgement.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from postflow.domain.judgement.analysis import Judgement, decide_verdict, read_comment, tokens_of
from postflow.domain.judgement.findings import Signal
from postflow.domain.judgement.model import load_model
from postflow.domain.judgement.scene import Scene
from postflow.domain.judgement.taught import APPROVING, IGNORED, REFUSING, teach
from postflow.domain.judgement.telling import find_telling_words
from postflow.domain.judgement.text import CleanText, clean
from postflow.domain.judgement.tokens import Token
from postflow.domain.judgement.verdicts import Rule, Verdict
from postflow.domain.judgement.wording import RULES, VERDICTS, Language
from postflow.domain.keywords import Keywords, parse_keywords

__all__ = [
    "ANALYSER_VERSION",
    "CommentAnalysis",
    "Reason",
    "Rule",
    "Verdict",
    "analyze_comment",
    "render_reasons",
]

ANALYSER_VERSION = "5"
"""Changes with every change of lexicon, rules or model that can change a verdict."""

APPROVED_ABOVE = 0.5
REJECTED_BELOW = -0.5
_MARGIN = 0.01
_SUREST = 0.99
"""No reading is certain, so that a threshold just below one refuses everything."""
_SHOWN = 3

_WEIGHTS: dict[Signal, float] = {
    Signal.SIGN_OFF: 1.0,
    Signal.NO_FAULT: 0.9,
    Signal.GOOD_EMOJI: 0.9,
    Signal.YES: 0.8,
    Signal.PRAISE: 0.6,
    Signal.RETRACTION: -1.0,
    Signal.NEGATED_SIGN_OFF: -1.0,
    Signal.REFUSAL: -1.0,
    Signal.NO: -0.9,
    Signal.BAD_EMOJI: -0.9,
    Signal.REQUEST: -0.9,
    Signal.FAULT: -0.8,
    Signal.NEED: -0.7,
    Signal.DISLIKE: -0.7,
    Signal.SOFT_FAULT: -0.6,
    Signal.LACK: -0.3,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """One observation: the words as written, the rule, which way it pulls and how much."""

    words: str
    rule: Rule
    direction: Verdict
    weight: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CommentAnalysis:
    """The verdict on one comment, its score in [-1, 1], and why, the decisive reason first."""

    verdict: Verdict
    score: float
    reasons: tuple[Reason, ...]
    version: str = ANALYSER_VERSION


def analyze_comment(
    text: str, *, keywords: Mapping[str, Iterable[str]] | None = None
) -> CommentAnalysis:
    """Judge a comment; whatever the text is, this answers and never raises.

    `keywords` may hold the lists "approval", "rejection" and "ignored"; they match whole words
    and phrases, extend what is known, and "ignored" silences it.
    """
    cleaned = clean(text)
    words = parse_keywords(keywords)
    tokens, taught = _taught(cleaned, words)
    reading = read_comment(tokens)
    judgement = decide_verdict(cleaned, reading, taught=taught)
    return CommentAnalysis(
        verdict=judgement.verdict,
        score=_score(judgement),
        reasons=_reasons(cleaned.text, tokens, reading.scene, judgement),
    )


def render_reasons(analysis: CommentAnalysis, lang: Language = "en") -> str:
    """Say the verdict and why in one sentence, in English or French."""
    verdict = VERDICTS[lang][analysis.verdict]
    first = analysis.reasons[0]
    quoted = ", ".join(
        f"'{reason.words}' ({reason.weight:+.1f})"
        for reason in analysis.reasons[:_SHOWN]
        if reason.words and reason.direction == analysis.verdict
    )
    told = RULES[lang][first.rule]
    if not quoted or analysis.verdict == Verdict.PENDING:
        return f"{verdict}: {told}"
    if analysis.verdict == Verdict.APPROVED:
        return f"{verdict}: {quoted}"
    return f"{verdict}: {told}, {quoted}"


def _taught(cleaned: CleanText, words: Keywords) -> tuple[list[Token], bool]:
    tokens, taught = teach(tokens_of(cleaned), words.approval, APPROVING)
    tokens, _ = teach(tokens, words.rejection, REFUSING)
    tokens, _ = teach(tokens, words.ignored, IGNORED)
    return tokens, taught


def _score(judgement: Judgement) -> float:
    """Place the chances on the guide's scale, so that score and verdict always agree."""
    chances = judgement.probabilities
    if judgement.verdict == Verdict.APPROVED:
        return round(APPROVED_ABOVE + _MARGIN + (0.5 - _MARGIN) * min(chances.approved, _SUREST), 3)
    if judgement.verdict == Verdict.REJECTED:
        return round(REJECTED_BELOW - _MARGIN - (0.5 - _MARGIN) * min(chances.rejected, _SUREST), 3)
    return round((chances.approved - chances.rejected) / 2, 3)


def _reasons(
    text: str, tokens: list[Token], scene: Scene, judgement: Judgement
) -> tuple[Reason, ...]:
    """Give the rule that decided with its words, then what else was seen."""
    seen = [
        Reason(
            words=text[finding.start : finding.end],
            rule=judgement.rule if direction == judgement.verdict else _RULE_OF[finding.signal],
            direction=direction,
            weight=weight,
        )
        for finding in scene.findings
        if (weight := _WEIGHTS.get(finding.signal, 0.0))
        for direction in [Verdict.APPROVED if weight > 0 else Verdict.REJECTED]
    ]
    supporting = [reason for reason in seen if reason.direction == judgement.verdict]
    others = [reason for reason in seen if reason.direction != judgement.verdict]
    supporting.sort(key=lambda reason: -abs(reason.weight))
    if not supporting:
        return (_model_reason(text, tokens, judgement), *others)
    return (*supporting, *others)


def _model_reason(text: str, tokens: list[Token], judgement: Judgement) -> Reason:
    """Name the words that spoke loudest where no rule can point at any."""
    decided = judgement.verdict != Verdict.PENDING
    span = find_telling_words(load_model(), tokens, judgement.verdict) if decided else None
    chances = judgement.probabilities
    chance = chances.approved if judgement.verdict == Verdict.APPROVED else -chances.rejected
    return Reason(
        words=text[span.start : span.end] if span else "",
        rule=judgement.rule,
        direction=judgement.verdict,
        weight=round(chance, 1) if span else 0.0,
    )


_RULE_OF: dict[Signal, Rule] = {
    Signal.SIGN_OFF: Rule.SIGN_OFF,
    Signal.NO_FAULT: Rule.NO_REMARKS,
    Signal.GOOD_EMOJI: Rule.EMOJI,
    Signal.YES: Rule.SIGN_OFF,
    Signal.PRAISE: Rule.DETAIL_PRAISE,
    Signal.RETRACTION: Rule.RETRACTION,
    Signal.NEGATED_SIGN_OFF: Rule.NEGATED_SIGN_OFF,
    Signal.REFUSAL: Rule.REFUSAL,
    Signal.NO: Rule.REFUSAL,
    Signal.BAD_EMOJI: Rule.EMOJI,
    Signal.REQUEST: Rule.REQUEST,
    Signal.FAULT: Rule.FAULT,
    Signal.NEED: Rule.NEED,
    Signal.DISLIKE: Rule.DISLIKE,
    Signal.SOFT_FAULT: Rule.FAULT,
    Signal.LACK: Rule.FAULT,
}
