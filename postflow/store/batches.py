"""Batches and files on disk: what was submitted together, and what each file's bytes are."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache

from sqlalchemy import ColumnElement, bindparam, exists, or_
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus
from postflow.store.announcements import Announcement, announce
from postflow.store.tables import BatchMemberRow, BatchRow, FileHashRow, UploadRow, WaitRow


def record_batch(
    session: Session, *, batch_id: str, upload_ids: Sequence[str], now: datetime
) -> None:
    """Add the batch and its members in order; the same call again changes nothing."""
    if session.get(BatchRow, batch_id) is None:
        session.add(BatchRow(batch_id=batch_id, created_at=now))
        session.flush()
    for position, upload_id in enumerate(upload_ids):
        if session.get(BatchMemberRow, (batch_id, upload_id)) is None:
            session.add(BatchMemberRow(batch_id=batch_id, upload_id=upload_id, position=position))
    session.flush()


def hold_batch(session: Session, batch_id: str, *, lease_until: datetime, now: datetime) -> None:
    """Say that a process is at work on the batch; adds it, still without members, if it is new."""
    if session.get(BatchRow, batch_id) is None:
        with suppress(IntegrityError), session.begin_nested():  # who submits it may be as fast
            session.add(BatchRow(batch_id=batch_id, created_at=now))
    row = session.get_one(BatchRow, batch_id)
    row.lease_until, row.end = lease_until, None
    session.flush()


def begin_batch(
    session: Session, batch_id: str, *, lease_until: datetime, now: datetime
) -> datetime:
    """Hold the batch for a process that begins; return since when it is at work.

    That is since an earlier process, if the tracker has started it again because that one died. A
    batch that had ended and is started again by a person begins now.
    """
    row = session.get(BatchRow, batch_id)
    had_ended = row is not None and (row.end is not None or row.lease_until is None)
    hold_batch(session, batch_id, lease_until=lease_until, now=now)
    row = session.get_one(BatchRow, batch_id)
    if had_ended or row.restarts == 0 or row.began_at is None:
        row.restarts, row.began_at = 0, now
    session.flush()
    return row.began_at


def end_batch(session: Session, batch_id: str, *, end: str, prefect_knows_by: datetime) -> None:
    """Say how the batch ended, by its own word, and by when Prefect will have heard of it."""
    row = session.get_one(BatchRow, batch_id)
    row.end, row.lease_until = end, prefect_knows_by


def release_batch(session: Session, batch_id: str) -> None:
    """Say that Prefect knows the end of the batch, or that nobody is brought back to it any more."""
    row = session.get(BatchRow, batch_id)
    if row is not None:
        row.lease_until = None


def is_batch_held(session: Session, batch_id: str) -> bool:
    """Whether a process is at work on the batch, will be brought back to it, or has just ended."""
    row = session.get(BatchRow, batch_id)
    return row is not None and row.lease_until is not None


def list_silent_batches(session: Session, *, now: datetime) -> list[BatchRow]:
    """Return the batches whose process should have spoken by now."""
    return list(session.exec(select(BatchRow).where(col(BatchRow.lease_until) <= now)))


def note_batch_restart(
    session: Session, batch_id: str, *, lease_until: datetime, seen_restarts: int
) -> int:
    """Count a restart and give it time to come back; 0 when another tracker was faster."""
    row = session.exec(
        select(BatchRow)
        .where(BatchRow.batch_id == batch_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if row is None or row.lease_until is None or row.restarts != seen_restarts:
        return 0
    row.restarts += 1
    row.lease_until = lease_until
    return row.restarts


def list_members(session: Session, batch_id: str) -> list[str]:
    """Return the batch's uploads in the order of submission."""
    statement = select(BatchMemberRow.upload_id).where(BatchMemberRow.batch_id == batch_id)
    return list(session.exec(statement.order_by(col(BatchMemberRow.position))))


def list_batches_of(session: Session, upload_id: str) -> list[str]:
    """Return the batches that this upload stands in."""
    return list(session.exec(_select_batches_of(), params={"upload_id": upload_id}))


@cache  # made once, see uploads.py
def _select_batches_of() -> SelectOfScalar[str]:
    statement = select(BatchMemberRow.batch_id).where(
        BatchMemberRow.upload_id == bindparam("upload_id")
    )
    # In one order: whoever locks several of them must not meet another who goes the other way.
    return statement.order_by(col(BatchMemberRow.batch_id))


