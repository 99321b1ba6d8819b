"""Uploads as readers see them: a page of them costs the same few queries however long it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session, col, func, select

from postflow.domain.waiting import say_early
from postflow.store.tables import (
    BatchMemberRow,
    CommentRow,
    DecisionRow,
    DeliveryRow,
    EventRow,
    UploadRow,
    VersionRow,
    WaitRow,
)
from postflow.store.view_types import (
    DeliveryView,
    HeldView,
    UploadStatusView,
    VerdictView,
    WaitView,
    iso,
)


def view_uploads(session: Session, uploads: Sequence[UploadRow]) -> list[UploadStatusView]:
    """Return these uploads as readers see them, in the same order."""
    ids = [upload.upload_id for upload in uploads]
    comments = _count_comments(session, ids)
    events = _list_event_types(session, ids)
    batches = _list_batches(session, ids)
    versions = _find_versions(session, ids)
    deliveries = _find_deliveries(session, ids)
    decisions = _last_decisions(session, ids)
    waits = _open_waits(session, ids)
    return [
        UploadStatusView(
            upload_id=upload.upload_id,
            filename=upload.filename,
            file_id=upload.file_id,
            project_id=upload.project_id,
            status=upload.status,
            review_status=upload.review_status,
            comments_count=comments.get(upload.upload_id, 0),
            created_at=upload.created_at.isoformat(),
            webhook_events_received=events[upload.upload_id],
            version=upload.version,
            view_url=version.view_url if (version := versions.get(key)) else None,
            path=upload.path,
            failure=upload.failure,
            updated_at=upload.updated_at.isoformat(),
            cancelled_at=iso(upload.cancelled_at),
            verdict=_view_verdict(decision) if (decision := decisions.get(key)) else None,
            waiting=view_wait(wait) if (wait := waits.get(upload.upload_id)) else None,
            delivery=_view_delivery(delivery) if (delivery := deliveries.get(key)) else None,
            held=_view_hold(upload),
            quiet_until=iso(upload.quiet_until),
            undo_until=iso(upload.undo_until),
            batch_ids=batches[upload.upload_id],
        )
        for upload in uploads
        for key in [(upload.upload_id, upload.version)]
    ]


def view_wait(wait: WaitRow | Row[Any]) -> WaitView:
    """Return a wait, or a result row with a wait's columns, as readers see it."""
    return WaitView(
        kind=wait.kind,
        version=wait.version,
        flow_run_id=wait.flow_run_id,
        since=wait.created_at.isoformat(),
        deadline=iso(wait.deadline),
        suspended_at=iso(wait.suspended_at),
        due_since=iso(wait.due_at),
        early=say_early(
            wait.outcome or "answered",
            due_at=wait.due_at,
            waited_from=wait.suspended_at or wait.created_at,
        ),
        attempts=wait.attempts,
        last_answer=wait.last_answer,
        accepted_at=iso(wait.accepted_at),
        closed_at=iso(wait.closed_at),
        outcome=wait.outcome,
    )


_Key = tuple[str, int]


def _count_comments(session: Session, ids: Sequence[str]) -> dict[str, int]:
    statement = (
        select(CommentRow.upload_id, func.count())
        .where(col(CommentRow.upload_id).in_(ids), col(CommentRow.deleted_at).is_(None))
        .group_by(col(CommentRow.upload_id))
    )
    return dict(session.exec(statement).all())


def _list_event_types(session: Session, ids: Sequence[str]) -> dict[str, list[str]]:
    statement = (
        select(EventRow.upload_id, EventRow.event_type)
        .where(col(EventRow.upload_id).in_(ids))
        .order_by(col(EventRow.id))
    )
    return _group((upload_id or "", kind or "") for upload_id, kind in session.exec(statement))


def _list_batches(session: Session, ids: Sequence[str]) -> dict[str, list[str]]:
    statement = (
        select(BatchMemberRow.upload_id, BatchMemberRow.batch_id)
        .where(col(BatchMemberRow.upload_id).in_(ids))
        .order_by(col(BatchMemberRow.batch_id))
    )
    return _group(session.exec(statement))


def _group(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return found


def _find_versions(session: Session, ids: Sequence[str]) -> dict[_Key, VersionRow]:
    rows = session.exec(select(VersionRow).where(col(VersionRow.upload_id).in_(ids)))
    return {(row.upload_id, row.version): row for row in rows}


def _find_deliveries(session: Session, ids: Sequence[str]) -> dict[_Key, DeliveryRow]:
    rows = session.exec(select(DeliveryRow).where(col(DeliveryRow.upload_id).in_(ids)))
    return {(row.upload_id, row.version): row for row in rows}


def _last_decisions(session: Session, ids: Sequence[str]) -> dict[_Key, DecisionRow]:
    newest = (
        select(func.max(DecisionRow.id))
        .where(col(DecisionRow.upload_id).in_(ids))
        .group_by(col(DecisionRow.upload_id), col(DecisionRow.version))
    )
    rows = session.exec(select(DecisionRow).where(col(DecisionRow.id).in_(newest)))
    return {(row.upload_id, row.version): row for row in rows}


def _open_waits(session: Session, ids: Sequence[str]) -> dict[str, WaitRow]:
    statement = select(WaitRow).where(
        col(WaitRow.upload_id).in_(ids), col(WaitRow.closed_at).is_(None)
    )
    return {row.upload_id: row for row in session.exec(statement.order_by(col(WaitRow.id)))}


def _view_verdict(row: DecisionRow) -> VerdictView:
    return VerdictView(
        verdict=row.verdict,
        version=row.version,
        source=row.source,
        who=row.who,
        comment_id=row.comment_id,
        comment_text=row.comment_text,
        reason=row.reason,
        score=row.score,
        at=row.at.isoformat(),
    )


def _view_hold(upload: UploadRow) -> HeldView | None:
    if upload.held_since is None:
        return None
    return HeldView(since=upload.held_since.isoformat(), reason=upload.held_reason or "")


def _view_delivery(row: DeliveryRow) -> DeliveryView:
    return DeliveryView(
        name=row.name,
        path=row.path,
        delivered_at=iso(row.delivered_at),
        recalled_at=iso(row.recalled_at),
    )
