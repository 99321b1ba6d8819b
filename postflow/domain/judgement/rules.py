"""Weighs what a comment says, the way a producer would: in doubt, it is not approved."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from postflow.domain.judgement import tags
from postflow.domain.judgement.clauses import Clause, Reading
from postflow.domain.judgement.signals import Finding, Signal


class Verdict(StrEnum):
    """What one comment means for the video it was written on."""

    APPROVED = "approved"  # signs off the whole video
    REJECTED = "rejected"  # it cannot go out as it is
    PENDING = "pending"  # everything else


class Rule(StrEnum):
    """Why a comment was read as it was."""

    SIGN_OFF = "sign_off"
    NO_REMARKS = "no_remarks"
    SHORT_VERDICT = "short_verdict"
    EMOJI = "emoji"
    REFUSAL = "refusal"
    NEGATED_SIGN_OFF = "negated_sign_off"
    RETRACTION = "retraction"
    REQUEST = "request"
    FAULT = "fault"
    DISLIKE = "dislike"
    CONDITION = "condition"
    THIRD_PARTY = "third_party"
    QUESTION = "question"
    UNCERTAIN = "uncertain"
    OTHER_OBJECT = "other_object"
    PARTIAL = "partial"
    EDITOR_NEWS = "editor_news"
    DETAIL_PRAISE = "detail_praise"
    WAITING = "waiting"
    QUOTED = "quoted"
    NO_DECISION = "no_decision"


@dataclass(frozen=True, kw_only=True, slots=True)
class Opinion:
    """The rules' answer: a verdict, the rule that gave it, the findings behind it."""

    verdict: Verdict
    rule: Rule
    findings: tuple[Finding, ...]


_YES = frozenset([Signal.SIGN_OFF, Signal.NO_FAULT, Signal.YES])
_OBJECTION = frozenset([Signal.REQUEST, Signal.FAULT, Signal.DISLIKE])


def judge(reading: Reading, findings: list[Finding]) -> Opinion:
    """Answer with the first rule that fits, the costliest mistakes being looked at first."""
    masks = [_mask(clause) for clause in reading.clauses]
    live = [f for f in findings if not _is_waived(f, reading, masks)]
    by_signal: dict[Signal, list[Finding]] = {}
    for finding in live:
        by_signal.setdefault(finding.signal, []).append(finding)
    refused = _refusals(by_signal, reading, masks)
    if refused is not None:
        return refused
    objections = [f for f in live if f.signal in _OBJECTION and not _is_asked_only(f, reading)]
    yes = [f for f in live if f.signal in _YES]
    hard = [f for f in objections if f.signal != Signal.DISLIKE]
    if hard:
        return _opinion(Verdict.REJECTED, Rule(str(hard[0].signal)), hard)
    strong = [f for f in yes if f.signal != Signal.YES]
    if strong:
        return _weigh_yes(strong, reading, masks)
    if objections:
        return _opinion(Verdict.REJECTED, Rule.DISLIKE, objections)
    return _weak(by_signal, reading, masks)


def _refusals(
    by_signal: dict[Signal, list[Finding]], reading: Reading, masks: list[int]
) -> Opinion | None:
    if Signal.RETRACTION in by_signal:
        return _opinion(Verdict.REJECTED, Rule.RETRACTION, by_signal[Signal.RETRACTION])
    for signal, rule in (
        (Signal.REFUSAL, Rule.REFUSAL),
        (Signal.NEGATED_SIGN_OFF, Rule.NEGATED_SIGN_OFF),
        (Signal.NO, Rule.REFUSAL),
    ):
        found = by_signal.get(signal)
        if not found:
            continue
        last = found[-1]
        mask = masks[last.clause]
        if reading.clauses[last.clause].asked:
            continue
        later = [f for f in by_signal.get(Signal.SIGN_OFF, []) if f.clause > last.clause]
        if later and mask & tags.PAST:
            continue
        if mask & tags.WAIT:
            return _opinion(Verdict.PENDING, Rule.WAITING, found)
        if mask & tags.OTHER:
            return _opinion(Verdict.PENDING, Rule.OTHER_OBJECT, found)
        if mask & tags.CONDITION:
            return _opinion(Verdict.PENDING, Rule.UNCERTAIN, found)
        return _opinion(Verdict.REJECTED, rule, found)
    return None


def _weigh_yes(yes: list[Finding], reading: Reading, masks: list[int]) -> Opinion:
    sentences = {reading.clauses[f.clause].sentence for f in yes}
    same = 0
    for clause, mask in zip(reading.clauses, masks, strict=True):
        if clause.sentence in sentences:
            same |= mask
    everywhere = 0
    for mask in masks:
        everywhere |= mask
    if any(reading.clauses[f.clause].asked for f in yes):
        return _opinion(Verdict.PENDING, Rule.QUESTION, yes)
    if same & tags.CONDITION:
        return _opinion(Verdict.PENDING, Rule.CONDITION, yes)
    if same & tags.UNSURE:
        return _opinion(Verdict.PENDING, Rule.UNCERTAIN, yes)
    if everywhere & tags.WAIT:
        return _opinion(Verdict.PENDING, Rule.WAITING, yes)
    if same & tags.EDITOR:
        return _opinion(Verdict.PENDING, Rule.EDITOR_NEWS, yes)
    if same & tags.OTHER:
        return _opinion(Verdict.PENDING, Rule.OTHER_OBJECT, yes)
    for finding in yes:
        mask = masks[finding.clause]
        if finding.signal == Signal.NO_FAULT or not mask & tags.PART or mask & tags.WHOLE:
            rule = Rule.NO_REMARKS if finding.signal == Signal.NO_FAULT else Rule.SIGN_OFF
            return _opinion(Verdict.APPROVED, rule, yes)
    return _opinion(Verdict.PENDING, Rule.PARTIAL, yes)


def _weak(by_signal: dict[Signal, list[Finding]], reading: Reading, masks: list[int]) -> Opinion:
    everywhere = 0
    for mask in masks:
        everywhere |= mask
    if any(clause.asked for clause in reading.clauses):
        return _opinion(Verdict.PENDING, Rule.QUESTION, [])
    praise = by_signal.get(Signal.PRAISE, []) + by_signal.get(Signal.YES, [])
    spoiled = everywhere & (
        tags.PART | tags.WAIT | tags.EDITOR | tags.OTHER | tags.ACK | tags.WIP_PRAISE | tags.UNSURE
    )
    if praise and not spoiled and len(reading.units) <= 4:
        return _opinion(Verdict.APPROVED, Rule.SHORT_VERDICT, praise)
    if praise:
        return _opinion(Verdict.PENDING, Rule.DETAIL_PRAISE, praise)
    return _opinion(Verdict.PENDING, Rule.NO_DECISION, [])


def _is_waived(finding: Finding, reading: Reading, masks: list[int]) -> bool:
    """Remarks that are expressly optional ask for nothing."""
    if finding.signal not in _OBJECTION:
        return False
    sentence = reading.clauses[finding.clause].sentence
    return any(
        mask & tags.OPTIONAL
        for clause, mask in zip(reading.clauses, masks, strict=True)
        if clause.sentence == sentence
    )


def _is_asked_only(finding: Finding, reading: Reading) -> bool:
    return finding.signal != Signal.REQUEST and reading.clauses[finding.clause].asked


def _opinion(verdict: Verdict, rule: Rule, findings: list[Finding]) -> Opinion:
    return Opinion(verdict=verdict, rule=rule, findings=tuple(findings))


def _mask(clause: Clause) -> int:
    mask = 0
    for unit in clause.units:
        mask |= unit.tags
    return mask
