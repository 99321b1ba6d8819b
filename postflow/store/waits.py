"""The outbox of wake-ups: who waits for what, whose answer is there, and what Prefect said.

An answer marks the wait due in the transaction that made the answer; the resumer then tries until
the flow run itself closes the wait. A resume is only a wake-up call: it may be lost or repeated.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import bindparam
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import Select, SelectOfScalar

from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus, WaitKind, WaitOutcome
from postflow.domain.waiting import answer_wait
from postflow.settings.sections import OnRejected, ReviewSettings, TimeoutPolicy
from postflow.store.decisions import last_decision
from postflow.store.review_deadlines import arm_deadline
from postflow.store.tables import FlowRunRow, UploadRow, WaitRow
from postflow.store.uploads import load_upload, load_version

_MARKED = "marked"


def open_wait(
    session: Session,
    *,
    upload: UploadRow,
    kind: WaitKind,
    flow_run_id: str,
    now: datetime,
    timeout: timedelta | None,
) -> WaitRow:
    """Return this run's open wait of this kind, made now if there is none.

    The deadline counts from the first time: a resumed run does not get more patience. The
    upload is locked, so that an answer is either seen by the run's next look or marks this wait.
    """
    load_upload(session, upload.upload_id, lock=True)
    close_superseded_waits(session, upload, flow_run_id=flow_run_id, now=now)
    found = find_open_wait(session, upload=upload, kind=kind, flow_run_id=flow_run_id)
    if found is not None:
        return found
    wait = WaitRow(
        upload_id=upload.upload_id,
        version=upload.version,
        kind=kind,
        flow_run_id=flow_run_id,
        created_at=now,
        deadline=now + timeout if timeout else None,
    )
    session.add(wait)
    session.flush()
    if kind is WaitKind.APPROVAL:
        arm_deadline(session, upload, now=now)
    return wait


def find_open_wait(
    session: Session, *, upload: UploadRow, kind: WaitKind, flow_run_id: str
) -> WaitRow | None:
    """Return this run's open wait of this kind for the upload's current version."""
    return session.exec(
        select(WaitRow).where(
            WaitRow.flow_run_id == flow_run_id,
            WaitRow.upload_id == upload.upload_id,
            WaitRow.version == upload.version,
            WaitRow.kind == kind,
            col(WaitRow.closed_at).is_(None),
        )
    ).first()


def read_answer(wait: WaitRow, upload: UploadRow, review: ReviewSettings) -> WaitOutcome | None:
    """Return how the wait ends as things stand, or None while it goes on."""
    on_rejected = upload.on_rejected or review.on_rejected
    return answer_wait(
        WaitKind(wait.kind),
        status=UploadStatus(upload.status),
        review=ReviewStatus(upload.review_status),
        cancelled=upload.cancelled_at is not None,
        timed_out=wait.timed_out_at is not None
        and review.on_timeout is not TimeoutPolicy.KEEP_WAITING,
        finish_on_rejection=on_rejected == OnRejected.FINISH,
        reject_on_timeout=review.on_timeout is TimeoutPolicy.REJECT,
        superseded=wait.version != upload.version,
        held=upload.held_since is not None,
        undoable=upload.undo_until is not None,
    )


def mark_due_waits(
    session: Session, upload: UploadRow, *, review: ReviewSettings, now: datetime
) -> None:
    """Mark this upload's open waits due where there is an answer.

    A verdict that was withdrawn before anybody was woken makes its wait undue again.
    """
    asked = {"upload_id": upload.upload_id}
    for wait, restarts in session.exec(_select_open_with_restarts(), params=asked):
        if read_answer(wait, upload, review) is None:
            wait.due_at = wait.try_at = wait.accepted_at = None
        elif wait.due_at is None:
            wait.due_at = wait.try_at = now
            session.info.setdefault(_MARKED, {})[wait.id] = wait, restarts
    session.flush()


def list_marked_waits(session: Session) -> list[tuple[WaitRow, int]]:
    """Return what this session has marked due, as `list_due_waits` gives those nobody has called.

    Once it is committed, whoever made the answer can have them called without looking for them.
    """
    marked: dict[int, tuple[WaitRow, int]] = session.info.get(_MARKED, {})
    return [
        (wait, restarts)
        for wait, restarts in marked.values()
        if wait.due_at is not None and wait.closed_at is None and wait.attempts == 0
    ]


@cache
def _select_open_with_restarts() -> Select[WaitRow, int]:
    return _with_restarts().where(WaitRow.upload_id == bindparam("upload_id"))


def close_wait(
    session: Session, wait_id: int, *, review: ReviewSettings, now: datetime
) -> WaitOutcome | None:
    """Close the wait with the answer as it is in this transaction; None leaves it open.

    Closing a closed wait gives its outcome again, so a run that was killed in between goes on.
    """
    wait = session.get_one(WaitRow, wait_id)
    upload = load_upload(session, wait.upload_id, lock=True)
    session.refresh(wait)
    if wait.outcome is not None:
        return WaitOutcome(wait.outcome)
    answer = read_answer(wait, upload, review)
    if answer is not None:
        wait.closed_at, wait.outcome = now, answer
        wait.try_at = None
        session.flush()
    return answer


def close_superseded_waits(
    session: Session, upload: UploadRow, *, flow_run_id: str, now: datetime
) -> None:
    """Close what this run has left open for older versions: it goes on with the current one."""
    for wait in _open_waits(session, upload.upload_id):
        if wait.flow_run_id == flow_run_id and wait.version != upload.version:
            wait.closed_at, wait.outcome = now, WaitOutcome.SUPERSEDED
            wait.try_at = None
    session.flush()


def abandon_waits(session: Session, flow_run_id: str, *, note: str, now: datetime) -> list[WaitRow]:
    """Close the open waits of a run that will never come back, and return them."""
    statement = select(WaitRow).where(
        WaitRow.flow_run_id == flow_run_id, col(WaitRow.closed_at).is_(None)
    )
    abandoned = list(session.exec(statement.with_for_update()))
    for wait in abandoned:
        wait.closed_at, wait.outcome, wait.last_answer = now, WaitOutcome.CANCELLED, note
        wait.try_at = None
    session.flush()
    return abandoned


def list_due_waits(
    session: Session, *, now: datetime, tried: bool, limit: int = 200
) -> list[tuple[WaitRow, int]]:
    """Return the waits that are owed a wake-up by now, or one more, the longest due first.

    With each how often its flow run was restarted.
    """
    return list(session.exec(_select_due(tried=tried), params={"now": now, "limit": limit}))


@cache  # made once, see uploads.py
def _select_due(*, tried: bool) -> Select[WaitRow, int]:
    return (
        _with_restarts()
        .where(col(WaitRow.due_at).is_not(None), col(WaitRow.try_at) <= bindparam("now"))
        .where(col(WaitRow.attempts) > 0 if tried else col(WaitRow.attempts) == 0)
        .order_by(col(WaitRow.due_at))
        .limit(bindparam("limit"))
    )


def list_open_waits(session: Session) -> list[tuple[WaitRow, int]]:
    """Return everybody who waits, the longest first, with how often its run was restarted."""
    return list(session.exec(_with_restarts().order_by(col(WaitRow.created_at))))


def _with_restarts() -> Select[WaitRow, int]:
    restarts = func.coalesce(col(FlowRunRow.restarts), 0)
    return (
        select(WaitRow, restarts)
        .join(FlowRunRow, col(FlowRunRow.flow_run_id) == col(WaitRow.flow_run_id), isouter=True)
        .where(col(WaitRow.closed_at).is_(None))
    )


def note_suspension(session: Session, flow_run_id: str, *, now: datetime) -> None:
    """Write down that the run's process leaves now, to be woken for whatever it waits for."""
    statement = select(WaitRow).where(
        WaitRow.flow_run_id == flow_run_id, col(WaitRow.closed_at).is_(None)
    )
    for wait in session.exec(statement.with_for_update()):
        wait.suspended_at = now
    session.flush()


