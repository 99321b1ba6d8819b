"""As whom PostFlow is signed in, and which manifests were told of their recall."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from postflow.store.columns import Moment

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_UNWRITTEN = sa.text("recalled_at IS NOT NULL AND recall_written_at IS NULL")


def upgrade() -> None:
    """Go to 0010."""
    op.create_table(
        "own_users",
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("user_id"),
    )
    op.add_column("deliveries", sa.Column("recall_written_at", Moment(), nullable=True))
    op.create_index(
        "ix_deliveries_unwritten",
        "deliveries",
        ["recalled_at"],
        unique=False,
        sqlite_where=_UNWRITTEN,
        postgresql_where=_UNWRITTEN,
    )
