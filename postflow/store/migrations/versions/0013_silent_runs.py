"""Runs that are silent for too long are found without reading all of them."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to 0013."""
    op.create_index(op.f("ix_flow_runs_lease_until"), "flow_runs", ["lease_until"], unique=False)
