"""From text to a verdict: reading, rules and model together, and who has the last word.

An approval needs a lead of the model, the larger the less the rules can point at, and no veto.
In doubt the verdict is pending.
"""

from __future__ import annotations

from typing import NamedTuple

from postflow.domain.judgement import tags
from postflow.domain.judgement.clauses import read_clauses, respelt
from postflow.domain.judgement.features import extract_features
from postflow.domain.judgement.findings import Signal
from postflow.domain.judgement.lexicon import load_lexicon
from postflow.domain.judgement.model import Model, Probabilities, Weighing, load_model
from postflow.domain.judgement.rules import judge_scene
from postflow.domain.judgement.scene import Scene, lay_out
from postflow.domain.judgement.signals import find_signals
from postflow.domain.judgement.text import CleanText
from postflow.domain.judgement.tokens import Token, tokenise
from postflow.domain.judgement.verdicts import Opinion, Rule, Verdict

PLAIN_SIGN_OFF = 0.3
SEEN_BY_RULES = 1.1
SIGNAL_SEEN = 1.5
NOTHING_SEEN = 1.9
DOUBTED_BY_RULES = 1.9
"""How far approval must be ahead of any other verdict, in the logarithm of the odds.

The less the rules see of a sign-off, the surer the model must be; set on files held back.
"""


class Reading(NamedTuple):
    """A comment as the rules see it, and the features the model gets."""

    scene: Scene
    opinion: Opinion
    features: set[str]
    words: int


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
    said = sum(token.kind != "punct" for token in tokens)
    return Reading(scene, opinion, extract_features(words, scene, opinion), said)


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
    weighing = model.weigh(reading.features, words=reading.words)
    chances = weighing.chances
    veto = _veto(cleaned, reading.scene)
    if veto is None and _is_approved(reading, weighing, taught=taught):
        return Judgement(Verdict.APPROVED, _explaining(reading, Verdict.APPROVED), chances)
    if _is_rejected(model, reading, chances):
        return Judgement(Verdict.REJECTED, _explaining(reading, Verdict.REJECTED), chances)
    rule = veto or _explaining(reading, Verdict.PENDING)
    return Judgement(Verdict.PENDING, rule, chances)


def _is_approved(reading: Reading, weighing: Weighing, *, taught: bool) -> bool:
    opinion = reading.opinion
    if opinion.rule in _CONTRADICTED:
        return False
    approving = opinion.verdict == Verdict.APPROVED
    if approving and (taught or _is_one_word(reading)):
        return True
    return weighing.lead >= _needed_lead(reading)


def _needed_lead(reading: Reading) -> float:
    if reading.opinion.verdict == Verdict.APPROVED:
        return PLAIN_SIGN_OFF if _ends_with_plain_sign_off(reading) else SEEN_BY_RULES
    if reading.opinion.rule in _DOUBTFUL:
        return DOUBTED_BY_RULES
    return SIGNAL_SEEN if reading.scene.found(*_APPROVING) else NOTHING_SEEN


def _ends_with_plain_sign_off(reading: Reading) -> bool:
    """Tell whether the last clause is a formal sign-off and not one word more: "… Approved!"."""
    clauses = reading.scene.reading.clauses
    last = len(clauses) - 1
    return len(clauses[last].units) == 1 and any(
        found.signal is Signal.SIGN_OFF and found.clause == last
        for found in reading.opinion.findings
    )


def _is_one_word(reading: Reading) -> bool:
    """Tell whether one known word, phrase or emoji is all: then the lexicon alone decides."""
    units = reading.scene.reading.units
    return len(units) == 1 and bool(units[0].tags)


_CONTRADICTED = frozenset([Rule.EXCEPTION, Rule.RETRACTION])
"""Rules that saw a yes and what takes it back: they veto whatever the model thinks."""
_DOUBTFUL = frozenset([Rule.CONDITION, Rule.OTHER_OBJECT, Rule.THIRD_PARTY, Rule.UNCERTAIN])
"""Rules that saw a yes and a reason to doubt it."""
_APPROVING = (Signal.SIGN_OFF, Signal.NO_FAULT, Signal.YES, Signal.PRAISE, Signal.GOOD_EMOJI)


def _is_rejected(model: Model, reading: Reading, chances: Probabilities) -> bool:
    everywhere = reading.scene.everywhere
    if everywhere & tags.INJECTION or not (everywhere or model.knows(reading.features)):
        return False
    if reading.opinion.verdict == Verdict.REJECTED and _is_one_word(reading):
        return True
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
