"""What each clause says: sign-offs, refusals, requests, faults, and what weakens them.

A signal is one observation with its words; rules.py weighs the signals of a comment together.
"""

from __future__ import annotations

from postflow.domain.judgement import tags
from postflow.domain.judgement.clauses import Clause, Reading, Unit
from postflow.domain.judgement.findings import Finding, Signal
from postflow.domain.judgement.objections import CHANGES, FAULTS, NEEDS, leading_request
from postflow.domain.judgement.sign_offs import LIKINGS, VERDICTS, WITHDRAWALS

_DETECTORS = (*WITHDRAWALS, *VERDICTS, *FAULTS, *CHANGES, *LIKINGS, *NEEDS)
"""The first that sees a signal in a unit wins; the most decisive come first."""


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
        request = leading_request(clause)
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
