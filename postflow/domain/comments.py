"""Reads one review comment and says whether it approves, rejects or leaves the video pending.

Pure and deterministic: the same text, keywords and analyser version give the same analysis.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from postflow.domain.judgement.clauses import read_clauses, respelt
from postflow.domain.judgement.lexicon import load_lexicon
from postflow.domain.judgement.rules import Rule, Verdict, judge
from postflow.domain.judgement.signals import find_signals
from postflow.domain.judgement.text import clean
from postflow.domain.judgement.tokens import tokenise
from postflow.domain.keywords import parse_keywords

__all__ = ["ANALYSER_VERSION", "CommentAnalysis", "Reason", "Rule", "Verdict", "analyze_comment"]

ANALYSER_VERSION = "1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """One observation behind a verdict: the words, the rule, which way it pulls and how much."""

    words: str
    rule: Rule
    direction: Verdict
    weight: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CommentAnalysis:
    """The verdict on one comment, its score, and why."""

    verdict: Verdict
    score: float
    reasons: tuple[Reason, ...]
    version: str = ANALYSER_VERSION


def analyze_comment(
    text: str, *, keywords: Mapping[str, Iterable[str]] | None = None
) -> CommentAnalysis:
    """Judge a comment; whatever the text is, this answers and never raises."""
    parse_keywords(keywords)
    cleaned = clean(text)
    reading = read_clauses(respelt(tokenise(cleaned.text)), load_lexicon())
    opinion = judge(reading, find_signals(reading))
    verdict = opinion.verdict
    blocked = (
        cleaned.too_long
        or cleaned.has_markup
        or cleaned.has_hidden_characters
        or cleaned.has_foreign_script
    )
    if verdict == Verdict.APPROVED and blocked:
        verdict = Verdict.PENDING
    weight = {Verdict.APPROVED: 1.0, Verdict.REJECTED: -1.0, Verdict.PENDING: 0.0}[verdict]
    reasons = tuple(
        Reason(
            words=cleaned.text[finding.start : finding.end],
            rule=opinion.rule,
            direction=verdict,
            weight=weight,
        )
        for finding in opinion.findings
    ) or (Reason(words="", rule=opinion.rule, direction=verdict, weight=0.0),)
    return CommentAnalysis(verdict=verdict, score=weight, reasons=reasons)


def render_reasons(analysis: CommentAnalysis, lang: str = "en") -> str:
    """Say the verdict and why in one sentence."""
    del lang
    first = analysis.reasons[0]
    why = f"'{first.words}' ({first.weight:+.1f})" if first.words else str(first.rule)
    return f"{analysis.verdict}: {why}"
