"""The tables of uploading: who sends which file, how far it is, and whose turn it is to ask.

`postflow.store.tables` gives all of them out; import them from there.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from postflow.store.columns import moment


class FinishedPartRow(SQLModel, table=True):
    """A part that Frame.io holds; one row each, because an upload may have 100 000 parts."""

    __tablename__ = "finished_parts"

    file_id: str = Field(primary_key=True)
    number: int = Field(primary_key=True)


class UploadClaimRow(SQLModel, table=True):
    """Which process sends an upload's bytes, and what it asked Frame.io for without an answer.

    Between a question and the record of its answer a process may be killed: then Frame.io may
    hold an empty file that nobody can fill, in this folder, of this name and size.
    """

    __tablename__ = "upload_claims"

    upload_id: str = Field(foreign_key="uploads.upload_id", primary_key=True)
    holder: str
    until: datetime = moment(nullable=False)
    """Renewed while the process lives; then another one may take over."""
    asking_since: datetime | None = moment()
    """While a placeholder is being asked for: the newest file may be the answer to this."""
    unanswered_since: datetime | None = moment()
    """From when on a question may have left a file behind, its answer being lost."""
    folder_id: str | None = None
    name: str | None = None
    size: int | None = Field(default=None, sa_type=BigInteger)


class TallyRow(SQLModel, table=True):
    """How many rows of a table that only grows were counted, and how far."""

    __tablename__ = "tallies"

    name: str = Field(primary_key=True)
    count: int = Field(default=0, sa_type=BigInteger)
    counted_id: int = Field(default=0, sa_type=BigInteger)
    seen_id: int = Field(default=0, sa_type=BigInteger)
    """The newest row at `rolled_at`; by the next time all before it are committed."""
    rolled_at: datetime | None = moment()


class AllowanceRow(SQLModel, table=True):
    """A rate that all processes share: the moment from which the next call may be made."""

    __tablename__ = "allowances"

    name: str = Field(primary_key=True)
    next_at: datetime = moment(nullable=False)
