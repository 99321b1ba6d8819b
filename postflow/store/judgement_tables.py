"""The tables of how comments were read: every verdict there ever was, and second opinions.

`postflow.store.tables` gives all of them out; import them from there.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field, SQLModel

from postflow.domain.standing import ReviewStatus
from postflow.store.columns import moment


class AnalysisRow(SQLModel, table=True):
    """What one version of the analyser made of one text of a comment; append-only."""

    __tablename__ = "comment_analyses"

    id: int | None = Field(default=None, primary_key=True)
    comment_id: str = Field(foreign_key="comments.comment_id", index=True)
    text_sha256: str
    verdict: str = ReviewStatus.PENDING
    score: float = 0.0
    rule: str = ""
    """Which rule decided; overrides are counted by it."""
    reason: str = ""
    reasons: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON, nullable=False)
    analyser_version: str = ""
    at: datetime = moment(nullable=False)


class OpinionRow(SQLModel, table=True):
    """What another model said of one text of a comment; asked once, and never an approval."""

    __tablename__ = "second_opinions"
    __table_args__ = (UniqueConstraint("comment_id", "text_sha256"),)

    id: int | None = Field(default=None, primary_key=True)
    comment_id: str = Field(foreign_key="comments.comment_id", index=True)
    text_sha256: str
    model: str = ""
    verdict: str | None = None
    """What the model said; None while it has not answered in a way that can be read."""
    sentence: str = ""
    attempts: int = 0
    try_at: datetime | None = moment()
    """When to ask again; None once it has answered, or was asked often enough."""
    error: str | None = None
    asked_at: datetime = moment(nullable=False)
    answered_at: datetime | None = moment()
