"""The tables of the work: who waits, who runs, what is delivered and what is to be told.

`postflow.store.tables` gives all of them out; import them from there.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from postflow.domain.runs import RunState
from postflow.domain.uploads import WaitKind, WaitOutcome
from postflow.store.columns import moment


class WaitRow(SQLModel, table=True):
    """A flow run that waits: the outbox of wake-ups, and the ledger of how each one went."""

    __tablename__ = "waits"

    id: int | None = Field(default=None, primary_key=True)
    upload_id: str = Field(foreign_key="uploads.upload_id", index=True)
    version: int = 1
    kind: str = WaitKind.READY
    flow_run_id: str = Field(index=True)
    created_at: datetime = moment(nullable=False)
    deadline: datetime | None = moment()
    timed_out_at: datetime | None = moment()
    suspended_at: datetime | None = moment()
    """When the run's process last gave up itself to sleep; None while it only looked."""
    due_at: datetime | None = moment()
    """When the store first had an answer, maybe before anybody waited for it; a wait that is due
    is owed a wake-up."""
    try_at: datetime | None = moment()
    attempts: int = 0
    last_answer: str | None = None
    accepted_at: datetime | None = moment()
    closed_at: datetime | None = moment()
    outcome: str | None = Field(default=None, description=WaitOutcome.__doc__)


class ReviewDeadlineRow(SQLModel, table=True):
    """Since when the reviewers of a version are awaited, and what their silence has led to."""

    __tablename__ = "review_deadlines"

    upload_id: str = Field(foreign_key="uploads.upload_id", primary_key=True)
    version: int = Field(primary_key=True)
    started_at: datetime = moment(nullable=False)
    next_at: datetime | None = moment(index=True)
    """When to look next whether somebody is to be told; None when nothing is left to be done."""
    reminded: int = 0
    """How many of the reminders of `review.remind_after` have had their time."""
    escalated_at: datetime | None = moment()
    timed_out_at: datetime | None = moment()
    ended_at: datetime | None = moment()
    """When it was disarmed: by a decision, or because nobody waits any more."""


class WakeUpRow(SQLModel, table=True):
    """What the resumer found and did about a wait that is due; append-only.

    Looks that find what the one before found are counted in `waits.attempts` and not repeated
    here: a runner that is off for a weekend would fill pages.
    """

    __tablename__ = "wake_ups"

    id: int | None = Field(default=None, primary_key=True)
    wait_id: int = Field(foreign_key="waits.id", index=True)
    at: datetime = moment(nullable=False)
    state: str | None = Field(default=None, description=RunState.__doc__)
    """The run's state as it was seen; None when Prefect could not be asked."""
    asked: bool = False
    """Whether Prefect was asked to start the run again, or was only looked at."""
    accepted: bool = False
    answer: str = ""


class FlowRunRow(SQLModel, table=True):
    """A Prefect flow run that works on a version, and the lease that shows it is alive."""

    __tablename__ = "flow_runs"
    __table_args__ = (UniqueConstraint("upload_id", "version", "attempt"),)

    id: int | None = Field(default=None, primary_key=True)
    upload_id: str = Field(foreign_key="uploads.upload_id", index=True)
    version: int = 1
    attempt: int = 1
    flow_run_id: str | None = Field(default=None, unique=True)
    lease_until: datetime | None = moment(index=True)
    """Renewed by the running process, None while it is suspended.

    Of a run that has finished: by when Prefect should know, None once it does.
    """
    holder: str | None = None
    """The process that claimed the run last; one that slept through its lease finds another."""
    restarts: int = 0
    finished_at: datetime | None = moment()
    note: str | None = None
    created_at: datetime = moment(nullable=False)


class DeliveryRow(SQLModel, table=True):
    """The one delivery of an approved version; its name in the folder is taken here first."""

    __tablename__ = "deliveries"
    __table_args__ = (UniqueConstraint("upload_id", "version"),)

    id: int | None = Field(default=None, primary_key=True)
    upload_id: str = Field(foreign_key="uploads.upload_id", index=True)
    version: int = 1
    decision_id: int = Field(foreign_key="decisions.id")
    name: str = Field(unique=True)
    claimed_by: str = ""
    claimed_at: datetime = moment(nullable=False)
    delivered_at: datetime | None = moment(index=True)
    recalled_at: datetime | None = moment()
    recall_written_at: datetime | None = moment()
    """When the manifest beside the files was told of the recall."""
    path: str | None = None
    sha256: str | None = None
    manifest: dict[str, Any] | None = Field(default=None, sa_type=JSON)


