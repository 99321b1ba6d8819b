"""The store as such: durable, shared between processes, honest about what it cannot do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import select

from postflow.errors import ConfigurationError, StoreError, StoreUnavailableError
from postflow.store.columns import storable
from postflow.store.database import PAGE_LIMIT, Store, open_store
from postflow.store.tables import UploadRow
from postflow.store.uploads import load_upload
from tests.factories import NOW, make_upload


def test_sqlite_commits_are_durable(sqlite_store: Store) -> None:
    """What was committed survives a power cut: WAL with full synchronous writes."""
    with sqlite_store.reading() as session:
        mode = session.connection().execute(text("PRAGMA journal_mode")).scalar()
        synchronous = session.connection().execute(text("PRAGMA synchronous")).scalar()
        foreign_keys = session.connection().execute(text("PRAGMA foreign_keys")).scalar()
    assert (mode, synchronous, foreign_keys) == ("wal", 2, 1)


def test_failed_writing_leaves_nothing(store: Store) -> None:
    """All of a transaction is there or none of it."""

    def be_killed() -> None:
        with store.writing() as session:
            make_upload(session)
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        be_killed()
    with store.reading() as session:
        assert session.exec(select(UploadRow)).all() == []


def test_reading_sees_one_moment(store: Store) -> None:
    """Two questions in one reading are answered from the same state, whatever is written."""
    with store.reading() as session:
        before = session.exec(select(UploadRow.upload_id)).all()
        with store.writing() as other:
            make_upload(other)
        after = session.exec(select(UploadRow.upload_id)).all()
    assert before == after == []


def test_times_come_back_aware(store: Store) -> None:
    """A moment is the same moment, in UTC, on both databases."""
    with store.writing() as session:
        make_upload(session)
    with store.reading() as session:
        row = load_upload(session, "clip")
    assert row.created_at == NOW
    assert row.created_at.tzinfo is not None


def test_naive_times_are_refused(store: Store) -> None:
    """A time without its zone is a mistake of ours that must not reach the disk."""
    with pytest.raises(StoreError, match="must know its zone"), store.writing() as session:
        make_upload(session, now=datetime(2026, 3, 2, 9, 0))  # noqa: DTZ001 - the mistake
    with store.reading() as session:
        assert session.exec(select(UploadRow)).all() == []


def test_writers_wait_for_each_other(store: Store) -> None:
    """Two writers at once both succeed: neither is told that the database is locked."""
    with store.writing() as session:
        make_upload(session)
    both = threading.Barrier(2)

    def rename(name: str) -> None:
        both.wait(timeout=10)
        for number in range(20):
            with store.writing() as session:
                load_upload(session, "clip", lock=True).filename = f"{name}{number}"

    run_together(lambda: rename("a"), lambda: rename("b"))
    with store.reading() as session:
        assert load_upload(session, "clip").filename in {"a19", "b19"}


def test_locked_store_is_unavailable(sqlite_url: str) -> None:
    """A writer that holds the lock too long makes the others say "try again", not crash."""
    first = open_store(sqlite_url)
    second = open_store(sqlite_url, busy_timeout=timedelta(milliseconds=50))
    with first.writing() as holding:
        make_upload(holding)
        with pytest.raises(StoreUnavailableError, match="locked"), second.writing() as session:
            make_upload(session, "other", file_id=None)
        with second.reading() as session:
            assert session.exec(select(UploadRow)).all() == []
        open_store(sqlite_url, busy_timeout=timedelta(milliseconds=50)).close()
    first.close()
    second.close()


def test_lost_connection_may_be_retried(postgres_store: Store) -> None:
    """When the server drops a connection the error says that trying again is worth it."""

    def lose_the_connection() -> None:
        with postgres_store.writing() as session:
            pid = session.connection().execute(text("SELECT pg_backend_pid()")).scalar()
            with postgres_store.writing() as other:
                other.connection().execute(text(f"SELECT pg_terminate_backend({pid})"))
            session.connection().execute(text("SELECT 1"))

    with pytest.raises(StoreUnavailableError) as caught:
        lose_the_connection()
    assert caught.value.retryable


def test_store_in_memory_opens() -> None:
    """A store that is gone with its process is no use in production, but it is a store."""
    open_store("sqlite://", create=True).close()


@pytest.mark.parametrize(
    ("raw", "kept"),
    [("plain é 👍", "plain é 👍"), ("a\0b", "a\N{REPLACEMENT CHARACTER}b"), ("x\ud800", "x?")],
    ids=["ordinary", "nul", "half-a-surrogate-pair"],
)
def test_texts_are_made_storable(store: Store, raw: str, kept: str) -> None:
    """Whatever JSON can hold becomes a text that both databases take."""
    assert storable(raw) == kept
    with store.writing() as session:
        make_upload(session).failure = storable(raw)
    with store.reading() as session:
        assert load_upload(session, "clip").failure == kept


def run_together(*works: Callable[[], object]) -> None:
    """Run the works in threads of their own and raise what any of them raised."""
    with ThreadPoolExecutor(max_workers=len(works)) as pool:
        for future in [pool.submit(work) for work in works]:
            future.result(timeout=30)


def test_old_sqlite_is_named(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python with a SQLite that lacks what is used says so, instead of failing at each look."""
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 34, 1))
    with pytest.raises(ConfigurationError, match=r"needs 3\.35 or newer"):
        open_store(sqlite_url)


def test_page_limit_stops_the_file(tmp_path: Path) -> None:
    """A SQLite address may say how large its file becomes; what does not fit is refused whole."""
    path = tmp_path / "postflow.db"
    store = open_store(f"sqlite:///{path}?{PAGE_LIMIT}=400", create=True)
    with pytest.raises(StoreUnavailableError, match="full"), store.writing() as session:
        session.connection().execute(text("CREATE TABLE t AS SELECT zeroblob(2000000)"))
    store.close()
    assert path.stat().st_size <= 400 * 4096


@pytest.mark.parametrize("limit", ["0", "many", "-1"])
def test_wrong_page_limit_is_told(tmp_path: Path, limit: str) -> None:
    """A limit that is no number is a mistake in database.url."""
    with pytest.raises(ConfigurationError, match="no number from 1 on"):
        open_store(f"sqlite:///{tmp_path}/postflow.db?{PAGE_LIMIT}={limit}", create=True)
