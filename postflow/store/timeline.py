"""Everything that happened to one upload, in the order of time; made for people who ask why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Session, col, select

from postflow.store.tables import (
    CommentRevisionRow,
    CommentRow,
    DecisionRow,
    DeliveryRow,
    EventRow,
    RulingRow,
    UploadRow,
    VersionRow,
    WaitRow,
    WakeUpRow,
)
from postflow.store.upload_views import view_wait
from postflow.store.view_types import TimelineEntry
from postflow.store.wake_ups import list_wake_ups


def timeline(
    session: Session, upload_id: str, *, at: datetime | None = None
) -> list[TimelineEntry]:
    """Return what happened to the upload, the oldest first; nothing where there is no upload.

    With `at` only what PostFlow knew at that moment, so not what it read later of earlier things.
    """
    upload = session.get(UploadRow, upload_id)
    if upload is None:
        return []
    entries = [
        *_tell_upload(session, upload),
        *_tell_comments(session, upload_id, known_by=at),
        *_tell_rulings(session, upload_id, known_by=at),
        *_tell_events(session, upload_id),
        *_tell_decisions(session, upload_id),
        *_tell_waits(session, upload_id),
        *_tell_deliveries(session, upload_id),
    ]
    told = [each for each in entries if at is None or datetime.fromisoformat(each["at"]) <= at]
    return sorted(told, key=lambda entry: datetime.fromisoformat(entry["at"]))


def is_our_word(entry: TimelineEntry) -> bool:
    """Whether the entry's text is PostFlow's, and not what a person or Frame.io said."""
    return entry["kind"] in {"version", "failed", "cancelled", "wait", "delivery"}


def _entry(
    at: datetime,
    kind: str,
    *,
    version: int | None = None,
    who: str = "",
    text: str = "",
    verdict: str | None = None,
    score: float | None = None,
    reason: str = "",
    comment_id: str | None = None,
) -> TimelineEntry:
    return TimelineEntry(
        at=at.isoformat(),
        kind=kind,
        version=version,
        who=who,
        text=text,
        verdict=verdict,
        score=score,
        reason=reason,
        comment_id=comment_id,
    )


def _tell_upload(session: Session, upload: UploadRow) -> Iterator[TimelineEntry]:
    versions = session.exec(select(VersionRow).where(VersionRow.upload_id == upload.upload_id))
    for version in versions:
        steps = [
            (version.created_at, f"registered as {version.filename}"),
            (version.uploaded_at, "every byte is on Frame.io"),
            (version.ready_at, "ready to be watched"),
        ]
        for at, text in steps:
            if at is not None:
                yield _entry(at, "version", version=version.version, text=text)
    if upload.failure:
        yield _entry(upload.updated_at, "failed", version=upload.version, text=upload.failure)
    if upload.cancelled_at is not None:
        yield _entry(upload.cancelled_at, "cancelled", version=upload.version, text="given up")


def _tell_comments(
    session: Session, upload_id: str, *, known_by: datetime | None
) -> Iterator[TimelineEntry]:
    statement = (
        select(CommentRevisionRow, CommentRow)
        .join(CommentRow, col(CommentRow.comment_id) == col(CommentRevisionRow.comment_id))
        .where(CommentRow.upload_id == upload_id)
    )
    if known_by is not None:
        statement = statement.where(col(CommentRevisionRow.seen_at) <= known_by)
    for revision, comment in session.exec(statement):
        done = "comment edited" if revision.sequence > 1 else "comment"
        is_newest = revision.text == comment.text and not revision.deleted
        yield _entry(
            revision.at,
            "comment deleted" if revision.deleted else done,
            version=comment.version,
            who=comment.author_name or comment.author_email or "somebody unknown",
            text=revision.text,
            verdict=comment.verdict if is_newest else None,
            score=comment.score if is_newest else None,
            reason=comment.reason if is_newest else "",
            comment_id=comment.comment_id,
        )


def _tell_rulings(
    session: Session, upload_id: str, *, known_by: datetime | None
) -> Iterator[TimelineEntry]:
    statement = select(RulingRow).where(RulingRow.upload_id == upload_id)
    if known_by is not None:
        statement = statement.where(col(RulingRow.seen_at) <= known_by)
    for ruling in session.exec(statement):
        yield _entry(
            ruling.at,
            ruling.source,
            version=ruling.version,
            who=ruling.person_name or ruling.person_email or _find_name(session, ruling),
            text=ruling.value,
            reason=ruling.reason,
        )


def _find_name(session: Session, ruling: RulingRow) -> str:
    """Return the name under which somebody has commented whom a webhook names by id alone."""
    wrote = select(CommentRow.author_name).where(CommentRow.author_id == ruling.person_id)
    known = session.exec(wrote.limit(1)).first() if ruling.person_id else None
    return known or "somebody unknown"


def _tell_events(session: Session, upload_id: str) -> Iterator[TimelineEntry]:
    for event in session.exec(select(EventRow).where(EventRow.upload_id == upload_id)):
        yield _entry(
            event.received_at, "event", text=event.event_type or "", reason=event.note or ""
        )


def _tell_decisions(session: Session, upload_id: str) -> Iterator[TimelineEntry]:
    for decision in session.exec(select(DecisionRow).where(DecisionRow.upload_id == upload_id)):
        yield _entry(
            decision.decided_at,
            "decision",
            version=decision.version,
            who=decision.who,
            text=decision.comment_text or "",
            verdict=decision.verdict,
            score=decision.score,
            reason=decision.reason,
            comment_id=decision.comment_id,
        )


def _tell_waits(session: Session, upload_id: str) -> Iterator[TimelineEntry]:
    waits = session.exec(select(WaitRow).where(WaitRow.upload_id == upload_id)).all()
    wake_ups = list_wake_ups(session, [wait.id or 0 for wait in waits])
    for wait in waits:
        run = f"flow run {wait.flow_run_id}"
        early = view_wait(wait)["early"] or ""
        steps = [
            (wait.created_at, f"waits for {wait.kind}", run),
            (wait.suspended_at, "suspended: no process is left of the run", run),
            (wait.due_at, f"its answer was there ({wait.kind})", early),
            (wait.timed_out_at, f"nobody answered in time ({wait.kind})", ""),
            *((each.at, _say_wake_up(each), each.answer) for each in wake_ups[wait.id or 0]),
            (wait.closed_at, f"went on: {wait.outcome}", f"{run}; {_say_tries(wait)}"),
        ]
        for at, text, reason in steps:
            if at is not None:
                yield _entry(at, "wait", version=wait.version, text=text, reason=reason)


def _say_wake_up(row: WakeUpRow) -> str:
    if row.state is None:
        return "could not be woken: Prefect did not answer"
    if row.asked:
        told = "and accepted" if row.accepted else f"it is {row.state}"
        return f"Prefect was asked to wake it, {told}"
    return f"looked at, it is {row.state}"


def _say_tries(wait: WaitRow) -> str:
    return f"{wait.attempts} tries to wake it" if wait.attempts else "nobody had to wake it"


def _tell_deliveries(session: Session, upload_id: str) -> Iterator[TimelineEntry]:
    for delivery in session.exec(select(DeliveryRow).where(DeliveryRow.upload_id == upload_id)):
        steps = [
            (delivery.claimed_at, f"delivery {delivery.name} begun"),
            (delivery.delivered_at, f"delivered to {delivery.path}"),
            (delivery.recalled_at, "recalled: the approval was taken back after delivery"),
        ]
        for at, text in steps:
            if at is not None:
                yield _entry(at, "delivery", version=delivery.version, text=text)
