"""Migrations: from nothing to the newest tables, and no difference from what the code expects."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlmodel import SQLModel

from postflow.errors import ConfigurationError, StoreNotReadyError, StoreUnavailableError
from postflow.store.database import Store, migrate, open_store


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
