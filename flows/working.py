"""What every flow process needs: settings, the store, and a lease that shows that it lives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from prefect.exceptions import Pause
from sqlmodel import Session

from flows.patience import patient, wait_for_store
from postflow.clock import utc_now
from postflow.errors import ClaimLostError, StoreError
from postflow.settings import Settings, load_settings
from postflow.store.batches import begin_batch, end_batch, hold_batch
from postflow.store.database import Store, open_store
from postflow.store.flow_runs import (
    check_holder,
    claim_run,
    finish_run,
    last_attempt,
    load_run,
    renew_lease,
)
from postflow.store.uploads import load_upload
from postflow.store.waits import close_superseded_waits, note_suspension
from postflow.submitting import revive_upload

_BUSY_TIMEOUT = timedelta(seconds=30)
"""How long a flow waits in line for a locked store; unlike a webhook's sender it can."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """Where a flow run works: which settings, which store, as which run, in which process."""

    settings: Settings
    store: Store
    flow_run_id: str
    holder: str = field(default_factory=lambda: uuid4().hex)


@contextmanager
def open_desk(flow_run_id: str) -> Iterator[Desk]:
    """Open settings and store; a store that was never migrated is refused, never created.

    A store that is away is waited for, see `flows.patience`.
    """
    settings = load_settings()
    busy_timeout = max(settings.database.busy_timeout, _BUSY_TIMEOUT)
    store = wait_for_store(
        lambda: open_store(settings.database.url, busy_timeout=busy_timeout),
        patience=settings.database.patience,
    )
    try:
        yield Desk(settings=settings, store=store, flow_run_id=flow_run_id)
    finally:
        store.close()


@contextmanager
def holding_lease(desk: Desk, upload_id: str) -> Iterator[None]:
    """Show for as long as the block runs that this process is alive and works on the upload.

    Leaving by suspension gives the lease back, so that silence means death only while it should
    be speaking. A process that is killed or told to end leaves it to run out, and the tracker
    brings the run back. Raises ClaimLostError once another process has taken the run over: then
    this one was silent for too long, and must not say anything about the run any more.
    """

    def renew(session: Session) -> None:
        check_holder(session, desk.flow_run_id, holder=desk.holder)
        renew_lease(session, desk.flow_run_id, until=utc_now() + desk.settings.tracker.lease)

    _claim(desk, upload_id)
    try:
        with _beating(desk, renew):
            yield
    except Pause:
        # Prefect may start the next process by now. Without the store the lease just runs out.
        with suppress(StoreError):
            _give_back(desk)
        raise
    except StoreError:
        raise  # nobody to tell, or nothing that this process may tell
    except Exception as error:
        record_end(desk, note=f"{type(error).__name__}: {error}")
        raise


@patient
def _claim(desk: Desk, upload_id: str) -> None:
    """Take the upload on; a run that had ended and is started again by a person begins anew."""
    with desk.store.writing() as session:
        upload = load_upload(session, upload_id, lock=True)
        known = load_run(session, desk.flow_run_id)
        now = utc_now()
        if known is None or known.finished_at is not None:
            revive_upload(session, upload, now=now)
        row = claim_run(
            session,
            flow_run_id=desk.flow_run_id,
            upload_id=upload_id,
            version=upload.version,
            holder=desk.holder,
            lease_until=now + desk.settings.tracker.lease,
            now=now,
        )
        if row.version != upload.version:
            last = last_attempt(session, upload_id, upload.version)
            row.version, row.attempt = upload.version, last.attempt + 1 if last else 1
        close_superseded_waits(session, upload, flow_run_id=desk.flow_run_id, now=now)


def _give_back(desk: Desk) -> None:
    with desk.store.writing() as session:
        check_holder(session, desk.flow_run_id, holder=desk.holder)
        renew_lease(session, desk.flow_run_id, until=None)


@patient
def check_lease(desk: Desk) -> None:
    """Raise ClaimLostError if another process has taken this run over."""
    with desk.store.reading() as session:
        check_holder(session, desk.flow_run_id, holder=desk.holder)


@patient
def record_suspension(desk: Desk) -> None:
    """Say in the store that this process leaves now; ClaimLostError if the run is not ours."""
    with desk.store.writing() as session:
        check_holder(session, desk.flow_run_id, holder=desk.holder)
        note_suspension(session, desk.flow_run_id, now=utc_now())


@patient
def record_end(desk: Desk, *, note: str) -> None:
    """Say in the store that this flow run will do no more; ClaimLostError if it is not ours.

    Prefect hears of it afterwards; if this process dies before, the tracker tells it.
    """
    now = utc_now()
    with desk.store.writing() as session:
        check_holder(session, desk.flow_run_id, holder=desk.holder)
        until = now + desk.settings.tracker.lease
        finish_run(session, desk.flow_run_id, note=note, now=now, prefect_knows_by=until)


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldBatch:
    """A batch that this process works on."""

    since: datetime
    """Since when it is at work: by another process before, if that one died."""
    record_end: Callable[[str], None]
    """Takes the batch's end as Prefect will show it; it is recorded after the block."""


@contextmanager
def holding_batch(desk: Desk) -> Iterator[HeldBatch]:
    """Show for as long as the block runs that this process is alive and works on the batch.

    If it dies between recording the batch's end and telling Prefect, the tracker tells it. Unlike
    a video's, a batch's work may be done by two processes at once: all of it is found again.
    """
    ends: list[str] = []

    def renew(session: Session) -> None:
        now = utc_now()
        until = now + desk.settings.tracker.lease
        hold_batch(session, desk.flow_run_id, lease_until=until, now=now)

    since = _begin_batch(desk)
    with _beating(desk, renew):
        yield HeldBatch(since=since, record_end=ends.append)
    if ends:
        _end_batch(desk, ends[-1])


@patient
def _begin_batch(desk: Desk) -> datetime:
    now = utc_now()
    with desk.store.writing() as session:
        until = now + desk.settings.tracker.lease
        return begin_batch(session, desk.flow_run_id, lease_until=until, now=now)


@patient
def _end_batch(desk: Desk, end: str) -> None:
    until = utc_now() + desk.settings.tracker.lease
    with desk.store.writing() as session:
        end_batch(session, desk.flow_run_id, end=end, prefect_knows_by=until)


@contextmanager
def _beating(desk: Desk, renew: Callable[[Session], None]) -> Iterator[None]:
    over = threading.Event()
    beat = threading.Thread(
        target=_beat, args=(desk, renew, over), name="postflow-lease", daemon=True
    )
    beat.start()
    try:
        yield
    finally:
        over.set()
        beat.join()


def _beat(desk: Desk, renew: Callable[[Session], None], over: threading.Event) -> None:
    every = desk.settings.tracker.lease_renewal.total_seconds()
    while not over.wait(every):
        try:
            with desk.store.writing() as session:
                renew(session)
        except ClaimLostError:
            return  # the lease is another process's; ours learns of it at its next step
        except StoreError:
            continue  # the next beat may reach the store again; the lease is six beats long
