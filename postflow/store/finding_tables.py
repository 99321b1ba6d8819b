"""What readings found: one row per change, with what brought it, a webhook or the timer."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from postflow.store.columns import moment


class FindingRow(SQLModel, table=True):
    """A change of a tracked file that a reading saw first."""

    __tablename__ = "findings"

    id: int | None = Field(default=None, primary_key=True)
    upload_id: str = Field(foreign_key="uploads.upload_id")
    version: int = 1
    project_id: str | None = None
    kind: str
    """The event that Frame.io should have sent about it."""
    resource_id: str
    at: datetime | None = moment()
    """When it happened; where Frame.io does not say, when the file was last read without it."""
    seen_at: datetime = moment(nullable=False)
    day: str
    """The day of `seen_at` in UTC, to count by."""
    late_seconds: float | None = None
    """How long it took to be seen; the longest that it can have been, where `at` is not exact."""
    by_event: bool = False
    """Whether the reading that saw it was caused by an event of its file."""
    event_at: datetime | None = moment()
    """When the event about it arrived, if it ever did."""


_columns = FindingRow.__table__.c  # type: ignore[attr-defined]  # SQLModel does not type it
Index("ix_findings_upload", _columns.upload_id, _columns.seen_at)
Index("ix_findings_project", _columns.project_id, _columns.seen_at)
Index("ix_findings_day", _columns.day, _columns.kind)
_is_missed = ~_columns.by_event & _columns.event_at.is_(None)
# Partial: every look asks for the newest change that no webhook has brought.
Index(
    "ix_findings_missed",
    _columns.seen_at,
    sqlite_where=_is_missed,
    postgresql_where=_is_missed,
)
