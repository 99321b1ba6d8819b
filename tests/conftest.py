"""Stores for every test: real SQLite, and real PostgreSQL where a server answers."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import structlog
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError
from sqlmodel import SQLModel

from postflow.store.database import Store, open_store

# Workers of pytest-xdist are told a width, which rich's consoles would keep from their import on.
os.environ.pop("COLUMNS", None)

POSTGRES_VARIABLE = "POSTFLOW_TEST_POSTGRES_URL"
_DEFAULT_POSTGRES = "postgresql+psycopg://postgres@localhost:5432/postgres"
_SLOW_DISK = timedelta(seconds=30)
"""How long a test waits for SQLite's lock: a commit has taken seconds on a busy machine."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that bring up Prefect: at the end one worker would be left with them.

    schemathesis's tests of one function have one name in pytest 9.2, and pytest-xdist runs one of
    each name; so each gets one of its own.
    """
    seen: Counter[str] = Counter()
    for item in items:
        seen[item.nodeid] += 1
        if seen[item.nodeid] > 1:
            item._id = replace(item._id, params=str(seen[item.nodeid]))
    items.sort(key=lambda item: item.get_closest_marker("prefect") is None)


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let programs speak English, whatever the language of whoever runs the tests."""
    monkeypatch.setenv("POSTFLOW_LANG", "en")


@pytest.fixture(autouse=True)
def _all_is_logged() -> Iterator[None]:
    """Let no test hear less because one before it ran a command that says only errors."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a migrated, empty SQLite file to copy: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("store") / "empty.db"
    open_store(f"sqlite:///{path}", create=True).close()
    return path


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """Give the address of an empty SQLite store of this test's own."""
    path = tmp_path / "postflow.db"
    shutil.copy(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def postgres_server() -> URL:
    """Give the address of a PostgreSQL server, or skip; in CI its absence is a failure."""
    url = make_url(os.environ.get(POSTGRES_VARIABLE) or _DEFAULT_POSTGRES)
    engine = create_engine(url, connect_args={"connect_timeout": 3})
    try:
        engine.connect().close()
    except OperationalError as error:
        sentence = f"no PostgreSQL server answers at {url}; start one or set {POSTGRES_VARIABLE}"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{sentence} ({error})")
        pytest.skip(sentence)
    finally:
        engine.dispose()
    return url


def _administer(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def empty_postgres_url(postgres_server: URL) -> Iterator[str]:
    """Give the address of a new PostgreSQL database without any table."""
    yield from _new_database(postgres_server)


def _new_database(server: URL) -> Iterator[str]:
    name = f"postflow_test_{uuid4().hex[:12]}"
    _administer(server, f"CREATE DATABASE {name}")
    # Nothing here has to survive a power cut, and the tests are many.
    _administer(server, f"ALTER DATABASE {name} SET synchronous_commit = off")
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def postgres_store(postgres_server: URL) -> Iterator[Store]:
    """Give a migrated PostgreSQL store of this module's own."""
    databases = _new_database(postgres_server)
    store = open_store(next(databases), create=True)
    yield store
    store.close()
    next(databases, None)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Give an empty, migrated store, once on each database."""
    if request.param == "sqlite":
        opened = open_store(request.getfixturevalue("sqlite_url"), busy_timeout=_SLOW_DISK)
        yield opened
        opened.close()
        return
    shared: Store = request.getfixturevalue("postgres_store")
    with shared.writing() as session:
        # Append-only tables refuse to be emptied; this switches triggers off for the transaction.
        session.connection().execute(text("SET LOCAL session_replication_role = replica"))
        for table in reversed(SQLModel.metadata.sorted_tables):
            session.connection().execute(table.delete())
        restart = "SELECT setval(sequencename::text::regclass, 1, false) FROM pg_sequences"
        session.connection().execute(text(restart))
        session.commit()
    yield shared


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[Store]:
    """Give an empty SQLite store for tests that are about SQLite or need only one."""
    opened = open_store(sqlite_url, busy_timeout=_SLOW_DISK)
    yield opened
    opened.close()
