"""The ledger of wake-ups: when a run suspended, and what Prefect said to each try to wake it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from postflow.store.append_only import refuse_changes
from postflow.store.columns import Moment

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to 0009."""
    op.add_column("waits", sa.Column("suspended_at", Moment(), nullable=True))
    op.create_table(
        "wake_ups",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("wait_id", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("state", sa.String(), nullable=True),
        sa.Column("asked", sa.Boolean(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["wait_id"], ["waits.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_wake_ups_wait_id", "wake_ups", ["wait_id"])
    refuse_changes(op.get_bind(), "wake_ups")
