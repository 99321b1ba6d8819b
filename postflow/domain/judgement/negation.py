"""Which words "not" is about, and what stands before a word."""

from __future__ import annotations

from postflow.domain.judgement import tags
from postflow.domain.judgement.clauses import Unit
from postflow.domain.judgement.text import word_set

NEGATION_REACH = 4
"""Units before a cue in which "not" still means this cue."""
DEMAND_REACH = 7
"""Units before a verb in which "could you" still asks for it."""

_POST_NEGATIONS = word_set("pas plus jamais guere nicht")
_NO_POST_NEGATION = word_set("de d' besoin encore mal un une que")
_JOINS = word_set("et and und y e")
_NE = word_set("n' ne")


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
        if unit.tags & (tags.APPROVE | tags.REFUSE | tags.CONTRAST) or unit.text in _JOINS:
            break
    following = units[position + 1 : position + 3]
    if following and following[0].text in _POST_NEGATIONS:
        after = following[1].text if len(following) > 1 else ""
        return seen_ne or after not in _NO_POST_NEGATION
    return False


def tags_before(units: tuple[Unit, ...], position: int) -> int:
    """Join the tags of the units shortly before a place."""
    mask = 0
    for earlier in units[max(0, position - DEMAND_REACH) : position]:
        mask |= earlier.tags
    return mask
