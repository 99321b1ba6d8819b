"""Finds what a comment wants changed: faults, requests and needs."""

from __future__ import annotations

from postflow.domain.judgement import tags
from postflow.domain.judgement.clauses import Clause, Unit
from postflow.domain.judgement.findings import Detectors, Signal
from postflow.domain.judgement.inflections import CONDITIONAL
from postflow.domain.judgement.negation import is_negated, tags_before
from postflow.domain.judgement.text import word_set

BRIEF = 9
"""Units up to which "no subtitles" is the point of the clause."""
FEW = 3
"""Units after which a comparative no longer belongs to the part named first."""

_DEMANDS = tags.ASK | tags.MUST | tags.WANT
_CHANGES = tags.CHANGE | tags.CHANGE_WEAK
_NOT_A_CHANGE = tags.DELIVER | tags.OPTIONAL | tags.APPROVE | tags.ACK | tags.FIXED | tags.EDITOR
_LEADING = word_set(
    "et and puis then also aussi just juste ensuite alors maybe perhaps peut-etre sinon donc so "
    "hi hello bonjour salut @ first second third merci de ah oh hey again encore petit petite "
    "small quick <at> <tc> <num> <hour> a at vers around from to sur on in und y e bitte merci "
    "oui yes ok idem pareil same next also plus"
)
_NEVER_LEADING = word_set("have do be get look sound read say go come see")
_NOTHING_TO = word_set("change touch alter modify changer toucher modifier retoucher tweak")
_FAULTY = tags.FAULT | tags.SOFT_FAULT | tags.DEFECT | tags.APPROVE
_GONE = frozenset(["a disparu", "ont disparu", "is gone", "has gone", "have gone", "are gone"])
_COPULAS = word_set("is est are was were looks sont etait seems feels")


def leading_request(clause: Clause) -> Unit | None:
    """Find an imperative or infinitive that opens: "Couper…", "Put the chorus earlier"."""
    for position, unit in enumerate(clause.units[:6]):
        if unit.quoted:
            return None
        if unit.tags & (_CHANGES | tags.MORE_LESS) and not unit.tags & tags.ASK:
            return unit if _opens_request(clause, position, unit) else None
        if unit.text not in _LEADING and not unit.tags & (tags.ASK | tags.CONTRAST):
            return None
    return None


def _opens_request(clause: Clause, position: int, unit: Unit) -> bool:
    if unit.accented_done or unit.tags & _NOT_A_CHANGE:
        return False
    following = clause.units[position + 1 : position + 2]
    if following and following[0].text in _COPULAS:
        return False
    if unit.tags & tags.CHANGE or unit.tags & tags.MORE_LESS:
        return True
    return unit.text not in _NEVER_LEADING and _is_about_content(clause)


def _fault(clause: Clause, position: int, unit: Unit) -> Signal | None:
    if is_negated(clause.units, position):
        return Signal.NO_FAULT
    if any(other.tags & tags.FIXED for other in clause.units if other is not unit):
        return Signal.FIXED
    return Signal.FAULT if unit.tags & (tags.FAULT | tags.DEFECT) else Signal.SOFT_FAULT


def _gone(clause: Clause, position: int, unit: Unit) -> Signal | None:
    """See a part that has gone: "le logo a disparu". A fault that has gone is good news."""
    del position
    mask = 0
    for other in clause.units:
        mask |= other.tags
    missed = unit.text in _GONE and mask & tags.PART and not mask & _FAULTY
    return Signal.FAULT if missed else None


def _change(clause: Clause, position: int, unit: Unit) -> Signal | None:
    before = tags_before(clause.units, position)
    if unit.tags & _NOT_A_CHANGE or before & (tags.MENTION | tags.FILE | tags.GET):
        return None
    if unit.text in _NOTHING_TO and is_negated(clause.units, position):
        return Signal.NO_FAULT
    if before & _DEMANDS or unit.text.endswith(CONDITIONAL):
        return _demanded_change(clause, position, unit)
    if is_negated(clause.units, position):
        return Signal.NO_FAULT if before & tags.NOTHING else None
    previous = clause.units[position - 1].text if position else ""
    return Signal.REQUEST if previous == "a" and unit.tags & tags.CHANGE else None


def _demanded_change(clause: Clause, position: int, unit: Unit) -> Signal | None:
    if unit.tags & tags.CHANGE and not unit.accented_done:
        return Signal.REQUEST
    if any(later.tags & tags.DELIVER for later in clause.units[position + 1 :]):
        return None
    return Signal.REQUEST if _is_about_content(clause) else Signal.NEED


def _changed(clause: Clause, position: int, unit: Unit) -> Signal | None:
    del unit
    before = tags_before(clause.units, position)
    return Signal.REQUEST if before & _DEMANDS else Signal.CHANGED


def _more(clause: Clause, position: int, unit: Unit) -> Signal | None:
    """See "moins de zooms svp", "different music?", "drums louder on the drop"."""
    del unit
    before = tags_before(clause.units, position)
    short = len(clause.units) < BRIEF
    if before & _DEMANDS or (clause.asked and short):
        return Signal.REQUEST
    says = any(earlier.text in _COPULAS for earlier in clause.units[:position])
    verbless = before & tags.PART and position <= FEW and short and not says
    return Signal.REQUEST if verbless else None


def _need(clause: Clause, position: int, unit: Unit) -> Signal | None:
    if is_negated(clause.units, position):
        return None
    rest = 0
    for later in clause.units[position + 1 :]:
        rest |= later.tags
    if rest & (
        tags.DELIVER | tags.MENTION | tags.FILE | tags.APPROVE_VERB | tags.APPROVE | tags.GET
    ):
        return None
    if unit.tags & tags.WANT and not rest & (tags.PART | tags.MORE_LESS | tags.CHANGED):
        return None
    return Signal.NEED


def _proposal(clause: Clause, position: int, unit: Unit) -> Signal | None:
    """See "et si on commençait par…", "how about a wider shot"."""
    del unit
    rest = 0
    for later in clause.units[position + 1 :]:
        rest |= later.tags
    if rest & (tags.REFUSE | tags.DELIVER | tags.MENTION | tags.FILE) or not rest & ~tags.THIRD:
        return None
    return Signal.REQUEST


def _without(clause: Clause, position: int, unit: Unit) -> Signal | None:
    """See a part that is not there: "no subtitles", "toujours pas de logo"."""
    if clause.asked or not unit.tags & (tags.NOTHING | tags.WAIT):
        return None
    for later in clause.units[position + 1 : position + 3]:
        if later.tags & tags.MENTION:
            return None
        if later.tags & tags.PART:
            return Signal.FAULT if len(clause.units) < BRIEF else Signal.SOFT_FAULT
    return None


def _is_about_content(clause: Clause) -> bool:
    return any(
        unit.tags & (tags.PART | tags.MORE_LESS) or unit.text == "<tc>" for unit in clause.units
    )


FAULTS: Detectors = (
    (tags.FAULT | tags.DEFECT, _fault),
    (tags.FIXED, _gone),
)
CHANGES: Detectors = (
    (tags.CHANGE | tags.CHANGE_WEAK, _change),
    (tags.SOFT_FAULT, _fault),
)
NEEDS: Detectors = (
    (tags.CHANGED | tags.CHANGING, _changed),
    (tags.MORE_LESS, _more),
    (tags.PROPOSAL, _proposal),
    (tags.MUST | tags.WANT, _need),
    (tags.NOTHING | tags.WAIT, _without),
)
