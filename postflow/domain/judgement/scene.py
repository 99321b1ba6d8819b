"""A comment laid out for the rules: findings by signal, and which tags stand near them."""

from __future__ import annotations

from dataclasses import dataclass

from postflow.domain.judgement import tags
from postflow.domain.judgement.clauses import Clause, Reading
from postflow.domain.judgement.findings import Finding, Signal
from postflow.domain.judgement.text import word_set

_OBJECTIONS = frozenset(
    [Signal.REQUEST, Signal.NEED, Signal.FAULT, Signal.SOFT_FAULT, Signal.DISLIKE]
)
_CONTENT_KNOWN = (
    tags.APPROVE
    | tags.OKAY
    | tags.PRAISE
    | tags.WHOLE
    | tags.THIRD
    | tags.DELIVER
    | tags.ACK
    | tags.NOTHING_WRONG
    | tags.OPTIONAL
    | tags.FIXED
    | tags.MENTION
    | tags.TIME
    | tags.CONTRAST
    | tags.GOOD_EMOJI
)
_SMALL_WORD = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """What the rules look at; `masks` holds the tags of each clause."""

    reading: Reading
    findings: tuple[Finding, ...]
    by_signal: dict[Signal, list[Finding]]
    masks: tuple[int, ...]
    everywhere: int

    def found(self, *signals: Signal) -> list[Finding]:
        """Give the findings of these signals, in the order they were written."""
        return [finding for finding in self.findings if finding.signal in signals]

    def clause(self, finding: Finding) -> Clause:
        """Give the clause a finding stands in."""
        return self.reading.clauses[finding.clause]

    def sentence_mask(self, finding: Finding) -> int:
        """Give all tags of the sentence a finding stands in."""
        sentence = self.clause(finding).sentence
        mask = 0
        for clause, clause_mask in zip(self.reading.clauses, self.masks, strict=True):
            if clause.sentence == sentence:
                mask |= clause_mask
        return mask

    def objections(self) -> list[Finding]:
        """Give requests and faults that are neither optional, nor over, nor only asked about."""
        return [f for f in self.findings if f.signal in _OBJECTIONS and not self._is_waived(f)]

    def _is_waived(self, finding: Finding) -> bool:
        clause = self.clause(finding)
        if clause.asked and finding.signal not in (Signal.REQUEST, Signal.NEED):
            return True
        mask = self.sentence_mask(finding)
        regretted = self.masks[finding.clause] & tags.REGRET and self.found(Signal.SIGN_OFF)
        if mask & tags.OPTIONAL or regretted:
            return True
        over = self.masks[finding.clause] & (tags.PAST | tags.FIXED)
        return bool(over) and any(
            later.signal in (Signal.SIGN_OFF, Signal.YES, Signal.NO_FAULT)
            and later.clause > finding.clause
            for later in self.findings
        )


def lay_out(reading: Reading, findings: list[Finding]) -> Scene:
    """Group what was found, once, for all rules."""
    by_signal: dict[Signal, list[Finding]] = {}
    for finding in findings:
        by_signal.setdefault(finding.signal, []).append(finding)
    masks = tuple(_mask(clause) for clause in reading.clauses)
    everywhere = 0
    for mask in masks:
        everywhere |= mask
    return Scene(
        reading=reading,
        findings=tuple(findings),
        by_signal=by_signal,
        masks=masks,
        everywhere=everywhere,
    )


def condition_mask(scene: Scene) -> int | None:
    """Give the tags of what a condition asks for, or None when there is no condition."""
    mask: int | None = None
    for clause in scene.reading.clauses:
        if clause.asked:
            continue
        inside = False
        for unit in clause.units:
            if inside:
                mask = (mask or 0) | unit.tags
            elif unit.tags & tags.CONDITION and not unit.quoted:
                inside = True
                mask = (mask or 0) | (unit.tags & ~tags.CONDITION)
    return mask


def foreign_words(clause: Clause) -> int:
    """Count the words of a clause that a sign-off does not usually hold."""
    return sum(
        1
        for unit in clause.units
        if not unit.tags & _CONTENT_KNOWN and len(unit.text) > _SMALL_WORD
    )


def is_about_a_part(clause: Clause, finding: Finding) -> bool:
    """Tell whether a sign-off is about a part: "music approved", "yes to the intro"."""
    if any(unit.tags & tags.WHOLE for unit in clause.units):
        return False
    previous = ""
    for unit in clause.units:
        if unit.start > finding.end + NEAR:
            return False
        if unit.tags & tags.PART and previous not in _CIRCUMSTANCE:
            return True
        if unit.text not in _ARTICLES:
            previous = unit.text
    return False


NEAR = 20
"""Characters after a sign-off in which its object may follow."""
_CIRCUMSTANCE = word_set("with avec mit con in at dans by par durch")
_ARTICLES = word_set("the a le la les l' un une der die das el il new nouvel nouveau nouvelle")


def is_under_a_heading(scene: Scene, finding: Finding) -> bool:
    """Tell whether a sign-off stands under the name of a part: "Sound: no notes"."""
    if finding.clause == 0:
        return False
    heading = scene.reading.clauses[finding.clause - 1]
    if heading.sentence != scene.clause(finding).sentence:
        return False
    named = [unit for unit in heading.units if unit.text not in _HEADING_WORDS]
    return len(named) == 1 and bool(named[0].tags & tags.PART)


_HEADING_WORDS = word_set(
    "cote niveau question quant au a la le les l' du de pour sur on the side for as regarding "
    "concernant about in terms of partie part der die das beim fur con por"
)


def _mask(clause: Clause) -> int:
    mask = 0
    for unit in clause.units:
        mask |= unit.tags
    return mask
