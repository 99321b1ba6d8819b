"""Payloads exactly as Frame.io V4 writes them.

Fields that Frame.io adds later are kept; a required field that is missing is an error, because
a half-read comment could decide a video. Optional fields are the ones that Frame.io leaves out
unless asked for with `include=`. Nothing here talks to anybody.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field, JsonValue

from postflow.frameio.envelopes import (
    Data,
    ErrorDetail,
    Errors,
    ErrorSource,
    Links,
    Moment,
    Page,
    Payload,
    render_time,
)
from postflow.frameio.events import (
    WEBHOOK_EVENTS,
    Reference,
    Webhook,
    WebhookEvent,
)
from postflow.frameio.metadata import (
    FieldConfiguration,
    FieldDefinition,
    FieldOption,
    FileMetadata,
    MetadataField,
    MetadataValue,
    SelectOption,
    UserValue,
)

# Beside what is defined here: the modules above are read through this one.
__all__ = [
    "WEBHOOK_EVENTS",
    "Data",
    "ErrorDetail",
    "ErrorSource",
    "Errors",
    "FieldConfiguration",
    "FieldDefinition",
    "FieldOption",
    "FileMetadata",
    "Links",
    "MetadataField",
    "MetadataValue",
    "Moment",
    "Page",
    "Payload",
    "Reference",
    "SelectOption",
    "UserValue",
    "Webhook",
    "WebhookEvent",
    "render_time",
]

BASE_URL = "https://api.frame.io"
API_PREFIX = "/v4"
PLAIN_BYTES = "application/octet-stream"
EXPERIMENTAL_HEADER = ("api-version", "experimental")


class Profile(Payload):
    """The user behind the token (`GET /me`)."""

    id: str
    email: str
    name: str
    avatar_url: str | None


class User(Payload):
    """A person; `id` is null for somebody invited who has no Frame.io account."""

    id: str | None
    name: str | None
    email: str
    avatar_url: str | None
    active: bool | None
    adobe_user_id: str | None = None


class Account(Payload):
    """The customer of Frame.io that owns workspaces and users."""

    id: str
    display_name: str
    roles: list[str]
    storage_usage: int
    storage_limit: int | None
    created_at: Moment
    updated_at: Moment


class Workspace(Payload):
    """A group of projects; webhooks belong to one."""

    id: str
    name: str
    account_id: str
    created_at: Moment
    updated_at: Moment


class Project(Payload):
    """A tree of folders below `root_folder_id`."""

    id: str
    name: str
    status: str
    storage: int
    workspace_id: str
    root_folder_id: str
    view_url: str
    created_at: Moment
    updated_at: Moment
    description: str | None = None
    owner: User | None = None


class Asset(Payload):
    """What files, folders and version stacks have in common."""

    id: str
    name: str
    type: str
    project_id: str
    parent_id: str | None
    created_at: Moment
    updated_at: Moment
    view_url: str
    creator: User | None = None
    project: Project | None = None
    metadata: list[MetadataField] | None = None


class Folder(Asset):
    """A folder; a project's root folder has no parent."""

    cover_file_id: str | None


class MediaLink(Payload):
    """Where one rendition can be fetched; addresses expire and are null until transcoded."""

    download_url: str | None = Field(default=None, repr=False)
    url: str | None = Field(default=None, repr=False)
    inline_url: str | None = Field(default=None, repr=False)


class MediaLinks(Payload):
    """The renditions of a file, each only when asked for, and null when it does not exist."""

    original: MediaLink | None = None
    thumbnail: MediaLink | None = None
    thumbnail_high_quality: MediaLink | None = None
    video_h264_180: MediaLink | None = None
    high_quality: MediaLink | None = None
    efficient: MediaLink | None = None
    scrub_sheet: MediaLink | None = None


class UploadUrl(Payload):
    """Where one part goes; `size` says how many bytes of the source it takes."""

    size: int
    url: str = Field(repr=False)


class FileStatus(StrEnum):
    """The values of `File.status`. There is none for a failed transcode."""

    CREATED = "created"  # a placeholder; some bytes are missing
    UPLOADED = "uploaded"  # all bytes are there, the transcode is not
    TRANSCODED = "transcoded"  # ready to be reviewed


class File(Asset):
    """A file; `status` is open text so that a new value is "not ready" instead of an error.

    Newer descriptions let `media_type` be null until the bytes are there; it then reads as that
    of plain bytes.
    """

    status: str
    media_type: Annotated[str, BeforeValidator(lambda found: found or PLAIN_BYTES)]
    file_size: int
    media_links: MediaLinks | None = None
    upload_urls: list[UploadUrl] | None = None


class FileUploadStatus(Payload):
    """How far an upload is; `uploaded_at` is when it began."""

    id: str
    filetype: str
    upload_complete: bool
    upload_failed: bool
    uploaded_at: Moment | None
    upload_completed_at: Moment | None


class VersionStack(Asset):
    """Versions of one video, in its own folder entry; `head_version` is the newest."""

    head_version: File | None


class CommentLink(Payload):
    """An address inside a comment's text."""

    start_index: int
    end_index: int
    text: str
    url: str


class Comment(Payload):
    """A comment or a reply; replies carry neither owner nor parent, only their place in a list.

    `timestamp` is a frame number, or a timecode when the list was asked for timecodes.
    """

    id: str
    file_id: str
    text: str
    timestamp: int | str | None
    duration: int | None
    page: int | None
    annotation: str | None
    text_review_annotation: JsonValue
    attachments: list[JsonValue] | None
    links: list[CommentLink]
    mentions: list[JsonValue]
    completed_at: Moment | None
    completer_id: str | None
    text_edited_at: Moment | None
    created_at: Moment
    updated_at: Moment
    owner: User | None = None
    replies: list[Comment] | None = None


class Share(Payload):
    """A page for reviewers outside the project."""

    id: str
    name: str | None
    access: str
    collection_id: str
    commenting_enabled: bool
    downloading_enabled: bool
    description: str | None
    enabled: bool
    expiration: Moment | None
    last_viewed_at: Moment | None
    short_url: str | None = Field(repr=False)
    created_at: Moment
    updated_at: Moment


class AuditLog(Payload):
    """One line of the account's history (an experimental operation)."""

    account_id: str
    event_type: str
    inserted_at: str
    ip_address: str
    resource_id: str
    resource_type: str
    project_id: str | None
    workspace_id: str | None
    user_id: str | None
    user: User | None = None


class IssuedToken(Payload):
    """Adobe's answer to a token request; `expires_in` is in seconds."""

    access_token: str = Field(repr=False)
    token_type: str
    expires_in: int
    refresh_token: str | None = Field(default=None, repr=False)
