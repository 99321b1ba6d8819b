"""Until when an approval can be undone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from postflow.store.columns import Moment

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to 0008."""
    op.add_column("uploads", sa.Column("undo_until", Moment(), nullable=True))
    op.create_index(op.f("ix_uploads_undo_until"), "uploads", ["undo_until"], unique=False)
