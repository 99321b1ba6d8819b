"""How long reviewers are silent, per version; who waits already is counted from then."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from postflow.store.columns import Moment

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Waits of runs that were in the middle of a review when PostFlow learnt to remind.
_ADOPT = """
INSERT INTO review_deadlines (upload_id, version, started_at, next_at, reminded)
SELECT uploads.upload_id, uploads.version, MIN(waits.created_at), MIN(waits.created_at), 0
FROM uploads JOIN waits
  ON waits.upload_id = uploads.upload_id AND waits.version = uploads.version
WHERE waits.kind = 'approval' AND waits.closed_at IS NULL AND uploads.review_status = 'pending'
GROUP BY uploads.upload_id, uploads.version
"""


def upgrade() -> None:
    """Go to 0004."""
    op.create_table(
        "review_deadlines",
        sa.Column("upload_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("next_at", Moment(), nullable=True),
        sa.Column("reminded", sa.Integer(), nullable=False),
        sa.Column("escalated_at", Moment(), nullable=True),
        sa.Column("timed_out_at", Moment(), nullable=True),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["upload_id"], ["uploads.upload_id"]),
        sa.PrimaryKeyConstraint("upload_id", "version"),
    )
    with op.batch_alter_table("review_deadlines", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_review_deadlines_next_at"), ["next_at"], unique=False)
    op.execute(_ADOPT)
