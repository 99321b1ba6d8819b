"""Opening the store: engine, transactions, migrations; knows no table.

SQLite runs in WAL mode with full synchronous commits, and every writing transaction takes the
write lock at its start: a transaction that upgrades from reading to writing can fail at once with
"database is locked" whatever the busy timeout is (https://www.sqlite.org/isolation.html).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlmodel import Session

from postflow.errors import (
    ConfigurationError,
    StoreError,
    StoreNotReadyError,
    StoreUnavailableError,
)
from postflow.store.connections import refuse_ended_connections

PAGE_LIMIT = "max_page_count"
"""In a SQLite address: of how many pages the file may consist at most, each of 4 096 bytes."""
_OLDEST_SQLITE = (3, 35, 0)  # RETURNING
_MIGRATION_LOCK = 7_606_501  # any number of ours; replicas that start together take turns


class Store:
    """The store behind one database address; safe to share between threads."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        # All made once: every transaction would otherwise make an engine of its own first.
        self._for_writing = engine.execution_options(postflow_begin="BEGIN IMMEDIATE")
        self._for_reading = engine.execution_options(**_read_one_moment(engine))
        self._for_one_statement = (
            self._for_writing
            if self.has_one_writer
            else engine.execution_options(isolation_level="AUTOCOMMIT")
        )

    def writing(self) -> AbstractContextManager[Session]:
        """Give a session whose changes are committed together at the end, or not at all."""
        return self._session(self._for_writing, commits=True)

    def writing_at_once(self) -> AbstractContextManager[Session]:
        """Give a session for a change that is one statement: PostgreSQL commits it by itself.

        Of three words to the server that saves two.
        """
        return self._session(self._for_one_statement, commits=True)

    def reading(self) -> AbstractContextManager[Session]:
        """Give a session that sees one moment of the store and changes nothing."""
        return self._session(self._for_reading)

    @contextmanager
    def _session(self, engine: Engine, *, commits: bool = False) -> Iterator[Session]:
        try:
            with Session(engine, expire_on_commit=False) as session:
                yield session
                if commits:
                    session.commit()
        except (OperationalError, InterfaceError, PoolTimeoutError) as error:
            raise StoreUnavailableError(
                f"The store at {self.address} cannot be used just now ({_cause(error)}); "
                "check that its server runs, or its disk is not full, and try again."
            ) from error
        except SQLAlchemyError as error:
            raise StoreError(
                f"The store at {self.address} refused a change ({_cause(error)}); please report it."
            ) from error

    @property
    def has_one_writer(self) -> bool:
        """Whether a transaction that writes keeps all others from writing, so that reading first is worth it."""
        return self.engine.dialect.name == "sqlite"

    @property
    def address(self) -> str:
        """Where the store is, without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def open_store(
    url: str, *, create: bool = False, busy_timeout: timedelta = timedelta(seconds=3)
) -> Store:
    """Open the store at `url`; raises StoreNotReadyError unless its tables are the newest.

    With `create` it is made or migrated first; flows never do that, because a flow that starts
    in the wrong folder would then work on an empty store of its own.
    """
    parsed = _read_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database not in {None, "", ":memory:"}:
        _check_sqlite_file(Path(str(parsed.database)), create=create)
    store = Store(_create_engine(parsed, busy_timeout=busy_timeout))
    try:
        if create:
            migrate(store)
        else:
            _refuse_old_tables(store)
    except BaseException:
        store.close()
        raise
    return store


def migrate(store: Store) -> None:
    """Bring the tables to the newest schema; harmless when they are."""
    with _connecting(store, begin="BEGIN IMMEDIATE") as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
        if MigrationContext.configure(connection).get_current_revision() == _newest_revision():
            return
        config = _alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _refuse_old_tables(store: Store) -> None:
    with _connecting(store, begin="BEGIN") as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != _newest_revision():
        state = "has no tables yet" if found is None else f"has the tables of schema {found}"
        raise StoreNotReadyError(
            f"The store at {store.address} {state}; run `postflow migrate` with the same "
            "database.url, or correct database.url."
        )


@contextmanager
def _connecting(store: Store, *, begin: str) -> Iterator[Connection]:
    try:
        with store.engine.execution_options(postflow_begin=begin).connect() as connection:
            yield connection
    except DBAPIError as error:
        raise StoreUnavailableError(
            f"The store at {store.address} cannot be opened ({_cause(error)}); "
            "check database.url, and that its server runs or its folder can be written."
        ) from error


def _check_sqlite_file(path: Path, *, create: bool) -> None:
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise ConfigurationError(
            f"This Python brings SQLite {sqlite3.sqlite_version}, and PostFlow needs 3.35 or newer; use "
            "another Python, or set database.url to PostgreSQL."
        )
    if create:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailableError(
                f"The folder {path.parent} for the store cannot be made ({error.strerror}); "
                "set database.url to a place that can be written."
            ) from error
    elif not path.exists():
        raise StoreNotReadyError(
            f"There is no store at {path}; run `postflow migrate` or `postflow start` first, "
            "or correct database.url."
        )


def _read_url(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise _not_an_address(url) from error
    if parsed.drivername in {"postgres", "postgresql"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in {"sqlite", "postgresql+psycopg"}:
        raise _not_an_address(parsed.render_as_string(hide_password=True))
    return parsed


def _not_an_address(shown: str) -> ConfigurationError:
    return ConfigurationError(
        f"database.url is {shown!r}, which PostFlow cannot open; write for example "
        "sqlite:///postflow.db or postgresql+psycopg://user@host/name."
    )


def _create_engine(url: URL, *, busy_timeout: timedelta) -> Engine:
    sqlite = url.get_backend_name() == "sqlite"
    seconds = busy_timeout.total_seconds()
    arguments = {"timeout": seconds} if sqlite else {"connect_timeout": 5}
    pragmas = ["journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"]
    if sqlite and PAGE_LIMIT in url.query:
        pragmas.append(f"{PAGE_LIMIT}={_read_page_limit(url)}")
        url = url.difference_update_query([PAGE_LIMIT])
    # Hidden, because an error would quote what was written: part addresses are secrets.
    pool = {} if sqlite else {"pool_use_lifo": True}
    engine = create_engine(url, connect_args=arguments, hide_parameters=True, **pool)
    if sqlite:
        event.listen(engine, "connect", partial(_prepare_sqlite, pragmas))
        event.listen(engine, "begin", _begin_sqlite)
    else:
        refuse_ended_connections(engine)
    return engine


def _read_page_limit(url: URL) -> int:
    text = str(url.query[PAGE_LIMIT])
    if not text.isdecimal() or int(text) == 0:
        raise ConfigurationError(
            f"database.url limits the store to {text!r} pages, which is no number from 1 on; write "
            "for example sqlite:///postflow.db?max_page_count=262144 for 1 GB."
        )
    return int(text)


def _read_one_moment(engine: Engine) -> dict[str, str]:
    if engine.dialect.name == "sqlite":
        return {"postflow_begin": "BEGIN"}
    # By default each statement would see a moment of its own.
    return {"isolation_level": "REPEATABLE READ"}


def _prepare_sqlite(pragmas: Sequence[str], connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see the module's first lines
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    begin = connection.get_execution_options().get("postflow_begin", "BEGIN")
    connection.exec_driver_sql(begin)


def _alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", "postflow.store:migrations")
    return config


def _newest_revision() -> str | None:
    return ScriptDirectory.from_config(_alembic_config()).get_current_head()


def _cause(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", error)).strip().splitlines()[0]
