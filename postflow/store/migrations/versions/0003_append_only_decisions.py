"""Decisions and comment revisions are append-only, and each upload knows its newest decision."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from postflow.store.append_only import refuse_changes

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to 0003."""
    # Not by a batch: on SQLite that rebuilds the table, and rows of other tables point to it.
    op.add_column("uploads", sa.Column("head_hash", sa.String(), nullable=True))
    op.execute(
        "UPDATE uploads SET head_hash = (SELECT hash FROM decisions "
        "WHERE decisions.upload_id = uploads.upload_id ORDER BY decisions.id DESC LIMIT 1)"
    )
    connection = op.get_bind()
    refuse_changes(connection, "decisions", unique=["hash"])
    refuse_changes(connection, "comment_revisions", unique=["comment_id", "sequence"])
