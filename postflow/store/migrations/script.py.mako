"""${message}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from postflow.store.columns import Moment

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to ${up_revision}."""
    ${upgrades if upgrades else "pass"}
