"""What each clause says: sign-offs, refusals, requests, faults, and what weakens them.

A signal is one observation with its words; rules.py weighs the signals of a comment together.
"""

from __future__ import annotations

from collections.abc import Callable

from postflow.domain.judgement import tags
from postflow.domain.judgement.clauses import Clause, Reading, Unit
from postflow.domain.judgement.findings import Finding, Signal
from postflow.domain.judgement.text import word_set

NEGATION_REACH = 4
"""Units before a cue in which "not" still means this cue."""
BRIEF = 9
"""Units up to which "no subtitles" is the point of the clause."""
DEMAND_REACH = 7
"""Units before a verb in which "could you" still asks for it."""


_POST_NEGATIONS = word_set("pas plus jamais guere nicht")
_NO_POST_NEGATION = word_set("de d' besoin encore mal un une que")
_DEMANDS = tags.ASK | tags.MUST | tags.WANT
_CHANGES = tags.CHANGE | tags.CHANGE_WEAK
_NOT_A_CHANGE = tags.DELIVER | tags.OPTIONAL | tags.APPROVE | tags.ACK | tags.FIXED | tags.EDITOR
_LEADING = word_set(
    "et and puis then also aussi just juste ensuite alors maybe perhaps peut-etre sinon donc so "
    "hi hello bonjour salut @ first second third merci de ah oh hey again encore petit petite "
    "small quick <at> <tc> <num> <hour> a at vers around from to sur on in und y e bitte merci "
    "oui yes ok idem pareil same next also plus"
)
_MODALS = word_set("to will would should must can could may might please shall")
_NE = word_set("n' ne")
_COPULAS = word_set("is est are was were looks sont etait seems feels")


def find_signals(reading: Reading) -> list[Finding]:
    """Collect the findings of every clause, in the order they were written."""
    findings: list[Finding] = []
    for number, clause in enumerate(reading.clauses):
        before = len(findings)
        for position, unit in enumerate(clause.units):
            if unit.tags:
                signal = _signal_of(clause, position, unit)
                if signal is not None:
                    findings.append(Finding(signal, unit.text, unit.start, unit.end, number))
        request = _leading_request(clause)
        if request is not None:
            findings.append(_found(Signal.REQUEST, request, number))
        if _introduces_version(clause):
            findings.append(_found(Signal.NEWS, clause.units[0], number))
        if len(findings) == before:
            lacking = next((u for u in clause.units if u.tags & tags.NEG and not u.quoted), None)
            if lacking is not None:
                findings.append(_found(Signal.LACK, lacking, number))
    return findings


def _found(signal: Signal, unit: Unit, clause: int) -> Finding:
    return Finding(signal, unit.text, unit.start, unit.end, clause)


def _introduces_version(clause: Clause) -> bool:
    """Tell whether a clause is a heading like "Hi all, v5:"."""
    units = clause.units
    return len(units) <= 2 and units[-1].text.endswith("<v>") and not clause.asked  # noqa: PLR2004


def _signal_of(clause: Clause, position: int, unit: Unit) -> Signal | None:
    mask = unit.tags
    if unit.quoted:
        return _quoted_signal(mask)
    for bits, detect in _DETECTORS:
        if mask & bits:
            signal = detect(clause, position, unit)
            if signal is not None:
                return signal
    return None


def _quoted_signal(mask: int) -> Signal | None:
    if mask & (tags.APPROVE | tags.PRAISE | tags.OKAY | tags.NOTHING_WRONG):
        return Signal.QUOTED_SIGN_OFF
    if mask & (tags.REFUSE | tags.NO_WORD):
        return Signal.QUOTED_REFUSAL
    return None


def _approval(clause: Clause, position: int, unit: Unit) -> Signal | None:
    if is_negated(clause.units, position):
        return Signal.NEGATED_SIGN_OFF
    if unit.tags & tags.APPROVE_VERB and position:
        previous = clause.units[position - 1]
        if previous.text in _MODALS or previous.tags & tags.ASK:
            return None
    return Signal.SIGN_OFF


def _unapproved(clause: Clause, position: int, unit: Unit) -> Signal | None:
    """See "can't sign this", "ne peut pas valider", "on ne publie pas"."""
    del unit
    return Signal.NEGATED_SIGN_OFF if is_negated(clause.units, position) else None


def _refusal(clause: Clause, position: int, unit: Unit) -> Signal | None:
    del unit
    return Signal.NO_FAULT if is_negated(clause.units, position) else Signal.REFUSAL


def _fault(clause: Clause, position: int, unit: Unit) -> Signal | None:
    if is_negated(clause.units, position):
        return Signal.NO_FAULT
    if any(other.tags & tags.FIXED for other in clause.units if other is not unit):
        return Signal.FIXED
    return Signal.FAULT if unit.tags & (tags.FAULT | tags.DEFECT) else Signal.SOFT_FAULT


