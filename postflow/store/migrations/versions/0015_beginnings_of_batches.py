"""Since when a batch is at work: what its own earlier processes have tried is not tried again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from postflow.store.columns import Moment

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to 0015."""
    op.add_column("batches", sa.Column("began_at", Moment(), nullable=True))
