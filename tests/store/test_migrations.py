"""Migrations: from nothing to the newest tables, and no difference from what the code expects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlmodel import SQLModel

from postflow.errors import (
    ConfigurationError,
    StoreError,
    StoreNotReadyError,
    StoreUnavailableError,
)
from postflow.store.chains import find_broken_link, find_broken_revision, iterate_chains
from postflow.store.database import Store, migrate, open_store
from tests.store.released import RELEASED, Rows, make_released, read_rows, read_tables


@dataclass(frozen=True, kw_only=True, slots=True)
class Released:
    """A store that an earlier version has made and this one has upgraded."""

    store: Store
    revision: str
    tables: set[str]
    before: Rows


def differences(store: Store) -> list[object]:
    """Return what a new migration would have to change."""
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, SQLModel.metadata))


def test_new_sqlite_store_has_every_table(tmp_path: Path) -> None:
    """An empty file is brought to exactly the tables that the code describes."""
    store = open_store(f"sqlite:///{tmp_path}/new/postflow.db", create=True)
    assert differences(store) == []
    store.close()


def test_new_postgresql_store_has_every_table(empty_postgres_url: str) -> None:
    """An empty database is brought to exactly the tables that the code describes."""
    store = open_store(empty_postgres_url, create=True)
    assert differences(store) == []
    store.close()


def test_migrating_twice_changes_nothing(store: Store) -> None:
    """Replicas that start one after the other all migrate, and only the first does anything."""
    migrate(store)
    assert differences(store) == []


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of a store without any table, once on each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/postflow.db"
    return str(request.getfixturevalue("empty_postgres_url"))


@pytest.fixture(params=RELEASED)
def released(request: pytest.FixtureRequest, empty_url: str) -> Iterator[Released]:
    """Give the store of a released version, full of its rows, brought to the newest schema."""
    engine = create_engine(empty_url)
    make_released(engine, request.param)
    with engine.connect() as connection:
        tables = set(read_tables(connection).tables)
        before = read_rows(connection, request.param)
    engine.dispose()
    with pytest.raises(StoreNotReadyError, match=f"has the tables of schema {request.param}"):
        open_store(empty_url)
    store = open_store(empty_url, create=True)
    yield Released(store=store, revision=request.param, tables=tables, before=before)
    store.close()


def test_every_table_of_a_release_has_rows(released: Released) -> None:
    """A table that stands empty in the test would prove nothing about its migration."""
    assert {name for name, rows in released.before.items() if rows} == released.tables


def test_upgrade_keeps_every_row(released: Released) -> None:
    """No row is lost or changed on the way, in any column that the release had."""
    with released.store.engine.connect() as connection:
        assert read_rows(connection, released.revision) == released.before


def test_upgraded_tables_are_the_newest(released: Released) -> None:
    """What was upgraded differs in nothing from what is made today."""
    assert differences(released.store) == []


def test_upgraded_record_is_guarded(released: Released) -> None:
    """Decisions of an earlier release keep their hashes, and can no longer be changed."""
    with released.store.reading() as session:
        links = [find_broken_link(chain) for chain in iterate_chains(session)]
        assert links == [None, None]
        assert find_broken_revision(session) is None
    for table in ("decisions", "comment_revisions"):
        with pytest.raises(StoreError, match="append-only"), released.store.writing() as session:
            session.connection().execute(text(f"DELETE FROM {table}"))  # noqa: S608 - our own names


def test_missing_sqlite_store_is_not_created(tmp_path: Path) -> None:
    """A flow in the wrong folder is told so instead of working on an empty store of its own."""
    with pytest.raises(StoreNotReadyError, match=r"There is no store at .*postflow migrate"):
        open_store(f"sqlite:///{tmp_path}/postflow.db")
    assert list(tmp_path.iterdir()) == []


def test_unmigrated_sqlite_store_is_refused(tmp_path: Path) -> None:
    """An empty file is no store; the sentence names the command that makes it one."""
    (tmp_path / "postflow.db").touch()
    with pytest.raises(StoreNotReadyError, match=r"has no tables yet; run `postflow migrate`"):
        open_store(f"sqlite:///{tmp_path}/postflow.db")


def test_unmigrated_postgresql_store_is_refused(empty_postgres_url: str) -> None:
    """A database without tables is refused with the command that makes them."""
    with pytest.raises(StoreNotReadyError, match=r"has no tables yet; run `postflow migrate`"):
        open_store(empty_postgres_url)


def test_tables_of_another_schema_are_refused(sqlite_url: str) -> None:
    """A store of a newer or older PostFlow is named as such, not half understood."""
    store = open_store(sqlite_url)
    with store.writing() as session:
        session.connection().execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    with pytest.raises(StoreNotReadyError, match="has the tables of schema 9999"):
        open_store(sqlite_url)


def test_unreachable_server_is_named_without_password() -> None:
    """What cannot be reached is said with its address, and its password stays secret."""
    with pytest.raises(StoreUnavailableError) as caught:
        open_store("postgresql+psycopg://someone:hunter2@127.0.0.1:1/nowhere")
    assert "127.0.0.1:1/nowhere" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["mysql://db/postflow", "nonsense://x"])
def test_unknown_kinds_of_database_are_refused(url: str) -> None:
    """Only the two supported databases are accepted, with a sentence that names them."""
    with pytest.raises(ConfigurationError, match="sqlite"):
        open_store(url)
