"""The ledger of wake-ups: each wait of an upload, and what it took to wake its flow run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from postflow.domain.runs import RunState
from postflow.store.tables import WaitRow, WakeUpRow
from postflow.store.upload_views import view_wait
from postflow.store.view_types import LedgerView, WakeUpView


def note_attempt(
    session: Session,
    wait_id: int,
    *,
    answer: str,
    try_at: datetime,
    now: datetime,
    state: RunState | None = None,
    asked: bool = False,
    accepted: bool = False,
) -> None:
    """Write into the ledger what Prefect said to a wake-up, and when to look again."""
    wait = session.get_one(WaitRow, wait_id)
    if wait.closed_at is not None:
        return
    wait.attempts += 1
    wait.last_answer, wait.try_at = answer, try_at
    if accepted:
        wait.accepted_at = now
    if asked or _is_news(session, wait_id, state, answer):
        session.add(
            WakeUpRow(
                wait_id=wait_id, at=now, state=state, asked=asked, accepted=accepted, answer=answer
            )
        )


def _is_news(session: Session, wait_id: int, state: RunState | None, answer: str) -> bool:
    newest = (
        select(WakeUpRow).where(WakeUpRow.wait_id == wait_id).order_by(col(WakeUpRow.id).desc())
    )
    last = session.exec(newest.limit(1)).first()
    return last is None or (last.state, last.answer) != (state, answer)


def list_wake_ups(session: Session, wait_ids: Sequence[int]) -> dict[int, list[WakeUpRow]]:
    """Return what was tried for each of these waits, oldest first."""
    found: dict[int, list[WakeUpRow]] = defaultdict(list)
    statement = select(WakeUpRow).where(col(WakeUpRow.wait_id).in_(wait_ids))
    for row in session.exec(statement.order_by(col(WakeUpRow.id))):
        found[row.wait_id].append(row)
    return found


def read_ledger(session: Session, upload_id: str) -> list[LedgerView]:
    """Return every wait for the upload with all that was tried, the oldest first."""
    statement = select(WaitRow).where(WaitRow.upload_id == upload_id)
    waits = session.exec(statement.order_by(col(WaitRow.created_at), col(WaitRow.id))).all()
    wake_ups = list_wake_ups(session, [wait.id or 0 for wait in waits])
    return [
        LedgerView(**view_wait(wait), wake_ups=[_view(row) for row in wake_ups[wait.id or 0]])
        for wait in waits
    ]


def _view(row: WakeUpRow) -> WakeUpView:
    return WakeUpView(
        at=row.at.isoformat(),
        state=row.state,
        asked=row.asked,
        accepted=row.accepted,
        answer=row.answer,
    )
