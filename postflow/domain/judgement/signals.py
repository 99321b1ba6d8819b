"""What each clause says: sign-offs, refusals, requests, faults, and what weakens them.

A signal is one observation with its words; rules.py weighs the signals of a comment together.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from postflow.domain.judgement import tags
from postflow.domain.judgement.clauses import Clause, Reading, Unit

NEGATION_REACH = 4
"""Units before a cue in which "not" still means this cue."""


class Signal(StrEnum):
    """One thing a clause can say."""

    SIGN_OFF = "sign_off"  # approves, words that sign off
    YES = "yes"  # a bare yes
    NO_FAULT = "no_fault"  # a fault or refusal that is negated
    PRAISE = "praise"  # likes something
    REFUSAL = "refusal"  # refuses
    NEGATED_SIGN_OFF = "negated_sign_off"  # does not approve
    NO = "no"  # a bare no
    DISLIKE = "dislike"  # does not like something
    RETRACTION = "retraction"  # takes an approval back
    REQUEST = "request"  # asks for a change
    FAULT = "fault"  # points at a fault
    FIXED = "fixed"  # says a fault is gone
    QUOTED_SIGN_OFF = "quoted_sign_off"  # cites somebody's approval
    QUOTED_REFUSAL = "quoted_refusal"  # cites somebody's refusal


class Finding(NamedTuple):
    """A signal, the words that carry it, and the clause they stand in."""

    signal: Signal
    words: str
    start: int
    end: int
    clause: int


_POST_NEGATIONS = frozenset(["pas", "plus", "jamais", "guere", "nicht"])
_DEMANDS = tags.ASK | tags.MUST | tags.WANT
_LEADING = frozenset(
    ["et", "and", "puis", "then", "also", "aussi", "just", "juste", "ensuite", "alors", "maybe", "perhaps", "peut-etre", "sinon", "donc", "so", "ok", "hi", "hello", "bonjour", "salut", "@", "-", "first", "second", "third", "merci", "de", "ah", "oh", "hey", "again", "encore", "petit", "petite", "small", "quick", "<at>", "<tc>", "<num>", "a", "at", "vers", "around", "from", "de", "to", "et", "sur", "on", "in"]
)
_SUBJECTS = frozenset(
    ["i", "we", "you", "he", "she", "they", "it", "this", "that", "je", "tu", "il", "elle", "on", "nous", "vous", "ils", "elles", "j'"]
)
_NE = frozenset(["n'", "ne"])


def find_signals(reading: Reading) -> list[Finding]:
    """Collect the findings of every clause, in the order they were written."""
    findings: list[Finding] = []
    for number, clause in enumerate(reading.clauses):
        for position, unit in enumerate(clause.units):
            signal = _signal_of(clause, position, unit)
            if signal is not None:
                findings.append(Finding(signal, unit.text, unit.start, unit.end, number))
        request = _leading_request(clause)
        if request is not None:
            findings.append(
                Finding(Signal.REQUEST, request.text, request.start, request.end, number)
            )
    return findings


def _signal_of(clause: Clause, position: int, unit: Unit) -> Signal | None:
    mask = unit.tags
    if not mask:
        return None
    if unit.quoted:
        return _quoted_signal(mask)
    if mask & tags.RETRACT:
        return Signal.RETRACTION
    if mask & tags.NOTHING_WRONG:
        return Signal.NO_FAULT
    if mask & tags.OPTIONAL and not mask & tags.REFUSE:
        return None
    return _plain_signal(clause, position, unit)


def _quoted_signal(mask: int) -> Signal | None:
    if mask & (tags.APPROVE | tags.PRAISE | tags.OKAY | tags.NOTHING_WRONG):
        return Signal.QUOTED_SIGN_OFF
    if mask & (tags.REFUSE | tags.NO_WORD):
        return Signal.QUOTED_REFUSAL
    return None


def _plain_signal(clause: Clause, position: int, unit: Unit) -> Signal | None:
    mask = unit.tags
    negated = is_negated(clause.units, position)
    if mask & tags.APPROVE:
        return Signal.NEGATED_SIGN_OFF if negated else Signal.SIGN_OFF
    if mask & tags.REFUSE:
        return Signal.NO_FAULT if negated else Signal.REFUSAL
    if mask & (tags.FAULT | tags.DEFECT):
        if negated:
            return Signal.NO_FAULT
        return Signal.FIXED if _is_fixed(clause, position) else Signal.FAULT
    if mask & tags.DISLIKE:
        return Signal.NO_FAULT if negated else Signal.DISLIKE
    if mask & tags.NO_WORD and position == 0:
        return Signal.NO if len(clause.units) <= 2 or not mask & tags.NOTHING else None
    if mask & tags.PRAISE:
        return Signal.DISLIKE if negated else Signal.PRAISE
    if mask & tags.OKAY:
        return Signal.NEGATED_SIGN_OFF if negated else Signal.YES
    if mask & (tags.CHANGE | tags.CHANGED | tags.CHANGING | tags.MORE_LESS):
        return _change_signal(clause, position, unit, negated=negated)
    if mask & tags.MUST and not negated:
        return _need_signal(clause, position)
    return None


def _change_signal(clause: Clause, position: int, unit: Unit, *, negated: bool) -> Signal | None:
    before = 0
    for earlier in clause.units[max(0, position - 7) : position]:
        before |= earlier.tags
    if unit.tags & tags.MORE_LESS:
        return Signal.REQUEST if before & _DEMANDS else None
    if negated and before & tags.NOTHING:
        return Signal.NO_FAULT
    if unit.tags & tags.CHANGE and not unit.accented_done and before & _DEMANDS:
        return Signal.REQUEST
    if unit.tags & (tags.CHANGED | tags.CHANGING) and before & (tags.MUST | tags.WANT | tags.ASK):
        return Signal.REQUEST
    if unit.tags & tags.CHANGE and position and clause.units[position - 1].text == "a":
        return Signal.REQUEST
    return None


def _need_signal(clause: Clause, position: int) -> Signal | None:
    rest = clause.units[position + 1 : position + 4]
    if any(unit.tags & (tags.PART | tags.MORE_LESS) for unit in rest) and not any(
        unit.tags & (tags.DELIVER | tags.MENTION) for unit in rest
    ):
        return Signal.REQUEST
    return None


def _leading_request(clause: Clause) -> Unit | None:
    """An imperative or infinitive that opens the clause: "Couper…", "Put the chorus earlier"."""
    for position, unit in enumerate(clause.units[:6]):
        if unit.tags & (tags.CHANGE | tags.MORE_LESS):
            if unit.accented_done or unit.tags & (tags.DELIVER | tags.OPTIONAL | tags.APPROVE):
                return None
            follows = clause.units[position + 1 : position + 2]
            if follows and follows[0].text in ("is", "est", "are", "was", "looks", "sont"):
                return None
            return unit
        if unit.text not in _LEADING and not unit.tags & (tags.ASK | tags.CONTRAST):
            return None
    return None


def is_negated(units: tuple[Unit, ...], position: int) -> bool:
    """Tell whether "not", "ne … pas", "aucun" or "sans" is about the unit at this place."""
    seen_ne = False
    for back in range(position - 1, max(-1, position - 1 - NEGATION_REACH), -1):
        unit = units[back]
        if unit.text in _NE:
            seen_ne = True
            continue
        if unit.tags & (tags.NEG | tags.NOTHING):
            return True
        if unit.tags & (tags.APPROVE | tags.REFUSE | tags.CONTRAST):
            break
    following = units[position + 1 : position + 3]
    if following and following[0].text in _POST_NEGATIONS:
        after = following[1].text if len(following) > 1 else ""
        return seen_ne or after not in ("de", "d'", "besoin", "encore")
    return False


def _is_fixed(clause: Clause, position: int) -> bool:
    return any(
        unit.tags & tags.FIXED for unit in clause.units if unit is not clause.units[position]
    )
