"""Alembic's environment: migrations run on the connection that `postflow.store` hands over."""

from __future__ import annotations

from typing import Literal

from alembic import context
from sqlmodel import AutoString, SQLModel

from postflow.store import tables
from postflow.store.columns import Moment

assert tables  # noqa: S101 - imported for its effect: it fills SQLModel.metadata


def _render_type(kind: str, item: object, _autogen: object) -> str | Literal[False]:
    """Write our column types into new migrations without naming SQLModel's inner modules."""
    if kind == "type" and isinstance(item, AutoString):
        return "sa.String()"
    if kind == "type" and isinstance(item, Moment):
        return "Moment()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,  # SQLite cannot alter a column in place
    render_item=_render_type,
)
context.run_migrations()