def find_newest_batch(session: Session, upload_id: str) -> str | None:
    """Return the batch in which this upload was submitted last."""
    statement = (
        select(BatchRow.batch_id)
        .join(BatchMemberRow, col(BatchMemberRow.batch_id) == col(BatchRow.batch_id))
        .where(BatchMemberRow.upload_id == upload_id)
        .order_by(col(BatchRow.created_at).desc())
    )
    return session.exec(statement.limit(1)).first()


def lock_batch(session: Session, batch_id: str) -> None:
    """Keep other processes from doing anything about the batch in this transaction."""
    statement = select(BatchRow).where(BatchRow.batch_id == batch_id)
    session.exec(statement.with_for_update()).first()


def count_outcomes(session: Session, batch_id: str) -> dict[str, int]:
    """Return how many videos of the batch are in which review status."""
    statement = (
        select(col(UploadRow.review_status), func.count())
        .join(BatchMemberRow, col(BatchMemberRow.upload_id) == col(UploadRow.upload_id))
        .where(BatchMemberRow.batch_id == batch_id)
        .group_by(col(UploadRow.review_status))
    )
    return dict(session.exec(statement).all())


def close_decided_batches(session: Session, upload_id: str, *, now: datetime) -> list[str]:
    """Mark the batches in which this upload was the last one undecided; return them, once ever."""
    decided = []
    for batch_id in list_batches_of(session, upload_id):
        batch = session.exec(
            select(BatchRow).where(BatchRow.batch_id == batch_id).with_for_update()
        ).one()
        if batch.decided_at is None and not _has_undecided(session, batch_id):
            batch.decided_at = now
            decided.append(batch_id)
    session.flush()
    return decided


def announce_decided_batches(session: Session, upload: UploadRow, *, now: datetime) -> None:
    """Close and announce the batches in which this upload was the last one undecided, once ever."""
    for batch_id in close_decided_batches(session, upload.upload_id, now=now):
        told = {
            "batch_id": batch_id,
            "uploads": list_members(session, batch_id),
            "outcomes": count_outcomes(session, batch_id),
        }
        announce(session, Announcement.BATCH_DECIDED, upload, now=now, cause=batch_id, payload=told)


def list_missed_batches(session: Session) -> list[str]:
    """Return one upload of each batch that is decided without anybody having closed it.

    For example because all its videos were decided before it was submitted.
    """
    open_batches = session.exec(select(BatchRow.batch_id).where(col(BatchRow.decided_at).is_(None)))
    return [
        members[0]
        for batch_id in open_batches
        if not _has_undecided(session, batch_id) and (members := list_members(session, batch_id))
    ]


def cached_sha256(session: Session, *, path: str, size: int, modified_ns: int) -> str | None:
    """Return the file's sha256 if it was taken of exactly this size and time of change."""
    found = session.get(FileHashRow, path)
    if found is None or (found.size, found.modified_ns) != (size, modified_ns):
        return None
    return found.sha256


def cache_sha256(session: Session, *, path: str, size: int, modified_ns: int, sha256: str) -> None:
    """Remember a file's sha256 for as long as its size and time of change stay."""
    try:
        with session.begin_nested():
            session.merge(FileHashRow(path=path, size=size, modified_ns=modified_ns, sha256=sha256))
    except IntegrityError:
        return  # another process has hashed the same file at the same time


def _has_timed_out() -> ColumnElement[bool]:
    return exists().where(
        col(WaitRow.upload_id) == col(UploadRow.upload_id),
        col(WaitRow.version) == col(UploadRow.version),
        col(WaitRow.timed_out_at).is_not(None),
        # With the policy to keep waiting, a deadline that passed is no answer.
        col(WaitRow.due_at).is_not(None),
    )


def _has_undecided(session: Session, batch_id: str) -> bool:
    statement = (
        select(UploadRow.upload_id)
        .join(BatchMemberRow, col(BatchMemberRow.upload_id) == col(UploadRow.upload_id))
        .where(
            BatchMemberRow.batch_id == batch_id,
            or_(
                col(UploadRow.review_status) == ReviewStatus.PENDING,
                col(UploadRow.held_since).is_not(None),
                col(UploadRow.undo_until).is_not(None),
            ),
            UploadRow.status != UploadStatus.FAILED,
            col(UploadRow.cancelled_at).is_(None),
            ~_has_timed_out(),
        )
    )
    return session.exec(statement.limit(1)).first() is not None
