"""What readings found, to tell what webhooks had not brought."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from postflow.store.columns import Moment

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to 0007."""
    op.create_table(
        "findings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("upload_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("resource_id", sa.String(), nullable=False),
        sa.Column("at", Moment(), nullable=True),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("late_seconds", sa.Float(), nullable=True),
        sa.Column("by_event", sa.Boolean(), nullable=False),
        sa.Column("event_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["upload_id"], ["uploads.upload_id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_findings_upload", "findings", ["upload_id", "seen_at"])
    op.create_index("ix_findings_project", "findings", ["project_id", "seen_at"])
    op.create_index("ix_findings_day", "findings", ["day", "kind"])
    op.create_index(
        "ix_findings_missed",
        "findings",
        ["seen_at"],
        sqlite_where=sa.text("by_event = 0 AND event_at IS NULL"),
        postgresql_where=sa.text("NOT by_event AND event_at IS NULL"),
    )
