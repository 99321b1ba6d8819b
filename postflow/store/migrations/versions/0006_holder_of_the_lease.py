"""Which process holds a flow run's lease."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to 0006."""
    op.add_column("flow_runs", sa.Column("holder", sa.String(), nullable=True))
