"""Weighs what a comment says, the way a producer would: in doubt, it is not approved."""

from __future__ import annotations

from collections.abc import Callable

from postflow.domain.judgement import tags
from postflow.domain.judgement.clauses import Reading
from postflow.domain.judgement.conditions import conditional_yes, excepting_yes
from postflow.domain.judgement.findings import Finding, Signal
from postflow.domain.judgement.scene import (
    Scene,
    foreign_words,
    is_about_a_part,
    is_under_a_heading,
    lay_out,
)
from postflow.domain.judgement.text import word_set
from postflow.domain.judgement.verdicts import Opinion, Rule, approved, pending, rejected

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
    return pending(Rule.NO_DECISION, [])


def _injection(scene: Scene) -> Opinion | None:
    return pending(Rule.INJECTION, []) if scene.everywhere & tags.INJECTION else None


def _retraction(scene: Scene) -> Opinion | None:
    found = scene.found(Signal.RETRACTION)
    return rejected(Rule.RETRACTION, found) if found else None


def _emoji(scene: Scene) -> Opinion | None:
    if any(unit.text[:1].isalpha() for unit in scene.reading.units):
        return None
    bad = scene.found(Signal.BAD_EMOJI)
    if bad:
        return rejected(Rule.EMOJI, bad)
    good = scene.found(Signal.GOOD_EMOJI)
    if good and not scene.everywhere & (tags.WAIT | tags.UNSURE):
        return approved(Rule.EMOJI, good)
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
        return pending(doubt, found)
    named = Rule.REFUSAL if last.signal != Signal.NEGATED_SIGN_OFF else Rule.NEGATED_SIGN_OFF
    return rejected(named, found)


def _denied_afterwards(scene: Scene) -> Opinion | None:
    """See "LGTM, not." and "Mon accord, jamais.": a lone no after a yes takes it back."""
    yes = scene.found(Signal.SIGN_OFF, Signal.YES)
    last = scene.reading.clauses[-1].units if scene.reading.clauses else ()
    alone = len(last) == 1 and last[0].tags & tags.NEG and not last[0].quoted
    if not yes or not alone or yes[-1].clause == len(scene.masks) - 1:
        return None
    return rejected(Rule.RETRACTION, yes)


def _doubt_of_refusal(scene: Scene, last: Finding, mask: int) -> Rule | None:
    sentence = scene.sentence_mask(last)
    not_yet = last.signal == Signal.NEGATED_SIGN_OFF and any(
        unit.text in _YET for unit in scene.clause(last).units
    )
    if mask & tags.WAIT or (not_yet and not scene.everywhere & (tags.FAULT | tags.DEFECT)):
        return Rule.WAITING
    if mask & tags.OTHER and not mask & tags.WHOLE and last.signal != Signal.NEGATED_SIGN_OFF:
        return Rule.OTHER_OBJECT
    if sentence & (tags.UNSURE | tags.CONDITION) and not mask & (tags.FAULT | tags.DEFECT):
        return Rule.UNCERTAIN
    return None


_YET = word_set("yet encore ancora aun todavia noch")


def _solved(scene: Scene) -> Opinion | None:
    """See a fault that is gone, with no verdict on the video."""
    fixed = scene.found(Signal.FIXED)
    if not fixed or scene.found(Signal.SIGN_OFF, Signal.NO_FAULT, Signal.YES):
        return None
    if scene.objections() or scene.everywhere & (tags.CONTRAST | tags.ASK | tags.MUST):
        return None
    return pending(Rule.SOLVED, fixed)


def _request_for_file(scene: Scene) -> Opinion | None:
    """See a link that does not open or a copy that is wanted: not about the picture."""
    if not scene.everywhere & tags.FILE or scene.found(Signal.SIGN_OFF, Signal.NO_FAULT):
        return None
    if scene.everywhere & tags.GET and not scene.found(Signal.FAULT, Signal.REFUSAL):
        return pending(Rule.FILE, [])
    return None


