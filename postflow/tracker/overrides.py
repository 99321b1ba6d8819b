"""Decisions by hand that contradicted what PostFlow had read, by the rule that erred; reads only.

They are the best material there is for better words and rules: `calibrate` tries those out.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlmodel import Session, col, select
from typing_extensions import TypedDict  # pydantic, which has it, reads no other before 3.12

from postflow.domain.standing import DecisionSource, ReviewStatus
from postflow.settings import Settings
from postflow.store.change_lists import author_of
from postflow.store.comments import hash_text
from postflow.store.tables import (
    AnalysisRow,
    CommentRow,
    DecisionRow,
    RulingRow,
    UploadRow,
    VersionRow,
)
from postflow.tracker.known_then import load_known


class OverrideView(TypedDict):
    """One decision by hand against the inferred one."""

    upload_id: str
    version: int
    at: str
    by: str
    reason: str
    decided: str
    inferred: str
    inferred_reason: str
    comment_id: str | None
    comment_text: str | None
    analyser_version: str | None


class RuleOverrides(TypedDict):
    """How often people contradicted one rule."""

    rule: str
    count: int
    overrides: list[OverrideView]


def list_overrides(session: Session, settings: Settings) -> list[RuleOverrides]:
    """Return the overrides grouped by rule, the one that erred most often first."""
    groups: dict[str, list[OverrideView]] = defaultdict(list)
    statement = select(RulingRow).where(RulingRow.source == DecisionSource.MANUAL)
    for ruling in session.exec(statement.order_by(col(RulingRow.id))):
        inferred = _find_inferred(session, ruling) or _find_silent(session, ruling, settings)
        if inferred is not None and inferred[1]["inferred"] != ruling.value:
            groups[inferred[0]].append(inferred[1])
    return [
        RuleOverrides(rule=rule, count=len(found), overrides=found)
        for rule, found in sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    ]


def _find_inferred(session: Session, ruling: RulingRow) -> tuple[str, OverrideView] | None:
    """Return what PostFlow had decided when the person did, unless a person had decided before."""
    decision = session.exec(
        select(DecisionRow)
        .where(
            DecisionRow.upload_id == ruling.upload_id,
            DecisionRow.version == ruling.version,
            col(DecisionRow.decided_at) <= ruling.at,
            # The decision that this very ruling made has the ruling's own moment.
            (col(DecisionRow.source) != DecisionSource.MANUAL) | (col(DecisionRow.at) < ruling.at),
        )
        .order_by(col(DecisionRow.id).desc())
    ).first()
    if decision is None:
        return None
    if decision.source == DecisionSource.MANUAL:
        return "", _view(ruling, inferred=ruling.value)  # nothing was inferred: no contradiction
    rule = decision.source
    if decision.comment_id is not None:
        text = decision.comment_text or ""
        rule = _find_rule(session, decision.comment_id, text, at=decision.decided_at)
    return rule, _view(
        ruling,
        inferred=decision.verdict,
        inferred_reason=decision.reason,
        comment_id=decision.comment_id,
        comment_text=decision.comment_text,
        analyser_version=decision.analyser_version,
    )


def _find_silent(
    session: Session, ruling: RulingRow, settings: Settings
) -> tuple[str, OverrideView] | None:
    """Return the last comment that counted and was read as deciding nothing, if there was one."""
    version = session.exec(
        select(VersionRow).where(
            VersionRow.upload_id == ruling.upload_id, VersionRow.version == ruling.version
        )
    ).one()
    upload = session.get_one(UploadRow, ruling.upload_id)
    rules = settings.for_project(upload.project_id).review.rules
    comments = [
        comment
        for comment in load_known(session, version, at=ruling.at).comments
        if rules.counts(author_of(comment))
        and not rules.is_editor(author_of(comment), uploader_id=version.uploader_id)
    ]
    if not comments:
        return None
    last: CommentRow = comments[-1]
    return _find_rule(session, last.comment_id, last.text, at=ruling.at), _view(
        ruling,
        inferred=ReviewStatus.PENDING,
        inferred_reason=last.reason,
        comment_id=last.comment_id,
        comment_text=last.text,
        analyser_version=last.analyser_version,
    )


def _find_rule(session: Session, comment_id: str, text: str, *, at: datetime) -> str:
    found = session.exec(
        select(AnalysisRow)
        .where(
            AnalysisRow.comment_id == comment_id,
            AnalysisRow.text_sha256 == hash_text(text),
            col(AnalysisRow.at) <= at,
        )
        .order_by(col(AnalysisRow.id).desc())
    ).first()
    return found.rule if found and found.rule else "unknown"


def _view(
    ruling: RulingRow,
    *,
    inferred: str,
    inferred_reason: str = "",
    comment_id: str | None = None,
    comment_text: str | None = None,
    analyser_version: str | None = None,
) -> OverrideView:
    return OverrideView(
        upload_id=ruling.upload_id,
        version=ruling.version,
        at=ruling.at.isoformat(),
        by=ruling.person_name,
        reason=ruling.reason,
        decided=ruling.value,
        inferred=inferred,
        inferred_reason=inferred_reason,
        comment_id=comment_id,
        comment_text=comment_text,
        analyser_version=analyser_version,
    )
