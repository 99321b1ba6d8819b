"""The tables, one class each; every change here comes with a migration.

`decisions`, `comment_revisions` and `wake_ups` are append-only: triggers refuse to change or
remove a row.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from postflow.domain.standing import DecisionSource, ReviewStatus
from postflow.domain.uploads import UploadStatus
from postflow.store.columns import moment
from postflow.store.finding_tables import FindingRow
from postflow.store.judgement_tables import AnalysisRow, OpinionRow
from postflow.store.upload_tables import AllowanceRow, FinishedPartRow, TallyRow, UploadClaimRow
from postflow.store.work_tables import (
    AnnouncementRow,
    BatchMemberRow,
    BatchRow,
    DeliveryRow,
    FileHashRow,
    FlowRunRow,
    NoticeRow,
    OwnUserRow,
    ReviewDeadlineRow,
    WaitRow,
    WakeUpRow,
)

__all__ = [
    "AllowanceRow",
    "AnalysisRow",
    "AnnouncementRow",
    "BatchMemberRow",
    "BatchRow",
    "CommentRevisionRow",
    "CommentRow",
    "DecisionRow",
    "DeliveryRow",
    "EventRow",
    "FileHashRow",
    "FindingRow",
    "FinishedPartRow",
    "FlowRunRow",
    "NoticeRow",
    "OpinionRow",
    "OwnUserRow",
    "ReviewDeadlineRow",
    "RulingRow",
    "TallyRow",
    "UploadClaimRow",
    "UploadRow",
    "VersionRow",
    "WaitRow",
    "WakeUpRow",
]


class UploadRow(SQLModel, table=True):
    """A video under a name of ours; `version` is its current version's number."""

    __tablename__ = "uploads"

    upload_id: str = Field(primary_key=True)
    filename: str = Field(index=True)
    path: str | None = None
    sha256: str | None = Field(default=None, index=True)
    account_id: str | None = None
    workspace_id: str | None = None
    project_id: str | None = Field(default=None, index=True)
    file_id: str | None = Field(default=None, index=True)
    version: int = 1
    status: str = UploadStatus.REGISTERED
    review_status: str = Field(default=ReviewStatus.PENDING, index=True)
    failure: str | None = None
    on_rejected: str | None = None
    """What a rejection means for this upload; None means what `review.on_rejected` says."""
    look_at: datetime | None = moment(index=True)
    """When the tracker re-reads the file at the latest, whatever webhooks say."""
    gone_at: datetime | None = moment()
    """When Frame.io first said that the file does not exist; a second time makes it final."""
    quiet_until: datetime | None = moment()
    """Until when an approval is not decided yet, because somebody may still be commenting."""
    held_since: datetime | None = moment()
    """Since when the approved version is not delivered until a person releases it."""
    held_reason: str | None = None
    undo_until: datetime | None = moment(index=True)
    """Until when an approval can be undone; nothing irreversible is done before."""
    head_hash: str | None = None
    """The hash of the newest decision, so that one that is removed from the end is missed."""
    cancelled_at: datetime | None = moment()
    created_at: datetime = moment(nullable=False)
    updated_at: datetime = moment(nullable=False)


class VersionRow(SQLModel, table=True):
    """One Frame.io file of an upload, with what is needed to prove later that it is the same."""

    __tablename__ = "versions"
    __table_args__ = (UniqueConstraint("upload_id", "version"),)

    id: int | None = Field(default=None, primary_key=True)
    upload_id: str = Field(foreign_key="uploads.upload_id", index=True)
    version: int = 1
    file_id: str | None = Field(default=None, unique=True)
    filename: str
    path: str | None = None
    sha256: str | None = None
    size: int | None = Field(default=None, sa_type=BigInteger)
    media_type: str | None = None
    view_url: str | None = None
    uploader_id: str | None = None
    placeholder: str | None = Field(default=None, repr=False)
    """The part addresses while uploading, so that a killed upload goes on; a secret."""
    status_value: str | None = None
    """The Status field as last seen; None when it was never set."""
    looks: int = 0
    """How many readings of the file were begun; only the newest may be written down."""
    read_at: datetime | None = moment()
    """When the newest reading that was written down had begun."""
    uploaded_at: datetime | None = moment()
    ready_at: datetime | None = moment()
    created_at: datetime = moment(nullable=False)