def _dislike(clause: Clause, position: int, unit: Unit) -> Signal | None:
    del unit
    return Signal.NO_FAULT if is_negated(clause.units, position) else Signal.DISLIKE


def _no(clause: Clause, position: int, unit: Unit) -> Signal | None:
    del unit
    return Signal.NO if position == 0 and len(clause.units) <= 1 else None


def _praise(clause: Clause, position: int, unit: Unit) -> Signal | None:
    del unit
    return Signal.DISLIKE if is_negated(clause.units, position) else Signal.PRAISE


def _yes(clause: Clause, position: int, unit: Unit) -> Signal | None:
    del unit
    return Signal.NEGATED_SIGN_OFF if is_negated(clause.units, position) else Signal.YES


def _change(clause: Clause, position: int, unit: Unit) -> Signal | None:
    before = _tags_before(clause.units, position)
    if unit.tags & _NOT_A_CHANGE or before & (tags.MENTION | tags.FILE | tags.GET):
        return None
    if before & _DEMANDS:
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
    before = _tags_before(clause.units, position)
    return Signal.REQUEST if before & _DEMANDS else Signal.CHANGED


def _more(clause: Clause, position: int, unit: Unit) -> Signal | None:
    del unit
    demanded = _tags_before(clause.units, position) & _DEMANDS
    return Signal.REQUEST if demanded or (clause.asked and len(clause.units) <= 5) else None  # noqa: PLR2004 - "Different music?"


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


def _good_emoji(clause: Clause, position: int, unit: Unit) -> Signal | None:
    del clause, position, unit
    return Signal.GOOD_EMOJI


def _bad_emoji(clause: Clause, position: int, unit: Unit) -> Signal | None:
    del clause, position, unit
    return Signal.BAD_EMOJI


def _retraction(clause: Clause, position: int, unit: Unit) -> Signal | None:
    del clause, position, unit
    return Signal.RETRACTION


def _nothing_wrong(clause: Clause, position: int, unit: Unit) -> Signal | None:
    del clause, position, unit
    return Signal.NO_FAULT


_DETECTORS: tuple[tuple[int, Callable[[Clause, int, Unit], Signal | None]], ...] = (
    (tags.RETRACT, _retraction),
    (tags.NOTHING_WRONG, _nothing_wrong),
    (tags.BAD_EMOJI, _bad_emoji),
    (tags.GOOD_EMOJI, _good_emoji),
    (tags.REFUSE, _refusal),
    (tags.APPROVE, _approval),
    (tags.APPROVE_VERB | tags.DELIVER, _unapproved),
    (tags.FAULT | tags.DEFECT, _fault),
    (tags.CHANGE | tags.CHANGE_WEAK, _change),
    (tags.SOFT_FAULT, _fault),
    (tags.DISLIKE, _dislike),
    (tags.PRAISE, _praise),
    (tags.NO_WORD, _no),
    (tags.OKAY, _yes),
    (tags.CHANGED | tags.CHANGING, _changed),
    (tags.MORE_LESS, _more),
    (tags.MUST | tags.WANT, _need),
    (tags.NOTHING | tags.WAIT, _without),
)


def _tags_before(units: tuple[Unit, ...], position: int) -> int:
    mask = 0
    for earlier in units[max(0, position - DEMAND_REACH) : position]:
        mask |= earlier.tags
    return mask


def _is_about_content(clause: Clause) -> bool:
    return any(
        unit.tags & (tags.PART | tags.MORE_LESS) or unit.text == "<tc>" for unit in clause.units
    )


def _leading_request(clause: Clause) -> Unit | None:
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
    return bool(unit.tags & tags.CHANGE) or _is_about_content(clause)


def is_negated(units: tuple[Unit, ...], position: int) -> bool:
    """Tell whether "not", "ne … pas", "aucun" or "sans" is about the unit at this place."""
    seen_ne = False
    for back in range(position - 1, max(-1, position - 1 - NEGATION_REACH), -1):
        unit = units[back]
        if unit.text in _NE:
            seen_ne = True
            continue
        if unit.tags & (tags.NEG | tags.NOTHING) and not unit.tags & tags.NOTHING_WRONG:
            return True
        if unit.tags & (tags.APPROVE | tags.REFUSE | tags.CONTRAST):
            break
    following = units[position + 1 : position + 3]
    if following and following[0].text in _POST_NEGATIONS:
        after = following[1].text if len(following) > 1 else ""
        return seen_ne or after not in _NO_POST_NEGATION
    return False
