"""From stored comments and rulings to statements: who says what, and whether it counts."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session, col, select

from postflow.domain.people import Person, ReviewRules
from postflow.domain.review import read_status_value
from postflow.domain.standing import DecisionSource, ReviewStatus, Statement
from postflow.settings import Settings
from postflow.store.change_lists import author_of
from postflow.store.comments import load_comments
from postflow.store.decisions import load_rulings
from postflow.store.own_users import load_rules
from postflow.store.tables import CommentRow, RulingRow, VersionRow


def load_statements(session: Session, version: VersionRow, settings: Settings) -> list[Statement]:
    """Return all that was said about a version, as far as it may decide; in no order.

    `settings` must be those of the upload's project.
    """
    comments = load_comments(session, version.upload_id, version.version)
    rulings = load_rulings(session, version.upload_id, version.version)
    return make_statements(session, version, settings, comments=comments, rulings=rulings)


def make_statements(
    session: Session,
    version: VersionRow,
    settings: Settings,
    *,
    comments: Iterable[CommentRow],
    rulings: Iterable[RulingRow],
) -> list[Statement]:
    """Return what these comments and rulings say about the version."""
    rules, uploader_id = load_rules(session, settings.review), version.uploader_id
    statements = [
        state_ruling(
            ruling, person=find_person(session, ruling), rules=rules, uploader_id=uploader_id
        )
        for ruling in _in_force(rulings)
    ]
    if settings.webhook.intelligent_tracking:
        statements += [
            state_comment(comment, rules=rules, uploader_id=uploader_id) for comment in comments
        ]
    return statements


def _in_force(rulings: Iterable[RulingRow]) -> list[RulingRow]:
    """Leave out a decision by hand that a later recorded one of the same instant replaces.

    Comments of one instant come in an order nobody knows; what PostFlow recorded itself does not.
    """
    kept = list(rulings)
    last = {r.at: r.id or 0 for r in sorted(kept, key=lambda r: r.id or 0) if _is_by_hand(r)}
    return [r for r in kept if not _is_by_hand(r) or (r.id or 0) == last[r.at]]


def _is_by_hand(ruling: RulingRow) -> bool:
    return ruling.source == DecisionSource.MANUAL


def state_comment(comment: CommentRow, *, rules: ReviewRules, uploader_id: str | None) -> Statement:
    """Return what a comment says."""
    author = author_of(comment)
    is_editor = rules.is_editor(author, uploader_id=uploader_id)
    return Statement(
        # Two people of whom nothing is known must not take each other's rejections back.
        who=f"unknown:{comment.comment_id}" if author.is_nobody_known else author.key,
        said=ReviewStatus(comment.verdict),
        at=comment.edited_at or comment.written_at,
        source=DecisionSource.COMMENTS,
        key=comment.comment_id,
        counts=not is_editor and rules.counts(author),
        may_approve=rules.may_approve(author),
        comment_id=comment.comment_id,
        score=comment.score,
        reason=comment.reason,
        display_name=author.display_name,
    )


def find_person(session: Session, ruling: RulingRow) -> Person:
    """Return who made the ruling, with the address that a comment of theirs has taught us."""
    email, name = ruling.person_email, ruling.person_name
    if ruling.person_id is not None and email is None:
        wrote = select(CommentRow).where(CommentRow.author_id == ruling.person_id)
        comment = session.exec(wrote.where(col(CommentRow.author_email).is_not(None))).first()
        email = comment.author_email if comment else None
        name = name or (comment.author_name if comment else "")
    return Person(id=ruling.person_id, email=email, name=name)


def state_ruling(
    ruling: RulingRow, *, person: Person, rules: ReviewRules, uploader_id: str | None
) -> Statement:
    """Return what a ruling says."""
    is_silence = ruling.source == DecisionSource.SILENCE
    by_hand = is_silence or ruling.source == DecisionSource.MANUAL
    said = (
        ReviewStatus(ruling.value)
        if by_hand
        else read_status_value(
            ruling.value, approved=rules.approved_names, rejected=rules.rejected_names
        )
    )
    # Webhooks name people by id alone; one whose address is not known may be an editor by address.
    may_be_editor = not by_hand and not person.email and any("@" in e for e in rules.editors)
    known = (ruling.known and not may_be_editor) or rules.trust_unknown_status
    return Statement(
        who=f"{ruling.source}:{ruling.person_name}" if by_hand else person.key,
        said=said,
        at=ruling.at,
        source=DecisionSource(ruling.source),
        key=f"ruling:{ruling.id}",
        # Those who said yes need not say it again because of the silence of others.
        whole=not is_silence or said is ReviewStatus.APPROVED,
        known=known,
        counts=by_hand or not (ruling.known and rules.is_editor(person, uploader_id=uploader_id)),
        may_approve=by_hand or not ruling.known or rules.may_approve(person),
        reason=ruling.reason if known else f"{ruling.reason} by somebody unknown",
        display_name=person.display_name,
    )