def _objection(scene: Scene) -> Opinion | None:
    hard = [f for f in scene.objections() if f.signal in _HARD]
    if not hard or _is_news(scene):
        return None
    return rejected(_HARD[hard[0].signal], hard)


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
        return pending(Rule.QUESTION, yes)
    for bits, rule in _DOUBTS:
        if sentence & bits:
            return pending(rule, yes)
    about = scene.masks[yes[0].clause]
    if about & tags.OTHER and not about & tags.WHOLE:
        return pending(Rule.OTHER_OBJECT, yes)
    if scene.everywhere & tags.WAIT:
        return pending(Rule.WAITING, yes)
    return _whole_or_part(scene, yes)


_DOUBTS = (
    (tags.UNSURE, Rule.UNCERTAIN),
    (tags.EDITOR, Rule.EDITOR_NEWS),
)


def _whole_or_part(scene: Scene, yes: list[Finding]) -> Opinion:
    for finding in yes:
        if is_under_a_heading(scene, finding):
            continue
        if is_about_a_part(scene.clause(finding), finding):
            continue
        if finding.signal == Signal.NO_FAULT:
            return approved(Rule.NO_REMARKS, yes)
        if foreign_words(scene.clause(finding)) < FOREIGN_LIMIT:
            return approved(Rule.SIGN_OFF, yes)
    return pending(Rule.PARTIAL, yes)


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
            return approved(Rule.SIGN_OFF, yes)
    return None


_SPOILS_YES = tags.WAIT | tags.UNSURE | tags.EDITOR | tags.OTHER | tags.ACK | tags.TIME


def _dislike(scene: Scene) -> Opinion | None:
    found = [f for f in scene.objections() if f.signal == Signal.DISLIKE]
    found += scene.found(Signal.BAD_EMOJI)
    return rejected(Rule.DISLIKE, found) if found and not _is_news(scene) else None


def _short_verdict(scene: Scene) -> Opinion | None:
    praise = scene.found(Signal.PRAISE, Signal.YES, Signal.GOOD_EMOJI)
    if (
        not praise
        or len(scene.reading.units) > SHORT
        or any(c.asked for c in scene.reading.clauses)
    ):
        return None
    return None if scene.everywhere & _SPOILS_SHORT else approved(Rule.SHORT_VERDICT, praise)


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
    if not weak or scene.everywhere & tags.UNSURE or any(c.asked for c in scene.reading.clauses):
        return None
    if scene.everywhere & tags.CONTRAST and praise:
        return rejected(Rule.FAULT, weak)
    soft = [f for f in weak if f.signal == Signal.SOFT_FAULT]
    if soft and not praise and not scene.everywhere & (tags.EDITOR | tags.WAIT):
        return rejected(Rule.FAULT, soft)
    return None


def _nothing_decided(scene: Scene) -> Opinion | None:
    if any(clause.asked for clause in scene.reading.clauses):
        return pending(Rule.QUESTION, [])
    for bits, rule in _PENDING_KINDS:
        if scene.everywhere & bits:
            return pending(rule, scene.found(Signal.PRAISE))
    quoted = scene.found(Signal.QUOTED_SIGN_OFF, Signal.QUOTED_REFUSAL)
    return pending(Rule.QUOTED, quoted) if quoted else None


_PENDING_KINDS = (
    (tags.EDITOR, Rule.EDITOR_NEWS),
    (tags.WAIT, Rule.WAITING),
    (tags.UNSURE, Rule.UNCERTAIN),
    (tags.PRAISE | tags.WIP_PRAISE, Rule.DETAIL_PRAISE),
)

_RULES: tuple[Callable[[Scene], Opinion | None], ...] = (
    _injection,
    _retraction,
    _denied_afterwards,
    _emoji,
    _refusal,
    conditional_yes,
    excepting_yes,
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
