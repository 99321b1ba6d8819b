"""Stores as released versions left them: a schema, and realistic rows in each of its tables.

A release that changes the schema adds its own beside `released_0001`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData
from sqlalchemy.engine import Engine

from tests.store.released_0001 import FIRST

Rows = dict[str, list[dict[str, Any]]]

RELEASED: dict[str, Rows] = {"0001": FIRST}


def make_released(engine: Engine, revision: str) -> None:
    """Make the tables of a release and fill each of them."""
    config = Config()
    config.set_main_option("script_location", "postflow.store:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        tables = read_tables(connection)
        for table in tables.sorted_tables:
            for row in RELEASED[revision].get(table.name, []):
                connection.execute(table.insert().values(_as_stored(connection, row)))


def read_tables(connection: Connection) -> MetaData:
    """Return the tables as they are in the database, whatever the code knows of them."""
    tables = MetaData()
    tables.reflect(connection)
    tables.remove(tables.tables["alembic_version"])
    return tables


def read_rows(connection: Connection, revision: str) -> Rows:
    """Return what has become of the release's rows, as far as that release knew their columns."""
    tables = read_tables(connection).tables
    return {
        name: [
            dict(found._mapping)
            for found in connection.execute(
                tables[name].select().with_only_columns(*(tables[name].c[key] for key in rows[0]))
            )
        ]
        for name, rows in RELEASED[revision].items()
    }


def _as_stored(connection: Connection, row: dict[str, Any]) -> dict[str, Any]:
    """Return the row as that database wants its moments: SQLite keeps them in UTC, nameless."""
    if connection.dialect.name != "sqlite":
        return row
    return {
        key: value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value
        for key, value in row.items()
    }
