"""Weighs what a comment says, the way a producer would: in doubt, it is not approved."""

from __future__ import annotations

from collections.abc import Callable

from postflow.domain.judgement import tags
from postflow.domain.judgement.clauses import Reading
from postflow.domain.judgement.findings import Finding, Signal
from postflow.domain.judgement.scene import (
    Scene,
    condition_mask,
    foreign_words,
    is_about_a_part,
    lay_out,
)
from postflow.domain.judgement.verdicts import Opinion, Rule, Verdict

SHORT = 4
"""Units up to which praise without an object is a verdict on the whole."""
FOREIGN_LIMIT = 4
"""Unknown words in a sign-off's clause from which it is probably about something else."""


def judge(reading: Reading, findings: list[Finding]) -> Opinion:
    """Answer with the first rule that fits, the costliest mistakes being looked at first."""
    return judge_scene(lay_out(reading, findings))


def judge_scene(scene: Scene) -> Opinion:
    """Judge a comment that is already laid out."""
    for rule in _RULES:
        opinion = rule(scene)
        if opinion is not None:
            return opinion
    return _pending(Rule.NO_DECISION, [])


def _approved(rule: Rule, findings: list[Finding]) -> Opinion:
    return Opinion(verdict=Verdict.APPROVED, rule=rule, findings=tuple(findings))


def _rejected(rule: Rule, findings: list[Finding]) -> Opinion:
    return Opinion(verdict=Verdict.REJECTED, rule=rule, findings=tuple(findings))


def _pending(rule: Rule, findings: list[Finding]) -> Opinion:
    return Opinion(verdict=Verdict.PENDING, rule=rule, findings=tuple(findings))


def _injection(scene: Scene) -> Opinion | None:
    return _pending(Rule.INJECTION, []) if scene.everywhere & tags.INJECTION else None


def _retraction(scene: Scene) -> Opinion | None:
    found = scene.found(Signal.RETRACTION)
    return _rejected(Rule.RETRACTION, found) if found else None


def _emoji(scene: Scene) -> Opinion | None:
    if any(unit.text[:1].isalpha() for unit in scene.reading.units):
        return None
    bad = scene.found(Signal.BAD_EMOJI)
    if bad:
        return _rejected(Rule.EMOJI, bad)
    good = scene.found(Signal.GOOD_EMOJI)
    if good and not scene.everywhere & (tags.WAIT | tags.UNSURE):
        return _approved(Rule.EMOJI, good)
    return None


def _refusal(scene: Scene) -> Opinion | None:
    found = scene.found(Signal.REFUSAL, Signal.NEGATED_SIGN_OFF, Signal.NO)
    if not found:
        return None
    last = found[-1]
    mask = scene.masks[last.clause]
    later = [f for f in scene.found(Signal.SIGN_OFF, Signal.YES) if f.clause > last.clause]
    if (later and mask & (tags.PAST | tags.FIXED)) or scene.clause(last).asked:
        return None
    doubt = _doubt_of_refusal(scene, last, mask)
    if doubt is not None:
        return _pending(doubt, found)
    named = Rule.REFUSAL if last.signal != Signal.NEGATED_SIGN_OFF else Rule.NEGATED_SIGN_OFF
    return _rejected(named, found)


def _doubt_of_refusal(scene: Scene, last: Finding, mask: int) -> Rule | None:
    sentence = scene.sentence_mask(last)
    if mask & tags.WAIT:
        return Rule.WAITING
    if mask & tags.OTHER and not mask & tags.WHOLE:
        return Rule.OTHER_OBJECT
    if sentence & (tags.UNSURE | tags.CONDITION) and not mask & (tags.FAULT | tags.DEFECT):
        return Rule.UNCERTAIN
    return None


