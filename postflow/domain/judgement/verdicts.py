"""The three verdicts, the rules that explain them, and an opinion: one of each with its findings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from postflow.domain.judgement.findings import Finding


class Verdict(StrEnum):
    """What one comment means for the video it was written on."""

    APPROVED = "approved"  # signs off the whole video
    REJECTED = "rejected"  # it cannot go out as it is
    PENDING = "pending"  # everything else


class Rule(StrEnum):
    """Why a comment was read as it was."""

    SIGN_OFF = "sign_off"  # signs off the whole
    NO_REMARKS = "no_remarks"  # says there is nothing to change
    SHORT_VERDICT = "short_verdict"  # praise and nothing else
    EMOJI = "emoji"  # emoji alone
    REFUSAL = "refusal"  # refuses
    NEGATED_SIGN_OFF = "negated_sign_off"  # does not approve
    RETRACTION = "retraction"  # takes an approval back
    REQUEST = "request"  # asks for a change
    NEED = "need"  # says what is needed
    FAULT = "fault"  # points at a fault
    DISLIKE = "dislike"  # does not like something
    CONDITION = "condition"  # a yes that asks for a change first
    EXCEPTION = "exception"  # approves all but something
    THIRD_PARTY = "third_party"  # a yes that waits for somebody else
    QUESTION = "question"  # asks
    UNCERTAIN = "uncertain"  # hearsay or imagined
    OTHER_OBJECT = "other_object"  # is about something else
    PARTIAL = "partial"  # signs off a part only
    EDITOR_NEWS = "editor_news"  # news from the editing room
    DETAIL_PRAISE = "detail_praise"  # likes a detail, or work in progress
    WAITING = "waiting"  # no decision yet
    QUOTED = "quoted"  # decides only in a quotation
    SOLVED = "solved"  # a fault is gone, nothing more is said
    FILE = "file"  # asks for a file, or cannot open one
    NO_DECISION = "no_decision"  # nothing that decides
    INJECTION = "injection"  # gives orders to whoever reads
    UNREADABLE = "unreadable"  # holds what cannot be read with certainty
    IN_DOUBT = "in_doubt"  # looks like a sign-off, not clearly enough
    MODEL = "model"  # the learned model saw more than the rules


@dataclass(frozen=True, kw_only=True, slots=True)
class Opinion:
    """The rules' answer: a verdict, the rule that gave it, the findings behind it."""

    verdict: Verdict
    rule: Rule
    findings: tuple[Finding, ...]


def approved(rule: Rule, findings: list[Finding]) -> Opinion:
    """Hold that the video is signed off."""
    return Opinion(verdict=Verdict.APPROVED, rule=rule, findings=tuple(findings))


def rejected(rule: Rule, findings: list[Finding]) -> Opinion:
    """Hold that the video cannot go out as it is."""
    return Opinion(verdict=Verdict.REJECTED, rule=rule, findings=tuple(findings))


def pending(rule: Rule, findings: list[Finding]) -> Opinion:
    """Hold that nothing is decided."""
    return Opinion(verdict=Verdict.PENDING, rule=rule, findings=tuple(findings))
