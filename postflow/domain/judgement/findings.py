"""The observations that can be made in a clause; signals.py makes them, rules.py weighs them."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from postflow.domain.judgement.clauses import Clause, Unit


class Signal(StrEnum):
    """One thing a clause can say."""

    SIGN_OFF = "sign_off"  # approves, in words that sign off
    YES = "yes"  # a bare yes
    NO_FAULT = "no_fault"  # a fault or refusal that is negated
    PRAISE = "praise"  # likes something
    GOOD_EMOJI = "good_emoji"  # an approving emoji
    AWAITED = "awaited"  # names an approval that is still to come
    REFUSAL = "refusal"  # refuses
    NEGATED_SIGN_OFF = "negated_sign_off"  # does not approve
    NO = "no"  # a bare no
    BAD_EMOJI = "bad_emoji"  # a refusing emoji
    DISLIKE = "dislike"  # does not like something
    RETRACTION = "retraction"  # takes an approval back
    REQUEST = "request"  # asks for a change
    NEED = "need"  # says that something is needed
    FAULT = "fault"  # points at a fault
    SOFT_FAULT = "soft_fault"  # a word that may be a fault, or just what is seen
    LACK = "lack"  # says that something is not so
    FIXED = "fixed"  # says that a fault is gone
    NEWS = "news"  # introduces a version
    CHANGED = "changed"  # says that something was changed
    QUOTED_SIGN_OFF = "quoted_sign_off"  # cites somebody's approval
    QUOTED_REFUSAL = "quoted_refusal"  # cites somebody's refusal


class Finding(NamedTuple):
    """A signal, the words that carry it, and the clause they stand in."""

    signal: Signal
    words: str
    start: int
    end: int
    clause: int


Detectors = tuple[tuple[int, Callable[[Clause, int, Unit], Signal | None]], ...]
"""What to ask about a unit that has one of some tags: clause, place and unit in, signal out."""