class BatchRow(SQLModel, table=True):
    """Videos submitted together."""

    __tablename__ = "batches"

    batch_id: str = Field(primary_key=True)
    created_at: datetime = moment(nullable=False)
    decided_at: datetime | None = moment()
    began_at: datetime | None = moment()
    """When the first process began that was at work since a person last started it."""
    lease_until: datetime | None = moment()
    """Renewed by the process that registers and starts its videos; None once Prefect knows its end."""
    restarts: int = 0
    end: str | None = None
    """How it ended by its own word, `Name: sentence` as Prefect is to show it."""


class BatchMemberRow(SQLModel, table=True):
    """A video's place in a batch; a video may stand in several."""

    __tablename__ = "batch_members"

    batch_id: str = Field(foreign_key="batches.batch_id", primary_key=True)
    upload_id: str = Field(foreign_key="uploads.upload_id", primary_key=True, index=True)
    position: int = 0


class FileHashRow(SQLModel, table=True):
    """The sha256 of a file on disk, good for as long as its size and time of change stay."""

    __tablename__ = "file_hashes"

    path: str = Field(primary_key=True)
    size: int = Field(sa_type=BigInteger)
    modified_ns: int = Field(sa_type=BigInteger)
    sha256: str


class AnnouncementRow(SQLModel, table=True):
    """Something to tell Prefect or people, committed with its cause and sent afterwards."""

    __tablename__ = "announcements"

    id: str = Field(primary_key=True)
    """Made from upload, version and kind, so that a receiver recognises a repeat."""
    upload_id: str = Field(index=True)
    version: int = 1
    kind: str
    payload: dict[str, Any] = Field(default_factory=dict, sa_type=JSON, nullable=False)
    created_at: datetime = moment(nullable=False)
    try_at: datetime | None = moment(index=True)
    attempts: int = 0
    notified_at: datetime | None = moment()
    """When the notices to people were made of it, where the kind is for people."""
    sent_at: datetime | None = moment()
    error: str | None = None


class OwnUserRow(SQLModel, table=True):
    """As whom PostFlow was signed in at Frame.io; the one seen last is who it is now."""

    __tablename__ = "own_users"

    user_id: str = Field(primary_key=True)
    seen_at: datetime = moment(nullable=False)


class NoticeRow(SQLModel, table=True):
    """One message to one receiver: on record before it is sent, so that no crash repeats it."""

    __tablename__ = "notices"

    id: int | None = Field(default=None, primary_key=True)
    receiver: str
    """By which the settings know the address; the address itself is secret."""
    receiver_label: str
    kind: str
    batch_id: str | None = None
    items: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON, nullable=False)
    """What it tells, one entry per announcement."""
    title: str = ""
    text: str = ""
    created_at: datetime = moment(nullable=False)
    send_at: datetime | None = moment(index=True)
    """When it is to be sent; until then more may be added. None once its sending has begun."""
    begun_at: datetime | None = moment()
    attempts: int = 0
    sent_at: datetime | None = moment()
    failed_at: datetime | None = moment()
    unconfirmed_at: datetime | None = moment()
    dismissed_at: datetime | None = moment()
    error: str | None = None


# Partial, for the same reason as `ix_events_open`.
Index(
    "ix_waits_open",
    WaitRow.__table__.c.upload_id,  # type: ignore[attr-defined]  # the same
    sqlite_where=WaitRow.__table__.c.closed_at.is_(None),  # type: ignore[attr-defined]  # the same
    postgresql_where=WaitRow.__table__.c.closed_at.is_(None),  # type: ignore[attr-defined]  # the same
)
Index(
    "ix_notices_open",
    NoticeRow.__table__.c.begun_at,  # type: ignore[attr-defined]  # the same
    sqlite_where=NoticeRow.__table__.c.sent_at.is_(None),  # type: ignore[attr-defined]  # the same
    postgresql_where=NoticeRow.__table__.c.sent_at.is_(None),  # type: ignore[attr-defined]  # the same
)
_UNWRITTEN = (
    DeliveryRow.__table__.c.recalled_at.is_not(None)  # type: ignore[attr-defined]  # the same
    & DeliveryRow.__table__.c.recall_written_at.is_(None)  # type: ignore[attr-defined]  # the same
)
Index(
    "ix_deliveries_unwritten",
    DeliveryRow.__table__.c.recalled_at,  # type: ignore[attr-defined]  # the same
    sqlite_where=_UNWRITTEN,
    postgresql_where=_UNWRITTEN,
)
