"""Which Prefect flow run works on which version, and the lease that shows it is alive."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from sqlalchemy import bindparam
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from postflow.errors import ClaimLostError
from postflow.store.tables import FlowRunRow


def last_attempt(session: Session, upload_id: str, version: int) -> FlowRunRow | None:
    """Return the newest run that worked, or is to work, on this version."""
    asked = {"upload_id": upload_id, "version": version}
    return session.exec(_select_last_attempt(), params=asked).first()


@cache  # made once, see uploads.py
def _select_last_attempt() -> SelectOfScalar[FlowRunRow]:
    statement = select(FlowRunRow).where(
        FlowRunRow.upload_id == bindparam("upload_id"), FlowRunRow.version == bindparam("version")
    )
    return statement.order_by(col(FlowRunRow.attempt).desc()).limit(1)


def find_latest_run(session: Session, upload_id: str) -> FlowRunRow | None:
    """Return the run that works, or worked last, on any version of the upload."""
    statement = select(FlowRunRow).where(FlowRunRow.upload_id == upload_id)
    newest = (col(FlowRunRow.version).desc(), col(FlowRunRow.attempt).desc())
    return session.exec(statement.order_by(*newest)).first()


def plan_attempt(
    session: Session, upload_id: str, version: int, *, attempt: int, now: datetime
) -> FlowRunRow:
    """Return the row of this attempt, made if it is new."""
    statement = select(FlowRunRow).where(
        FlowRunRow.upload_id == upload_id,
        FlowRunRow.version == version,
        FlowRunRow.attempt == attempt,
    )
    found = session.exec(statement).first()
    if found is None:
        found = FlowRunRow(upload_id=upload_id, version=version, attempt=attempt, created_at=now)
        session.add(found)
        session.flush()
    return found


def claim_run(
    session: Session,
    *,
    flow_run_id: str,
    upload_id: str,
    version: int,
    lease_until: datetime,
    now: datetime,
    holder: str | None = None,
) -> FlowRunRow:
    """Say that this flow run's process is alive and works on the version; idempotent.

    `holder` names the process; one that claimed the run before has lost it by this.
    """
    row = load_run(session, flow_run_id)
    if row is None:
        last = last_attempt(session, upload_id, version)
        if last is not None and last.flow_run_id is None:
            row = last
            row.flow_run_id = flow_run_id
        else:
            row = plan_attempt(
                session, upload_id, version, attempt=last.attempt + 1 if last else 1, now=now
            )
            row.flow_run_id = flow_run_id
    row.lease_until, row.finished_at, row.holder = lease_until, None, holder
    session.flush()
    return row


def check_holder(session: Session, flow_run_id: str, *, holder: str) -> None:
    """Raise ClaimLostError unless this process is the last one that claimed the run."""
    statement = select(FlowRunRow.holder).where(FlowRunRow.flow_run_id == flow_run_id)
    # Locked, so that nobody takes the run over between this and what the caller writes.
    if session.exec(statement.with_for_update()).first() != holder:
        raise ClaimLostError(
            f"The flow run {flow_run_id} was not heard of for too long and is worked on by another "
            "process; this one ends without a word."
        )


def renew_lease(session: Session, flow_run_id: str, *, until: datetime | None) -> None:
    """Prolong the lease, or give it back with None before the process suspends or ends."""
    row = load_run(session, flow_run_id)
    if row is not None and row.finished_at is None:
        row.lease_until = until


def finish_run(
    session: Session,
    flow_run_id: str,
    *,
    note: str,
    now: datetime,
    prefect_knows_by: datetime | None = None,
) -> None:
    """Say that this run will do no more, and how it ended.

    A process that still has to tell Prefect so, and may die before it can, says by when it will have.
    """
    row = load_run(session, flow_run_id)
    if row is not None:
        row.finished_at, row.lease_until, row.note = now, prefect_knows_by, note


def note_end_is_known(session: Session, flow_run_id: str) -> None:
    """Say that Prefect knows, too, that this run has finished."""
    row = load_run(session, flow_run_id)
    if row is not None and row.finished_at is not None:
        row.lease_until = None


def load_run(session: Session, flow_run_id: str) -> FlowRunRow | None:
    """Return what is known of a flow run."""
    return session.exec(_select_run(), params={"flow_run_id": flow_run_id}).first()


@cache
def _select_run() -> SelectOfScalar[FlowRunRow]:
    return select(FlowRunRow).where(FlowRunRow.flow_run_id == bindparam("flow_run_id"))


def list_expired_runs(session: Session, *, now: datetime) -> list[FlowRunRow]:
    """Return the runs whose process has said nothing for too long, to us or to Prefect."""
    return list(session.exec(_select_expired(), params={"now": now}))


@cache
def _select_expired() -> SelectOfScalar[FlowRunRow]:
    return select(FlowRunRow).where(col(FlowRunRow.lease_until) <= bindparam("now"))


def expect_sign_of_life(
    session: Session,
    flow_run_id: str,
    *,
    upload_id: str,
    version: int,
    until: datetime,
    now: datetime,
) -> None:
    """Give a run that claims to work, but holds no lease, until then to take one.

    A process killed just before it suspends, or just after its start, would never be missed.
    """
    row = load_run(session, flow_run_id)
    if row is None:
        claim_run(
            session,
            flow_run_id=flow_run_id,
            upload_id=upload_id,
            version=version,
            lease_until=until,
            now=now,
        )
    elif row.lease_until is None and row.finished_at is None:
        row.lease_until = until


def note_restart(
    session: Session, flow_run_id: str, *, lease_until: datetime, seen_restarts: int | None = None
) -> int:
    """Count a restart of this run, give it time to come back, and return the count.

    0 means leave it: nothing is known of it, or another tracker has restarted it since
    `seen_restarts` was read, and a second time would run it twice.
    """
    statement = select(FlowRunRow).where(FlowRunRow.flow_run_id == flow_run_id)
    row = session.exec(
        statement.with_for_update().execution_options(populate_existing=True)
    ).first()
    if row is None or (seen_restarts is not None and row.restarts != seen_restarts):
        return 0
    row.restarts += 1
    row.lease_until, row.holder = lease_until, None
    return row.restarts