class CommentRow(SQLModel, table=True):
    """A comment as it stands now, with what PostFlow made of it."""

    __tablename__ = "comments"

    comment_id: str = Field(primary_key=True)
    upload_id: str = Field(foreign_key="uploads.upload_id", index=True)
    version: int = 1
    file_id: str = Field(index=True)
    author_id: str | None = None
    author_email: str | None = None
    author_name: str = ""
    text: str = ""
    timecode: str | None = None
    """Where in the video: Frame.io's frame number or timecode, as text."""
    written_at: datetime = moment(nullable=False)
    edited_at: datetime | None = moment()
    completed_at: datetime | None = moment()
    deleted_at: datetime | None = moment()
    verdict: str = ReviewStatus.PENDING
    score: float = 0.0
    reason: str = ""
    analyser_version: str = ""
    ask_at: datetime | None = moment(index=True)
    """When another model may be asked about it; None when it decides, or was asked."""


class CommentRevisionRow(SQLModel, table=True):
    """What a comment once said; append-only, so that a verdict can always be explained."""

    __tablename__ = "comment_revisions"
    __table_args__ = (UniqueConstraint("comment_id", "sequence"),)

    id: int | None = Field(default=None, primary_key=True)
    comment_id: str = Field(foreign_key="comments.comment_id", index=True)
    sequence: int
    text: str = ""
    deleted: bool = False
    at: datetime = moment(nullable=False)
    seen_at: datetime = moment(nullable=False)


class RulingRow(SQLModel, table=True):
    """A word about the whole version: a change of the Status field, or a decision by hand."""

    __tablename__ = "rulings"

    id: int | None = Field(default=None, primary_key=True)
    upload_id: str = Field(foreign_key="uploads.upload_id", index=True)
    version: int = 1
    source: str = DecisionSource.STATUS_FIELD
    value: str = ""
    """The option's name, or for decisions by hand the review status."""
    person_id: str | None = None
    person_email: str | None = None
    person_name: str = ""
    known: bool = True
    """Whether it could be found out who it was."""
    reason: str = ""
    at: datetime = moment(nullable=False)
    seen_at: datetime = moment(nullable=False)


class EventRow(SQLModel, table=True):
    """One delivery in the inbox: its bytes as they came, and how settling it went."""

    __tablename__ = "events"

    id: int | None = Field(default=None, primary_key=True)
    received_at: datetime = moment(nullable=False)
    request_timestamp: str = ""
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    event_type: str | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    project_id: str | None = None
    workspace_id: str | None = None
    account_id: str | None = None
    user_id: str | None = None
    webhook_id: str | None = None
    """The webhook whose secret signed it, where PostFlow made that webhook."""
    upload_id: str | None = Field(default=None, index=True)
    claimed_until: datetime | None = moment()
    attempts: int = 0
    settled_at: datetime | None = moment()
    set_aside_at: datetime | None = moment()
    error: str | None = None
    note: str | None = None


class DecisionRow(SQLModel, table=True):
    """A change of an upload's review status; append-only and chained per upload by `hash`."""

    __tablename__ = "decisions"

    id: int | None = Field(default=None, primary_key=True)
    upload_id: str = Field(foreign_key="uploads.upload_id", index=True)
    version: int = 1
    verdict: str = ReviewStatus.PENDING
    source: str = DecisionSource.COMMENTS
    who: str = ""
    who_key: str = ""
    comment_id: str | None = None
    comment_text: str | None = None
    reason: str = ""
    score: float | None = None
    analyser_version: str | None = None
    at: datetime = moment(nullable=False)
    decided_at: datetime = moment(nullable=False)
    previous_hash: str = ""
    hash: str = Field(default="", unique=True)


# Statistics read this index alone, and lists of one status begin with it.
Index(
    "ix_uploads_statuses",
    UploadRow.__table__.c.status,  # type: ignore[attr-defined]  # SQLModel does not type __table__
    UploadRow.__table__.c.review_status,  # type: ignore[attr-defined]  # the same
    UploadRow.__table__.c.cancelled_at,  # type: ignore[attr-defined]  # the same
)
# Partial indexes: what the loops ask for every second costs by what is open, not by the total.
Index(
    "ix_events_open",
    EventRow.__table__.c.id,  # type: ignore[attr-defined]  # SQLModel does not type __table__
    sqlite_where=EventRow.__table__.c.settled_at.is_(None),  # type: ignore[attr-defined]  # the same
    postgresql_where=EventRow.__table__.c.settled_at.is_(None),  # type: ignore[attr-defined]  # the same
)
