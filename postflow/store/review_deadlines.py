"""Since when reviewers are awaited, per version: armed, disarmed, and what is due by now.

Only the tracker acts on it (`tracker/deadlines.py`), by its own clock. Arming needs no settings: a
row that was just armed is due at once, and the tracker then plans when to look again.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select, update

from postflow.domain.standing import ReviewStatus
from postflow.store.tables import ReviewDeadlineRow, UploadRow


def find_deadline(session: Session, upload: UploadRow) -> ReviewDeadlineRow | None:
    """Return the row of the upload's current version, if its reviewers were ever awaited."""
    return session.get(ReviewDeadlineRow, (upload.upload_id, upload.version))


def arm_deadline(session: Session, upload: UploadRow, *, now: datetime) -> None:
    """Begin to count how long the current version waits for its reviewers, from now.

    A version that is decided has nobody to remind. `upload` must be loaded with `lock`.
    """
    if upload.review_status != ReviewStatus.PENDING:
        return
    row = find_deadline(session, upload)
    if row is None:
        row = ReviewDeadlineRow(upload_id=upload.upload_id, version=upload.version, started_at=now)
        session.add(row)
    row.started_at = row.next_at = now
    row.reminded = 0
    row.escalated_at = row.timed_out_at = row.ended_at = None
    session.flush()


def disarm_deadline(session: Session, upload: UploadRow, *, now: datetime) -> None:
    """Stop counting: nobody is to be reminded of the current version any more."""
    # With its values in it: a session would not see in its rows what comes as parameters.
    session.exec(
        update(ReviewDeadlineRow)
        .where(
            col(ReviewDeadlineRow.upload_id) == upload.upload_id,
            col(ReviewDeadlineRow.version) == upload.version,
            col(ReviewDeadlineRow.ended_at).is_(None),
        )
        .values(ended_at=now, next_at=None)
    )


def list_due_deadlines(session: Session, *, now: datetime, limit: int = 200) -> list[str]:
    """Return the uploads of which somebody may have to be told by now, the longest due first."""
    statement = (
        select(ReviewDeadlineRow.upload_id)
        .where(col(ReviewDeadlineRow.next_at) <= now)
        .order_by(col(ReviewDeadlineRow.next_at))
        .limit(limit)
    )
    return list(dict.fromkeys(session.exec(statement)))


def list_upload_deadlines(
    session: Session, upload_id: str, *, now: datetime
) -> list[ReviewDeadlineRow]:
    """Return what is due of one upload, as it is in this transaction."""
    statement = (
        select(ReviewDeadlineRow)
        .where(ReviewDeadlineRow.upload_id == upload_id, col(ReviewDeadlineRow.next_at) <= now)
        .execution_options(populate_existing=True)
    )
    return list(session.exec(statement))


def plan_anew(session: Session, *, now: datetime) -> None:
    """Make everything due that is armed: the settings may be others than when it was planned."""
    session.exec(
        update(ReviewDeadlineRow)
        .where(col(ReviewDeadlineRow.ended_at).is_(None))
        .values(next_at=now)
    )
