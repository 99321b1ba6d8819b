"""Flow processes wait for a store that is away, and say so once."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlmodel import func, select

from flows.patience import patient, wait_for_store
from flows.working import Desk
from postflow.errors import StoreUnavailableError, UploadError
from postflow.settings import Settings
from postflow.settings.sections import DatabaseSettings
from postflow.store.database import Store, open_store
from postflow.store.tables import BatchRow
from tests.factories import NOW
from tests.faults.outages import StoppedDatabase


def make_desk(store: Store, *, patience: float) -> Desk:
    """Return a desk at this store."""
    settings = Settings(database=DatabaseSettings(patience=timedelta(seconds=patience)))
    return Desk(settings=settings, store=store, flow_run_id="a-run")


@contextmanager
def locked(store: Store) -> Iterator[sqlite3.Connection]:
    """Let another program keep a SQLite store locked, until it commits."""
    other = sqlite3.connect(str(store.engine.url.database), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield other
    finally:
        other.close()


@pytest.fixture
def quick_store(sqlite_url: str) -> Iterator[Store]:
    """Give a SQLite store that does not stand in line for a lock."""
    store = open_store(sqlite_url, busy_timeout=timedelta(0))
    yield store
    store.close()


def add_batch(desk: Desk, batch_id: str) -> None:
    """Write something."""
    with desk.store.writing() as session:
        session.add(BatchRow(batch_id=batch_id, created_at=NOW))


def count_batches(store: Store) -> int:
    """Count what was written."""
    with store.reading() as session:
        return session.exec(select(func.count()).select_from(BatchRow)).one()


def test_locked_store_costs_only_time(quick_store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """The work is repeated until the lock is gone; the waiting is said once, and its end."""
    caplog.set_level(logging.INFO, "postflow.flows")
    tries: list[int] = []
    with locked(quick_store) as other:

        @patient
        def add(desk: Desk, batch_id: str) -> str:
            tries.append(1)
            if len(tries) == 3:
                other.execute("COMMIT")
            add_batch(desk, batch_id)
            return batch_id

        assert add(make_desk(quick_store, patience=60), "b") == "b"
    assert (len(tries), count_batches(quick_store)) == (3, 1)
    said = [record.getMessage() for record in caplog.records]
    assert said[0].startswith("waiting up to 0:01:00 for the store: The store at sqlite")
    assert said[1:] == ["the store is back, going on"]


def test_stopped_server_costs_only_time(empty_postgres_url: str) -> None:
    """Connections that break and are refused for a while are made anew."""
    store = open_store(empty_postgres_url, create=True)
    add_batch(make_desk(store, patience=0), "before")
    tries: list[int] = []
    with StoppedDatabase(empty_postgres_url) as database:

        @patient
        def add(desk: Desk) -> None:
            tries.append(1)
            if len(tries) == 3:
                database.start()
            add_batch(desk, "after")

        add(make_desk(store, patience=60))
    assert (len(tries), count_batches(store)) == (3, 2)
    store.close()


def test_full_disk_costs_only_time(quick_store: Store) -> None:
    """A store that has no room is waited for until somebody makes some."""
    tries: list[int] = []

    @patient
    def add(desk: Desk) -> None:
        tries.append(1)
        with desk.store.writing() as session:
            pages = session.connection().execute(text("PRAGMA page_count")).scalar_one()
            room = pages if len(tries) < 3 else 1_000_000
            session.connection().execute(text(f"PRAGMA max_page_count = {room}"))
            session.add(BatchRow(batch_id="x" * 50_000, created_at=NOW))

    add(make_desk(quick_store, patience=60))
    assert (len(tries), count_batches(quick_store)) == (3, 1)


def test_patience_has_an_end(quick_store: Store) -> None:
    """A store that stays away is an error with its sentence in the end."""
    with locked(quick_store), pytest.raises(StoreUnavailableError, match="cannot be used just now"):
        patient(add_batch)(make_desk(quick_store, patience=0.5), "b")


def test_other_errors_are_not_waited_for() -> None:
    """What the store has nothing to do with is raised at once."""
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        raise UploadError("The file is empty.")

    with pytest.raises(UploadError):
        wait_for_store(work, patience=timedelta(minutes=1))
    assert tries == [1]