def mark_answered_before(
    session: Session, wait: WaitRow, upload: UploadRow, *, review: ReviewSettings, now: datetime
) -> None:
    """Mark a wait due since its verdict came, if that was before anybody waited for it.

    It is owed a wake-up like any other, should its process die before it takes the answer.
    """
    if wait.due_at is not None or read_answer(wait, upload, review) is None:
        return
    wait.due_at, wait.try_at = _answered_at(session, wait, upload) or now, now
    session.flush()


def _answered_at(session: Session, wait: WaitRow, upload: UploadRow) -> datetime | None:
    if upload.cancelled_at is not None:
        return upload.cancelled_at
    if wait.kind == WaitKind.READY:
        return load_version(session, upload).ready_at
    decision = last_decision(session, upload.upload_id, version=wait.version)
    return decision.decided_at if decision else None


def list_uploads_with_expired_waits(session: Session, *, now: datetime) -> list[str]:
    """Return the uploads with an open wait without an answer whose deadline has passed."""
    return list(dict.fromkeys(wait.upload_id for wait in session.exec(_expired(now))))


def list_expired_waits_of(session: Session, upload_id: str, *, now: datetime) -> list[WaitRow]:
    """Return the expired waits of one upload, as they are in this transaction."""
    statement = _expired(now).where(WaitRow.upload_id == upload_id)
    return list(session.exec(statement.execution_options(populate_existing=True)))


def _expired(now: datetime) -> SelectOfScalar[WaitRow]:
    return select(WaitRow).where(
        col(WaitRow.closed_at).is_(None),
        col(WaitRow.timed_out_at).is_(None),
        col(WaitRow.due_at).is_(None),
        col(WaitRow.deadline) <= now,
    )


def is_awaited(session: Session, upload: UploadRow) -> bool:
    """Whether a flow run waits for the verdict on the upload's current version."""
    statement = select(WaitRow.id).where(
        WaitRow.upload_id == upload.upload_id,
        WaitRow.version == upload.version,
        WaitRow.kind == WaitKind.APPROVAL,
        col(WaitRow.closed_at).is_(None),
    )
    return session.exec(statement.limit(1)).first() is not None


def list_unanswered_waits(session: Session) -> list[tuple[WaitRow, UploadRow]]:
    """Return the waits that nothing has marked due so far, each with its upload."""
    statement = (
        select(WaitRow, UploadRow)
        .join(UploadRow, col(UploadRow.upload_id) == col(WaitRow.upload_id))
        .where(col(WaitRow.closed_at).is_(None), col(WaitRow.due_at).is_(None))
    )
    return list(session.exec(statement))


def _open_waits(session: Session, upload_id: str) -> list[WaitRow]:
    return list(session.exec(_select_open(), params={"upload_id": upload_id}))


@cache
def _select_open() -> SelectOfScalar[WaitRow]:
    return select(WaitRow).where(
        WaitRow.upload_id == bindparam("upload_id"), col(WaitRow.closed_at).is_(None)
    )
