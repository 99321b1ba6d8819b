"""Decisions and revisions are added and never changed: the database itself refuses it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from postflow.domain.standing import ReviewStatus
from postflow.errors import StoreError
from postflow.store.database import Store
from tests.audit.conftest import decide

TABLES = ("decisions", "comment_revisions", "wake_ups")
REPLACE = {
    "decisions by id": (
        "INSERT OR REPLACE INTO decisions SELECT id, upload_id, version, 'approved', source, who, "
        "who_key, comment_id, comment_text, reason, score, analyser_version, at, decided_at, "
        "previous_hash, 'another hash' FROM decisions"
    ),
    "decisions by hash": (
        "INSERT OR REPLACE INTO decisions SELECT id + 100, upload_id, version, 'approved', source, "
        "who, who_key, comment_id, comment_text, reason, score, analyser_version, at, decided_at, "
        "previous_hash, hash FROM decisions"
    ),
    "revisions by sequence": (
        "INSERT OR REPLACE INTO comment_revisions SELECT id + 100, comment_id, sequence, 'other', "
        "deleted, at, seen_at FROM comment_revisions"
    ),
}


def refused(store: Store, statement: str) -> str:
    """Return with what words the store refuses a statement."""
    with pytest.raises(StoreError) as caught, store.writing() as session:
        session.connection().execute(text(statement))
    return str(caught.value)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("change", ["UPDATE {table} SET id = id", "DELETE FROM {table}"])
def test_rows_cannot_be_changed_or_removed(store: Store, table: str, change: str) -> None:
    """An update or a deletion fails, and says why."""
    decide(store, ReviewStatus.APPROVED)
    assert f"the rows of {table} are append-only" in refused(store, change.format(table=table))


@pytest.mark.parametrize("statement", REPLACE.values(), ids=REPLACE.keys())
def test_rows_cannot_be_replaced(sqlite_store: Store, statement: str) -> None:
    """SQLite's REPLACE removes rows without firing a deletion's trigger; it is refused too."""
    decide(sqlite_store, ReviewStatus.APPROVED)
    assert "are append-only" in refused(sqlite_store, statement)


@pytest.mark.parametrize("statement", ["TRUNCATE {table} CASCADE", "TRUNCATE uploads CASCADE"])
@pytest.mark.parametrize("table", TABLES)
def test_tables_cannot_be_emptied(postgres_store: Store, table: str, statement: str) -> None:
    """PostgreSQL's TRUNCATE, which fires no row's trigger, is refused, in a cascade too."""
    assert "are append-only" in refused(postgres_store, statement.format(table=table))