def _conditional_yes(scene: Scene) -> Opinion | None:
    """Read a yes with an if: a change is a rejection, somebody else's word is a wait."""
    yes = scene.found(Signal.SIGN_OFF, Signal.NO_FAULT, Signal.YES)
    wanted = condition_mask(scene)
    if wanted is None:
        return _yes_of_somebody_else(scene, yes)
    if not yes and not scene.everywhere & _ACCEPTING:
        return None
    if wanted & (_DECIDING | tags.REFUSE) and not wanted & _MATERIAL:
        return _pending(Rule.THIRD_PARTY, yes)
    if wanted & (_MATERIAL | tags.CHANGE_WEAK | tags.MORE_LESS | tags.PART | tags.SOFT_FAULT):
        return _rejected(Rule.CONDITION, yes)
    return _pending(Rule.THIRD_PARTY, yes)


_MATERIAL = tags.CHANGED | tags.FAULT | tags.CHANGE
_DECIDING = tags.MENTION | tags.APPROVE_VERB | tags.APPROVE | tags.OKAY
_ACCEPTING = tags.APPROVE | tags.APPROVE_VERB | tags.MENTION | tags.DELIVER | tags.OKAY


def _yes_of_somebody_else(scene: Scene, yes: list[Finding]) -> Opinion | None:
    if yes and scene.everywhere & tags.WAIT and scene.everywhere & (tags.THIRD | tags.MENTION):
        return _pending(Rule.THIRD_PARTY, yes)
    return None


def _solved(scene: Scene) -> Opinion | None:
    """See a fault that is gone, with no verdict on the video."""
    fixed = scene.found(Signal.FIXED)
    if not fixed or scene.found(Signal.SIGN_OFF, Signal.NO_FAULT, Signal.YES):
        return None
    if scene.objections() or scene.everywhere & (tags.CONTRAST | tags.ASK | tags.MUST):
        return None
    return _pending(Rule.SOLVED, fixed)


def _request_for_file(scene: Scene) -> Opinion | None:
    """See a link that does not open or a copy that is wanted: not about the picture."""
    if not scene.everywhere & tags.FILE or scene.found(Signal.SIGN_OFF, Signal.NO_FAULT):
        return None
    if scene.everywhere & tags.GET and not scene.found(Signal.FAULT, Signal.REFUSAL):
        return _pending(Rule.FILE, [])
    return None


def _objection(scene: Scene) -> Opinion | None:
    hard = [f for f in scene.objections() if f.signal in _HARD]
    if not hard or _is_news(scene):
        return None
    return _rejected(_HARD[hard[0].signal], hard)


_HARD = {Signal.REQUEST: Rule.REQUEST, Signal.NEED: Rule.NEED, Signal.FAULT: Rule.FAULT}


def _is_news(scene: Scene) -> bool:
    return bool(scene.everywhere & tags.EDITOR) and not scene.everywhere & (
        tags.MUST | tags.CONTRAST
    )


def _sign_off(scene: Scene) -> Opinion | None:
    yes = scene.found(Signal.SIGN_OFF, Signal.NO_FAULT)
    if not yes:
        return None
    sentence = 0
    for finding in yes:
        sentence |= scene.sentence_mask(finding)
    if any(scene.clause(f).asked for f in yes):
        return _pending(Rule.QUESTION, yes)
    for bits, rule in _DOUBTS:
        if sentence & bits:
            return _pending(rule, yes)
    if all(scene.masks[f.clause] & tags.OTHER for f in yes):
        return _pending(Rule.OTHER_OBJECT, yes)
    if scene.everywhere & tags.WAIT:
        return _pending(Rule.WAITING, yes)
    return _whole_or_part(scene, yes)


_DOUBTS = (
    (tags.UNSURE, Rule.UNCERTAIN),
    (tags.EDITOR, Rule.EDITOR_NEWS),
)


def _whole_or_part(scene: Scene, yes: list[Finding]) -> Opinion:
    for finding in yes:
        if finding.signal == Signal.NO_FAULT:
            return _approved(Rule.NO_REMARKS, yes)
        if is_about_a_part(scene.clause(finding), finding):
            continue
        if foreign_words(scene.clause(finding)) < FOREIGN_LIMIT:
            return _approved(Rule.SIGN_OFF, yes)
    return _pending(Rule.PARTIAL, yes)


