"""Finds sign-offs, refusals and likings: what speaks of the verdict itself."""

from __future__ import annotations

from postflow.domain.judgement import tags
from postflow.domain.judgement.clauses import Clause, Unit
from postflow.domain.judgement.findings import Detectors, Signal
from postflow.domain.judgement.negation import is_negated, tags_before
from postflow.domain.judgement.text import word_set

_PRESENT = word_set("valide validons valident approuve approuvons signe signons approve")
_SIGNERS = word_set("i we hereby they both all")
_ORDERS = word_set(
    "publish ship post release deliver upload air livrez publiez diffusez postez publie livre "
    "diffuse livrons publions diffusons consegnate pubblicate publicad"
)
_NEGATIVE = word_set("not pas n' ne no non nicht kein personne rien")
_GIVEN = word_set("accord validation approval freigabe")
_MODALS = word_set("to will would should must can could may might please shall")


def _approval(clause: Clause, position: int, unit: Unit) -> Signal | None:
    if any(other.tags & tags.NAMING for other in clause.units if other is not unit):
        return Signal.QUOTED_SIGN_OFF
    if is_negated(clause.units, position):
        return Signal.NEGATED_SIGN_OFF
    if position and _is_only_wanted(clause.units, position, unit):
        return Signal.AWAITED
    later = 0
    for following in clause.units[position + 1 :]:
        later |= following.tags
    to_come = later & tags.TIME and not later & (tags.DELIVER | tags.PAST)
    if to_come and unit.text in _PRESENT and not unit.accented_done:
        return Signal.AWAITED
    return Signal.SIGN_OFF


def _is_only_wanted(units: tuple[Unit, ...], position: int, unit: Unit) -> bool:
    """Tell whether an approval is asked for: "to approve", "faut que Julie valide"."""
    previous = units[position - 1]
    if unit.tags & tags.APPROVE_VERB and (previous.text in _MODALS or previous.tags & tags.ASK):
        return True
    return any(earlier.tags & tags.MUST for earlier in units[max(0, position - 4) : position])


def _mention(clause: Clause, position: int, unit: Unit) -> Signal | None:
    """See an approval that is still to come: "il manque le feu vert", "waiting for sign-off"."""
    if position and unit.tags & tags.APPROVE_VERB and clause.units[position - 1].text in _SIGNERS:
        return Signal.SIGN_OFF
    if unit.tags & tags.APPROVE_VERB and is_negated(clause.units, position):
        return Signal.NEGATED_SIGN_OFF
    given = position == 0 and unit.text in _GIVEN and not clause.asked
    if given and any(other.tags & tags.THIRD for other in clause.units):
        return Signal.SIGN_OFF
    before = tags_before(clause.units, position)
    return Signal.AWAITED if before & (tags.MUST | tags.WAIT | tags.ASK) else None


def _unapproved(clause: Clause, position: int, unit: Unit) -> Signal | None:
    """See "can't sign this", "on ne publie pas", and a bare order to publish."""
    if is_negated(clause.units, position):
        return Signal.NEGATED_SIGN_OFF
    ordered = unit.text in _ORDERS and len(clause.units) <= 2 and not clause.asked  # noqa: PLR2004
    return Signal.SIGN_OFF if ordered and not unit.accented_done else None


def _refusal(clause: Clause, position: int, unit: Unit) -> Signal | None:
    if any(other.tags & tags.NAMING for other in clause.units if other is not unit):
        return Signal.QUOTED_REFUSAL
    if not _NEGATIVE.isdisjoint(unit.text.split()):
        return Signal.REFUSAL
    return Signal.NO_FAULT if is_negated(clause.units, position) else Signal.REFUSAL


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


def _good_emoji(clause: Clause, position: int, unit: Unit) -> Signal | None:
    del clause, position, unit
    return Signal.GOOD_EMOJI


def _bad_emoji(clause: Clause, position: int, unit: Unit) -> Signal | None:
    del clause, position, unit
    return Signal.BAD_EMOJI


def _retraction(clause: Clause, position: int, unit: Unit) -> Signal | None:
    del unit
    return None if is_negated(clause.units, position) else Signal.RETRACTION


def _nothing_wrong(clause: Clause, position: int, unit: Unit) -> Signal | None:
    del clause, position, unit
    return Signal.NO_FAULT


WITHDRAWALS: Detectors = ((tags.RETRACT, _retraction),)
VERDICTS: Detectors = (
    (tags.NOTHING_WRONG, _nothing_wrong),
    (tags.BAD_EMOJI, _bad_emoji),
    (tags.GOOD_EMOJI, _good_emoji),
    (tags.REFUSE, _refusal),
    (tags.APPROVE, _approval),
    (tags.APPROVE_VERB | tags.DELIVER, _unapproved),
    (tags.MENTION | tags.APPROVE_VERB, _mention),
)
LIKINGS: Detectors = (
    (tags.DISLIKE, _dislike),
    (tags.PRAISE, _praise),
    (tags.NO_WORD, _no),
    (tags.OKAY, _yes),
)
