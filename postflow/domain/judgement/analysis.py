"""From text to a verdict: reading, rules and model together, and who has the last word.

The model never approves alone: an approval needs its confidence, a sign-off the rules can point
at, and no veto. In doubt the verdict is pending.
"""

from __future__ import annotations

from typing import NamedTuple

from postflow.domain.judgement import tags
from postflow.domain.judgement.clauses import read_clauses, respelt
from postflow.domain.judgement.features import extract_features
from postflow.domain.judgement.findings import Signal
from postflow.domain.judgement.lexicon import load_lexicon
from postflow.domain.judgement.model import Model, Probabilities, load_model
from postflow.domain.judgement.rules import judge_scene
from postflow.domain.judgement.scene import Scene, lay_out
from postflow.domain.judgement.signals import find_signals
from postflow.domain.judgement.text import CleanText
from postflow.domain.judgement.tokens import Token, tokenise
from postflow.domain.judgement.verdicts import Opinion, Rule, Verdict

APPROVAL_THRESHOLD = 0.8
"""Probability from which the model's approval is believed; set by cross-validation."""


class Reading(NamedTuple):
    """A comment as the rules see it, and the features the model gets."""

    scene: Scene
    opinion: Opinion
    features: set[str]


class Judgement(NamedTuple):
    """The verdict, the probabilities behind it, and the rule that explains it."""

    verdict: Verdict
    rule: Rule
    probabilities: Probabilities


def read_comment(tokens: list[Token]) -> Reading:
    """Read tokens with the rules and collect what the model will weigh."""
    scene = lay_out_tokens(tokens)
    opinion = judge_scene(scene)
    words = ["<line>" if token.word == "\n" else token.word for token in tokens]
    return Reading(scene, opinion, extract_features(words, scene, opinion))


def lay_out_tokens(tokens: list[Token]) -> Scene:
    """Cut tokens into clauses and find what they say."""
    reading = read_clauses(tokens, load_lexicon())
    return lay_out(reading, find_signals(reading))


def tokens_of(cleaned: CleanText) -> list[Token]:
    """Cut a cleaned text into tokens, hurried spellings read as what they mean."""
    return respelt(tokenise(cleaned.text))


def decide_verdict(cleaned: CleanText, reading: Reading, *, taught: bool) -> Judgement:
    """Let the model choose, the rules veto, and doubt end in pending.

    `taught` says that the team's own approval words carry the sign-off.
    """
    return decide_by(load_model(), cleaned, reading, taught=taught)


def decide_by(model: Model, cleaned: CleanText, reading: Reading, *, taught: bool) -> Judgement:
    """Decide with a given model; cross-validation brings its own."""
    chances = model.weigh(reading.features)
    veto = _veto(cleaned, reading.scene)
    if veto is None and _is_approved(reading, chances, taught=taught):
        return Judgement(Verdict.APPROVED, _explaining(reading, Verdict.APPROVED), chances)
    if _is_rejected(reading, chances):
        return Judgement(Verdict.REJECTED, _explaining(reading, Verdict.REJECTED), chances)
    rule = veto or _explaining(reading, Verdict.PENDING)
    return Judgement(Verdict.PENDING, rule, chances)


def _is_approved(reading: Reading, chances: Probabilities, *, taught: bool) -> bool:
    if not reading.scene.found(*_APPROVING) or reading.opinion.rule in _DOUBTFUL:
        return False
    if taught and reading.opinion.verdict == Verdict.APPROVED:
        return True
    return chances.approved >= APPROVAL_THRESHOLD


_DOUBTFUL = frozenset(
    [
        Rule.CONDITION,
        Rule.EXCEPTION,
        Rule.OTHER_OBJECT,
        Rule.RETRACTION,
        Rule.THIRD_PARTY,
        Rule.UNCERTAIN,
    ]
)
"""Rules that saw a yes and a reason against it: they veto whatever the model thinks."""
_APPROVING = (Signal.SIGN_OFF, Signal.NO_FAULT, Signal.YES, Signal.PRAISE, Signal.GOOD_EMOJI)


def _is_rejected(reading: Reading, chances: Probabilities) -> bool:
    if not reading.scene.reading.units or reading.scene.everywhere & tags.INJECTION:
        return False
    return chances.rejected >= max(chances.approved, chances.pending)


def _veto(cleaned: CleanText, scene: Scene) -> Rule | None:
    """Say why this text must not approve, whatever its words are."""
    if scene.everywhere & tags.INJECTION:
        return Rule.INJECTION
    if (
        cleaned.too_long
        or cleaned.has_markup
        or cleaned.has_hidden_characters
        or cleaned.has_foreign_script
    ):
        return Rule.UNREADABLE
    return None


def _explaining(reading: Reading, verdict: Verdict) -> Rule:
    if reading.opinion.verdict == verdict:
        return reading.opinion.rule
    if verdict == Verdict.PENDING:
        approving = reading.opinion.verdict == Verdict.APPROVED
        return Rule.IN_DOUBT if approving else Rule.NO_DECISION
    for signal, rule in _SIGNAL_RULES.get(verdict, ()):
        if reading.scene.found(signal):
            return rule
    return Rule.MODEL


_SIGNAL_RULES: dict[Verdict, tuple[tuple[Signal, Rule], ...]] = {
    Verdict.APPROVED: (
        (Signal.SIGN_OFF, Rule.SIGN_OFF),
        (Signal.NO_FAULT, Rule.NO_REMARKS),
        (Signal.YES, Rule.SIGN_OFF),
        (Signal.GOOD_EMOJI, Rule.EMOJI),
        (Signal.PRAISE, Rule.SHORT_VERDICT),
    ),
    Verdict.REJECTED: (
        (Signal.RETRACTION, Rule.RETRACTION),
        (Signal.NEGATED_SIGN_OFF, Rule.NEGATED_SIGN_OFF),
        (Signal.REFUSAL, Rule.REFUSAL),
        (Signal.REQUEST, Rule.REQUEST),
        (Signal.FAULT, Rule.FAULT),
        (Signal.NEED, Rule.NEED),
        (Signal.DISLIKE, Rule.DISLIKE),
        (Signal.SOFT_FAULT, Rule.FAULT),
        (Signal.LACK, Rule.FAULT),
        (Signal.BAD_EMOJI, Rule.EMOJI),
    ),
}