def _reported_yes(scene: Scene) -> Opinion | None:
    """See a yes with somebody who says it, or a yes that closes the comment."""
    yes = [f for f in scene.found(Signal.YES) if not scene.clause(f).asked]
    if not yes or scene.everywhere & _SPOILS_YES:
        return None
    for finding in yes:
        mask = scene.masks[finding.clause]
        alone = len(scene.clause(finding).units) <= 2 and finding.clause == len(scene.masks) - 1  # noqa: PLR2004 - "donc oui"
        if mask & tags.THIRD or (
            alone and scene.everywhere & (tags.FIXED | tags.THIRD | tags.WHOLE)
        ):
            return _approved(Rule.SIGN_OFF, yes)
    return None


_SPOILS_YES = tags.WAIT | tags.UNSURE | tags.EDITOR | tags.OTHER | tags.ACK | tags.TIME


def _dislike(scene: Scene) -> Opinion | None:
    found = [f for f in scene.objections() if f.signal == Signal.DISLIKE]
    found += scene.found(Signal.BAD_EMOJI)
    return _rejected(Rule.DISLIKE, found) if found and not _is_news(scene) else None


def _short_verdict(scene: Scene) -> Opinion | None:
    praise = scene.found(Signal.PRAISE, Signal.YES, Signal.GOOD_EMOJI)
    if (
        not praise
        or len(scene.reading.units) > SHORT
        or any(c.asked for c in scene.reading.clauses)
    ):
        return None
    return None if scene.everywhere & _SPOILS_SHORT else _approved(Rule.SHORT_VERDICT, praise)


_SPOILS_SHORT = (
    tags.PART
    | tags.WAIT
    | tags.EDITOR
    | tags.OTHER
    | tags.ACK
    | tags.WIP_PRAISE
    | tags.UNSURE
    | tags.THIRD
    | tags.TIME
    | tags.NEG
)


def _praise_with_fault(scene: Scene) -> Opinion | None:
    """Praise, "but", and something that is not so."""
    praise = scene.found(Signal.PRAISE)
    weak = scene.found(Signal.SOFT_FAULT, Signal.LACK)
    if not weak or any(c.asked for c in scene.reading.clauses):
        return None
    if scene.everywhere & tags.CONTRAST and praise:
        return _rejected(Rule.FAULT, weak)
    soft = [f for f in weak if f.signal == Signal.SOFT_FAULT]
    if soft and not praise and not scene.everywhere & (tags.EDITOR | tags.WAIT):
        return _rejected(Rule.FAULT, soft)
    return None


def _nothing_decided(scene: Scene) -> Opinion | None:
    if any(clause.asked for clause in scene.reading.clauses):
        return _pending(Rule.QUESTION, [])
    for bits, rule in _PENDING_KINDS:
        if scene.everywhere & bits:
            return _pending(rule, scene.found(Signal.PRAISE))
    quoted = scene.found(Signal.QUOTED_SIGN_OFF, Signal.QUOTED_REFUSAL)
    return _pending(Rule.QUOTED, quoted) if quoted else None


_PENDING_KINDS = (
    (tags.EDITOR, Rule.EDITOR_NEWS),
    (tags.WAIT, Rule.WAITING),
    (tags.UNSURE, Rule.UNCERTAIN),
    (tags.PRAISE | tags.WIP_PRAISE, Rule.DETAIL_PRAISE),
)

_RULES: tuple[Callable[[Scene], Opinion | None], ...] = (
    _injection,
    _retraction,
    _emoji,
    _refusal,
    _conditional_yes,
    _request_for_file,
    _solved,
    _objection,
    _sign_off,
    _reported_yes,
    _dislike,
    _short_verdict,
    _praise_with_fault,
    _nothing_decided,
)
