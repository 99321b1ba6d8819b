"""A yes that is not one yet: it wants a change first, or waits for somebody else."""

from __future__ import annotations

from postflow.domain.judgement import tags
from postflow.domain.judgement.clauses import Clause
from postflow.domain.judgement.findings import Finding, Signal
from postflow.domain.judgement.scene import Scene, condition_mask
from postflow.domain.judgement.text import word_set
from postflow.domain.judgement.verdicts import Opinion, Rule, pending, rejected

_MATERIAL = tags.CHANGED | tags.FAULT | tags.CHANGE | tags.FIXED
_DECIDING = tags.MENTION | tags.APPROVE_VERB | tags.APPROVE | tags.OKAY
_ACCEPTING = tags.APPROVE | tags.APPROVE_VERB | tags.MENTION | tags.DELIVER | tags.OKAY
_WITH = word_set("with avec mit con")


def conditional_yes(scene: Scene) -> Opinion | None:
    """Read a yes with an if: a change is a rejection, somebody else's word is a wait."""
    yes = scene.found(Signal.SIGN_OFF, Signal.NO_FAULT, Signal.YES)
    wanted = condition_mask(scene)
    if wanted is None:
        return _yes_of_somebody_else(scene, yes)
    if not yes and not scene.everywhere & _ACCEPTING:
        return None
    if wanted & (_DECIDING | tags.REFUSE) and not wanted & _MATERIAL:
        return pending(Rule.THIRD_PARTY, yes)
    if wanted & (_MATERIAL | tags.CHANGE_WEAK | tags.MORE_LESS | tags.PART | tags.SOFT_FAULT):
        return rejected(Rule.CONDITION, yes)
    return pending(Rule.THIRD_PARTY, yes)


def excepting_yes(scene: Scene) -> Opinion | None:
    """See "all good except the end card": what is excepted has to change."""
    yes = scene.found(Signal.SIGN_OFF, Signal.NO_FAULT, Signal.YES, Signal.PRAISE)
    if not scene.everywhere & tags.EXCEPT or not (yes or scene.everywhere & tags.WHOLE):
        return None
    if scene.everywhere & (tags.OPTIONAL | tags.WAIT) or scene.found(Signal.AWAITED):
        return None
    return rejected(Rule.EXCEPTION, yes)


def _yes_of_somebody_else(scene: Scene, yes: list[Finding]) -> Opinion | None:
    if yes and any(_wants_another(clause) for clause in scene.reading.clauses):
        return rejected(Rule.CONDITION, yes)
    waits = scene.everywhere & tags.WAIT and scene.everywhere & (tags.THIRD | tags.MENTION)
    if yes and (waits or scene.found(Signal.AWAITED)):
        return pending(Rule.THIRD_PARTY, yes)
    return None


def _wants_another(clause: Clause) -> bool:
    """See "with another title": a yes to what is not there yet."""
    return any(
        unit.text in _WITH
        and any(then.tags & tags.MORE_LESS for then in clause.units[place + 1 : place + 3])
        for place, unit in enumerate(clause.units)
    )
