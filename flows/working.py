"""What every flow process needs: settings, the store, and a lease that shows that it lives."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from postflow.clock import utc_now
from postflow.errors import StoreError
from postflow.settings import Settings, load_settings
from postflow.store.database import Store, open_store
from postflow.store.flow_runs import claim_run, finish_run, renew_lease
from postflow.store.uploads import load_upload


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """Where a flow run works: which settings, which store, as which run."""

    settings: Settings
    store: Store
    flow_run_id: str


@contextmanager
def open_desk(flow_run_id: str) -> Iterator[Desk]:
    """Open settings and store; a store that was never migrated is refused, never created."""
    settings = load_settings()
    store = open_store(settings.database.url, busy_timeout=settings.database.busy_timeout)
    try:
        yield Desk(settings=settings, store=store, flow_run_id=flow_run_id)
    finally:
        store.close()


@contextmanager
def holding_lease(desk: Desk, upload_id: str) -> Iterator[None]:
    """Show for as long as the block runs that this process is alive and works on the upload.

    Leaving by suspension gives the lease back, so that silence means death only while it should
    be speaking. A process that is killed leaves it to run out.
    """
    lease = desk.settings.tracker.lease
    with desk.store.writing() as session:
        upload = load_upload(session, upload_id)
        now = utc_now()
        claim_run(
            session,
            flow_run_id=desk.flow_run_id,
            upload_id=upload_id,
            version=upload.version,
            lease_until=now + lease,
            now=now,
        )
    over = threading.Event()
    beat = threading.Thread(target=_beat, args=(desk, over), name="postflow-lease", daemon=True)
    beat.start()
    try:
        yield
    finally:
        over.set()
        beat.join()
        with desk.store.writing() as session:
            renew_lease(session, desk.flow_run_id, until=None)


def record_end(desk: Desk, *, note: str) -> None:
    """Say in the store that this flow run will do no more."""
    with desk.store.writing() as session:
        finish_run(session, desk.flow_run_id, note=note, now=utc_now())


def _beat(desk: Desk, over: threading.Event) -> None:
    every = desk.settings.tracker.lease_renewal.total_seconds()
    while not over.wait(every):
        try:
            with desk.store.writing() as session:
                renew_lease(
                    session, desk.flow_run_id, until=utc_now() + desk.settings.tracker.lease
                )
        except StoreError:
            continue  # the next beat may reach the store again; the lease is six beats long
