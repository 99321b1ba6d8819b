"""Saying in words what a statement is worth and which rule decided; decides nothing itself."""

from __future__ import annotations

from collections.abc import Iterable

from postflow.domain.people import GuestPolicy, Person, ReviewRules
from postflow.domain.standing import DecisionSource, Review, ReviewStatus, Statement
from postflow.settings import Settings
from postflow.store.tables import DecisionRow, UploadRow, VersionRow
from postflow.tracker.known_then import Known

_BY = {
    DecisionSource.MANUAL: "a decision by hand",
    DecisionSource.STATUS_FIELD: "a change of the Status",
    DecisionSource.COMMENTS: "a later word of the same person",
    DecisionSource.SILENCE: "the end of the deadline",
}


def say_sentence(
    upload: UploadRow,
    version: VersionRow,
    decision: DecisionRow | None,
    review: Review,
    known: Known,
    *,
    is_now: bool,
) -> str:
    """Return one sentence: what the review status is, and what made it so."""
    status = decision.verdict if decision else ReviewStatus.PENDING.value
    told: str = status
    if is_now and upload.undo_until is not None:
        told = (
            f"{status}, and can be undone until {upload.undo_until.isoformat(timespec='seconds')}"
        )
    subject = f"{version.filename}, version {version.version}, {'is' if is_now else 'was'} {told}"
    if is_now and upload.held_since is not None:
        return f"{subject}, but held: {upload.held_reason}."
    if is_now and upload.quiet_until is not None:
        until = upload.quiet_until.isoformat()
        return f"{subject}: it is approved if nobody says anything more before {until}."
    if decision is not None and decision.who:
        who, reason = decision.who, decision.reason.removeprefix(f"{status}: ")
        if decision.source == DecisionSource.MANUAL:
            return f"{subject}: {who} decided by hand: {reason}."
        if decision.comment_text:
            said = decision.comment_text
            return f"{subject}: {who} ({said!r}): {reason}; {_say_maker(decision)}."
        return f"{subject}: {who}: {reason}; {_say_maker(decision)}."
    why = review.note or (decision.reason if decision else "")
    heard = len(known.comments)
    return f"{subject}: {why or f'{heard} comments were read, and none of them decides'}."


def _say_maker(decision: DecisionRow) -> str:
    if decision.source == DecisionSource.COMMENTS:
        return f"read by analyser {decision.analyser_version or 'unknown'}"
    return _MAKERS[DecisionSource(decision.source)]


_MAKERS = {
    DecisionSource.STATUS_FIELD: "by the Status",
    DecisionSource.MANUAL: "by hand",
    DecisionSource.SILENCE: "by nobody's word",
}


_RULES = {
    DecisionSource.MANUAL: "a decision by hand replaces everything that was said before it",
    DecisionSource.STATUS_FIELD: "the Status speaks for the whole video and replaces what was "
    "said before it",
    DecisionSource.SILENCE: "review.on_timeout decides where nobody speaks in time, and the first "
    "word of anybody replaces it",
}


def say_rule(decision: DecisionRow | None, review: Review, settings: Settings) -> str:
    """Return the rule of the review that made the status."""
    if decision is None or decision.verdict == ReviewStatus.PENDING:
        if review.note:
            return f"review.quorum is {settings.review.quorum}"
        return "without a decision in force a review is pending"
    if decision.source != DecisionSource.COMMENTS:
        return _RULES[DecisionSource(decision.source)]
    if decision.verdict == ReviewStatus.REJECTED:
        return "one open rejection blocks; only whoever made it lifts it"
    return "each reviewer's last decision counts, and nobody's rejection is open"


def say_weight(
    statement: Statement,
    statements: Iterable[Statement],
    review: Review,
    *,
    version: VersionRow,
    settings: Settings,
) -> str:
    """Return whether a statement counts, and if not, why not."""
    if not statement.counts:
        return _say_uncounted(statement, settings.review.rules, version)
    if statement.key in {each.key for each in review.standings}:
        return _say_standing(statement, settings.review.rules)
    if statement.whole and statement.said is ReviewStatus.APPROVED and not statement.known:
        return "does not count: nobody knows who it was, and an unknown person never approves"
    if statement.whole and statement.said is ReviewStatus.APPROVED and not statement.may_approve:
        return f"does not count: {_say_no_right(statement, settings.review.rules)}"
    if statement.said is ReviewStatus.PENDING:
        return "withdraws what was decided before" if statement.whole else "decides nothing"
    return _say_replaced(statement, statements)


def _say_uncounted(statement: Statement, rules: ReviewRules, version: VersionRow) -> str:
    if statement.who == version.uploader_id:
        return "does not count: uploaded this version, and editors never decide"
    if statement.who.startswith("guest:") and rules.guests is GuestPolicy.IGNORE:
        return "does not count: review.guests is ignore"
    return "does not count: listed in review.editors, and editors never decide"


def _say_standing(statement: Statement, rules: ReviewRules) -> str:
    if statement.said is ReviewStatus.APPROVED and not statement.may_approve:
        return f"counts for nothing but the own no: {_say_no_right(statement, rules)}"
    return "counts: an open rejection" if statement.said is ReviewStatus.REJECTED else "counts"


def _say_no_right(statement: Statement, rules: ReviewRules) -> str:
    person = Person(id=None if statement.who.startswith(("guest:", "unknown:")) else statement.who)
    if statement.who.startswith("unknown:"):
        return "nobody knows who wrote it"
    if rules.approvers:
        return "not listed in review.approvers"
    if person.is_guest:
        return f"a guest, and review.guests is {rules.guests}"
    return "may not approve"


def _say_replaced(statement: Statement, statements: Iterable[Statement]) -> str:
    later = [
        each
        for each in statements
        if each.counts
        and (each.at, each.key) > (statement.at, statement.key)
        and (each.whole or (each.who == statement.who and each.said is not ReviewStatus.PENDING))
    ]
    if not later:
        return "counts no more"
    by = min(later, key=lambda each: (each.at, each.key))
    return f"replaced by {_BY[by.source]} at {by.at.isoformat(timespec='seconds')}"
