"""Connections to PostgreSQL that are used again: those that were ended, and how they were used."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text

from postflow.store import connections
from postflow.store.database import Store, open_store
from postflow.store.uploads import load_upload
from tests.factories import make_upload
from tests.lines import Line

_WHO = text("SELECT pg_backend_pid()")


def test_ended_connection_is_not_used_again(postgres_store: Store) -> None:
    """A connection that the server ended while nobody used it is noticed before it is used."""
    with postgres_store.writing() as session:
        pid = session.connection().execute(_WHO).scalar()
        with postgres_store.reading() as other:
            kept = other.connection().execute(_WHO).scalar()
    server = create_engine(postgres_store.engine.url)
    with server.connect() as connection:
        for ended in (pid, kept):
            connection.execute(text(f"SELECT pg_terminate_backend({ended}, 5000)"))
    server.dispose()
    with postgres_store.writing() as session:
        assert session.connection().execute(_WHO).scalar() not in {pid, kept}


def test_forgotten_connection_is_asked_first(
    empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that the network dropped without a word is asked where it lay idle for long."""
    monkeypatch.setattr(connections, "_ASKED_AFTER", 0.0)
    with Line(empty_postgres_url) as line:
        store = open_store(line.address, create=True)
        with store.writing() as session:
            make_upload(session)
        line.forget()
        with store.reading() as session:
            assert load_upload(session, "clip").filename
        store.close()


def test_modes_of_one_connection_do_not_mix(postgres_store: Store) -> None:
    """Whatever a connection was used for before, a transaction has the isolation it asks for."""
    level = text(
        "SELECT current_setting('transaction_isolation'), pg_current_xact_id_if_assigned()"
    )
    for _ in range(3):
        with postgres_store.writing_at_once() as session:
            session.connection().execute(text("SELECT pg_current_xact_id()"))
            assert tuple(session.connection().execute(level).one()) == ("read committed", None)
        with postgres_store.reading() as session:
            assert session.connection().execute(level).one()[0] == "repeatable read"
        with postgres_store.writing() as session:
            session.connection().execute(text("SELECT pg_current_xact_id()"))
            mode, xact = session.connection().execute(level).one()
            assert mode == "read committed"
            assert xact is not None
