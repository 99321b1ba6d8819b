"""How a batch ended by its own word, for Prefect to hear of it even if its process has died."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to 0014."""
    op.add_column("batches", sa.Column("end", sa.String(), nullable=True))
