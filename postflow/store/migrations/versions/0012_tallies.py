"""Totals that are remembered, and the indexes that statistics read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from postflow.store.columns import Moment

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to 0012."""
    op.create_table(
        "tallies",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("counted_id", sa.BigInteger(), nullable=False),
        sa.Column("seen_id", sa.BigInteger(), nullable=False),
        sa.Column("rolled_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.drop_index("ix_uploads_status", table_name="uploads")
    op.create_index("ix_uploads_statuses", "uploads", ["status", "review_status", "cancelled_at"])
    op.create_index(op.f("ix_deliveries_delivered_at"), "deliveries", ["delivered_at"])
