"""Why an upload is approved or not, now or at a moment of the past; reads only.

What was known at a moment is put together from what is only ever added to: revisions, analyses,
second opinions, rulings and decisions. Settings are those of today.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select
from typing_extensions import TypedDict  # pydantic, which has it, reads no other before 3.12

from postflow.domain.standing import Review, ReviewStatus, Statement, decide_review
from postflow.errors import UnknownUploadError
from postflow.settings import Settings
from postflow.store.change_lists import list_changes, list_open_changes, list_remarks
from postflow.store.own_users import load_rules
from postflow.store.tables import CommentRow, DecisionRow, UploadRow, VersionRow
from postflow.store.timeline import timeline
from postflow.store.uploads import load_upload
from postflow.store.view_types import ChangeView, HeldView, TimelineEntry, iso
from postflow.tracker.known_then import Known, load_known
from postflow.tracker.statements import make_statements
from postflow.tracker.weighing import say_rule, say_sentence, say_weight


class StandingView(TypedDict):
    """One thing that somebody said, and what it is worth."""

    who: str
    at: str
    source: str
    said: str
    in_force: bool
    worth: str
    """Why it counts, or why not."""
    comment_id: str | None
    text: str
    reason: str
    score: float | None
    suggestion: str | None
    """What a second opinion adds; it decides nothing."""


class ExplanationView(TypedDict):
    """Everything that an upload's review status rests on."""

    upload_id: str
    filename: str
    version: int
    at: str | None
    """The moment that was asked about; None means now."""
    review_status: str
    sentence: str
    rule: str
    held: HeldView | None
    quiet_until: str | None
    standings: list[StandingView]
    changes: list[ChangeView]
    remarks: list[ChangeView]
    left_open: list[ChangeView]
    """What the round before asked for and did not see done."""
    timeline: list[TimelineEntry]


def explain_upload(
    session: Session, upload_id: str, settings: Settings, *, at: datetime | None = None
) -> ExplanationView:
    """Return the explanation as of now, or as of `at`; raises UnknownUploadError."""
    upload = load_upload(session, upload_id)
    own = settings.for_project(upload.project_id)
    version = _find_version(session, upload, at=at)
    known = load_known(session, version, at=at)
    statements = make_statements(
        session, version, own, comments=known.comments, rulings=known.rulings
    )
    review = decide_review(statements, quorum=own.review.quorum)
    decision = _last_decision(session, version, at=at)
    status = ReviewStatus(decision.verdict) if decision else ReviewStatus.PENDING
    is_now = at is None
    return ExplanationView(
        upload_id=upload_id,
        filename=upload.filename,
        version=version.version,
        at=iso(at),
        review_status=upload.review_status if is_now else status,
        sentence=say_sentence(upload, version, decision, review, known, is_now=is_now),
        rule=say_rule(decision, review, own),
        held=_view_hold(upload) if is_now else None,
        quiet_until=iso(upload.quiet_until) if is_now else None,
        standings=_view_standings(statements, review, known, version, own),
        changes=list_changes(session, upload, load_rules(session, own.review)) if is_now else [],
        remarks=list_remarks(session, upload, load_rules(session, own.review)) if is_now else [],
        left_open=_list_left_open(session, upload, own) if is_now else [],
        timeline=timeline(session, upload_id, at=at),
    )


def _list_left_open(session: Session, upload: UploadRow, own: Settings) -> list[ChangeView]:
    return list_open_changes(
        session, upload, load_rules(session, own.review), version=upload.version - 1
    )


def _find_version(session: Session, upload: UploadRow, *, at: datetime | None) -> VersionRow:
    """Return the version that was current at the moment."""
    statement = select(VersionRow).where(VersionRow.upload_id == upload.upload_id)
    if at is None:
        statement = statement.where(VersionRow.version == upload.version)
    else:
        statement = statement.where(col(VersionRow.created_at) <= at)
    found = session.exec(statement.order_by(col(VersionRow.version).desc())).first()
    if found is None:
        raise UnknownUploadError(
            f"The upload {upload.upload_id!r} did not exist yet at {iso(at)}; it was registered at "
            f"{upload.created_at.isoformat()}."
        )
    return found


def _last_decision(
    session: Session, version: VersionRow, *, at: datetime | None
) -> DecisionRow | None:
    statement = select(DecisionRow).where(
        DecisionRow.upload_id == version.upload_id, DecisionRow.version == version.version
    )
    if at is not None:
        statement = statement.where(col(DecisionRow.decided_at) <= at)
    return session.exec(statement.order_by(col(DecisionRow.id).desc())).first()


def _view_hold(upload: UploadRow) -> HeldView | None:
    if upload.held_since is None:
        return None
    return HeldView(since=upload.held_since.isoformat(), reason=upload.held_reason or "")


def _view_standings(
    statements: list[Statement],
    review: Review,
    known: Known,
    version: VersionRow,
    settings: Settings,
) -> list[StandingView]:
    """Return what everybody said, the oldest first, silent ones left out."""
    comments = {comment.comment_id: comment for comment in known.comments}
    in_force = {each.key for each in review.standings}
    return [
        _view_standing(
            each,
            comment=comments.get(each.comment_id or ""),
            in_force=each.key in in_force,
            worth=say_weight(each, statements, review, version=version, settings=settings),
            suggestion=known.suggestions.get(each.comment_id or ""),
        )
        for each in sorted(statements, key=lambda each: (each.at, each.key))
    ]


def _view_standing(
    statement: Statement,
    *,
    comment: CommentRow | None,
    in_force: bool,
    worth: str,
    suggestion: str | None,
) -> StandingView:
    return StandingView(
        who=statement.display_name,
        at=statement.at.isoformat(),
        source=statement.source,
        said=statement.said,
        in_force=in_force,
        worth=worth,
        comment_id=statement.comment_id,
        text=comment.text if comment else "",
        reason=statement.reason,
        score=statement.score,
        suggestion=suggestion,
    )
