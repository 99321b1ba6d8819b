"""Tables whose rows are only ever added: triggers in the database refuse everything else.

They stop mistakes and other programs; whoever may drop a trigger is found out by
`postflow audit verify`. SQLite loses a table's triggers when a migration rebuilds the table, so
such a migration calls `refuse_changes` again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, text

_SAYS = "are append-only: they are never changed or removed"


def refuse_changes(connection: Connection, table: str, *, unique: Sequence[str] = ()) -> None:
    """Let the database refuse to change or remove rows of this table; idempotent.

    `unique` are the columns, besides `id`, whose values no two rows share: by `INSERT OR REPLACE`
    SQLite would remove the row with the same values, and no trigger for deletions would fire.
    """
    make = _on_sqlite if connection.dialect.name == "sqlite" else _on_postgresql
    for statement in make(table, unique):
        connection.execute(text(statement))


def _on_sqlite(table: str, unique: Sequence[str]) -> Iterator[str]:
    refuse = f"BEGIN SELECT RAISE(ABORT, 'the rows of {table} {_SAYS}'); END"
    for change in ("UPDATE", "DELETE"):
        yield (
            f"CREATE TRIGGER IF NOT EXISTS {table}_refuse_{change.lower()} "
            f"BEFORE {change} ON {table} {refuse}"
        )
    same = " AND ".join(f"{column} = NEW.{column}" for column in unique) or "FALSE"
    found = f"SELECT 1 FROM {table} WHERE id = NEW.id OR ({same})"  # noqa: S608 - our own names
    yield (
        f"CREATE TRIGGER IF NOT EXISTS {table}_refuse_replace BEFORE INSERT ON {table} "
        f"WHEN EXISTS ({found}) {refuse}"
    )


def _on_postgresql(table: str, _unique: Sequence[str]) -> Iterator[str]:
    yield (
        "CREATE OR REPLACE FUNCTION postflow_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN RAISE EXCEPTION 'the rows of % {_SAYS}', TG_TABLE_NAME "
        "USING ERRCODE = 'restrict_violation'; END $$"
    )
    for name, when in (
        ("refuse_change", f"BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW"),
        ("refuse_truncate", f"BEFORE TRUNCATE ON {table} FOR EACH STATEMENT"),
    ):
        yield f"DROP TRIGGER IF EXISTS {table}_{name} ON {table}"
        yield f"CREATE TRIGGER {table}_{name} {when} EXECUTE FUNCTION postflow_refuse_change()"
