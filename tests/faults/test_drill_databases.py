"""The databases of a drill: each really goes away, really is full, and comes back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL

from postflow.errors import StoreUnavailableError
from postflow.store.database import Store, open_store
from tools.drill import __main__ as program
from tools.drill import postgres
from tools.drill.databases import Database, SqliteDatabase
from tools.drill.postgres import FoundServer, OwnCluster, open_postgres


@pytest.fixture(params=["a folder of limited size", "a file of limited pages"])
def sqlite(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SqliteDatabase]:
    """Give a file whose folder is limited, where that is allowed, and one whose folder is not."""
    with monkeypatch.context() as patch:
        if request.param == "a file of limited pages":
            patch.setenv("PATH", "")  # no mount is found
        database = SqliteDatabase(tmp_path)
    yield database
    database.end()


@pytest.fixture
def found(
    postgres_server: URL, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[FoundServer]:
    """Give a database on the tests' server, as where PostgreSQL's own programs are missing."""
    hide_postgres(monkeypatch, tmp_path)
    database = open_postgres(postgres_server.render_as_string(hide_password=False))
    assert isinstance(database, FoundServer)
    yield database
    database.end()


def hide_postgres(monkeypatch: pytest.MonkeyPatch, empty: Path) -> None:
    """Let no server program of PostgreSQL be found."""
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.setattr(postgres, "_PLACES", (str(empty),))


def can_write(database: Database, *, size: int = 1) -> bool:
    """Say whether a process that comes now can write so many bytes."""
    try:
        store = open_store(database.url)
    except StoreUnavailableError:
        return False
    try:
        with store.writing() as session:
            words = {"text": "x" * size}
            session.connection().execute(text("CREATE TABLE IF NOT EXISTS t (x TEXT)"))
            session.connection().execute(text("INSERT INTO t VALUES (:text)"), words)
    except StoreUnavailableError:
        return False
    finally:
        store.close()
    return True


def make(database: Database) -> None:
    """Make the store's tables, and see that it can be written."""
    open_store(database.url, create=True).close()
    assert can_write(database)


def test_sqlite_is_locked_and_free_again(sqlite: SqliteDatabase) -> None:
    """Nobody writes while it is away."""
    make(sqlite)
    sqlite.take_away()
    assert not can_write(sqlite)
    sqlite.give_back()
    assert can_write(sqlite)


def test_sqlite_is_full_and_has_room_again(sqlite: SqliteDatabase) -> None:
    """Nothing of some size fits while its space is used up; filling it twice does no harm."""
    make(sqlite)
    sqlite.fill()
    sqlite.fill()
    assert not can_write(sqlite, size=200_000)
    sqlite.relieve()
    assert can_write(sqlite, size=200_000)
    sqlite.relieve()


def test_found_server_is_away_and_back(found: FoundServer) -> None:
    """Connections are ended and refused for a while; the server's other databases stay."""
    make(found)
    store = open_store(found.url)
    found.take_away()
    assert not can_write(found)
    assert not found.can_be_filled
    found.give_back()
    assert can_write(found)
    assert tables_of(store) > 0
    store.close()


def test_found_server_keeps_nothing(found: FoundServer) -> None:
    """At the end the drill's database is gone, even with somebody connected."""
    make(found)
    store = open_store(found.url)
    found.end()
    with pytest.raises(StoreUnavailableError):
        tables_of(store)
    store.close()


def tables_of(store: Store) -> int:
    """Count what is in the store's public schema."""
    counted = text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    with store.reading() as session:
        return int(session.connection().execute(counted).scalar_one())


def test_own_cluster_is_away_full_and_back() -> None:
    """A cluster of the drill's own is stopped, filled where mounting is allowed, and removed."""
    cluster = open_postgres(None)
    if not isinstance(cluster, OwnCluster):
        pytest.skip("PostgreSQL's server programs are not installed")
    try:
        make(cluster)
        cluster.take_away()
        assert not can_write(cluster)
        cluster.give_back()
        assert can_write(cluster)
        if cluster.can_be_filled:
            cluster.fill()
            assert not can_write(cluster, size=200_000)
            cluster.relieve()
            assert can_write(cluster, size=200_000)
    finally:
        cluster.end()
    assert not can_write(cluster)


def test_drill_without_postgres_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where there is no PostgreSQL that half is not run: a sentence, and an exit code of its own."""
    hide_postgres(monkeypatch, tmp_path)
    monkeypatch.setenv(postgres.SERVER_VARIABLE, "postgresql+psycopg://postgres@127.0.0.1:9/none")
    words = ["--uploads", "1", "--kills", "0", "--database", "postgresql"]
    monkeypatch.setattr(sys, "argv", ["drill", *words, "--folder", str(tmp_path / "drill")])
    assert program.main() == program.NOT_RUN
    said = capsys.readouterr().out
    assert "Not run on PostgreSQL" in said
    assert postgres.SERVER_VARIABLE in said
