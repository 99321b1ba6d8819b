"""What the simulated Frame.io remembers about each object; payloads are made in `rendering`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pydantic import JsonValue

from postflow.frameio.wire import FileStatus, User


@dataclass(slots=True, kw_only=True)
class StoredRecord:
    """What every object has."""

    id: str
    name: str
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True, kw_only=True)
class StoredWorkspace(StoredRecord):
    """A workspace of the one account."""

    creator: User


@dataclass(slots=True, kw_only=True)
class StoredProject(StoredRecord):
    """A project and its root folder."""

    workspace_id: str
    root_folder_id: str
    owner: User
    status: str = "active"


@dataclass(slots=True, kw_only=True)
class StoredAsset(StoredRecord):
    """Something in a project's tree; `parent_id` is a folder or a version stack."""

    project_id: str
    parent_id: str | None
    creator: User


@dataclass(slots=True, kw_only=True)
class StoredFolder(StoredAsset):
    """A folder."""


@dataclass(slots=True, kw_only=True)
class StoredPart:
    """One part of an upload: how much was announced, and what came."""

    number: int
    size: int
    arrived: Path | None = None
    arrived_size: int = 0
    sha256: str | None = None


@dataclass(slots=True, kw_only=True)
class StoredFile(StoredAsset):
    """A file with the parts it is made of, and its metadata by field id."""

    media_type: str
    file_size: int
    parts: list[StoredPart] = field(default_factory=list)
    status: FileStatus = FileStatus.CREATED
    values: dict[str, JsonValue] = field(default_factory=dict)
    original: Path | None = None
    sha256: str | None = None
    upload_began_at: datetime | None = None
    upload_completed_at: datetime | None = None
    upload_failed: bool = False
    transcode_fails: bool = False


@dataclass(slots=True, kw_only=True)
class StoredStack(StoredAsset):
    """Versions of one video; its children are the files, oldest first."""


@dataclass(slots=True, kw_only=True)
class StoredComment:
    """A comment, or a reply when it has a parent."""

    id: str
    file_id: str
    parent_id: str | None
    owner: User
    text: str
    created_at: datetime
    updated_at: datetime
    frame: int | None = None
    duration: int | None = None
    page: int | None = None
    annotation: str | None = None
    text_review_annotation: JsonValue = None
    anchor: JsonValue = None
    links: list[JsonValue] = field(default_factory=list)
    text_edited_at: datetime | None = None
    completed_at: datetime | None = None
    completer_id: str | None = None


@dataclass(slots=True, kw_only=True)
class StoredField(StoredRecord):
    """A metadata field; `options` are ids and names of a select field, in order."""

    field_type: str
    mutable: bool
    creator: User
    options: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class StoredWebhook(StoredRecord):
    """A subscription with its secret."""

    url: str
    events: list[str]
    workspace_id: str
    secret: str
    creator: User
    active: bool = True


@dataclass(slots=True, kw_only=True)
class StoredShare(StoredRecord):
    """A share and whom it is for."""

    project_id: str
    access: str
    collection_id: str
    asset_ids: list[str]
    downloading_enabled: bool = True
    description: str | None = None
    expiration: str | None = None
    passphrase: str | None = None
    reviewers: list[User] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happened, as webhooks, the audit log and scenarios hear of it."""

    type: str
    resource_id: str
    resource_type: str
    project_id: str | None
    workspace_id: str
    user: User
    at: datetime
    file_id: str | None = None
    said: str | None = None  # a comment's text, or the option of the Status; only people see it
