"""Payloads exactly as Frame.io V4 writes them.

Fields that Frame.io adds later are kept; a required field that is missing is an error, because
a half-read comment could decide a video. Optional fields are the ones that Frame.io leaves out
unless asked for with `include=`. Nothing here talks to anybody.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Generic, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, JsonValue, PlainSerializer

BASE_URL = "https://api.frame.io"
API_PREFIX = "/v4"
EXPERIMENTAL_HEADER = ("api-version", "experimental")


def render_time(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds and `Z`, the only form Frame.io writes."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


Moment = Annotated[AwareDatetime, PlainSerializer(render_time, when_used="json")]


class Payload(BaseModel):
    """One JSON object of Frame.io; what it holds beyond our fields is kept as it came."""

    model_config = ConfigDict(extra="allow", frozen=True)


PayloadT = TypeVar("PayloadT")


class Data(Payload, Generic[PayloadT]):
    """The envelope of a single object."""

    data: PayloadT


class Links(Payload):
    """Where the next page is; `next` is relative and keeps only the `after` parameter."""

    next: str | None


class Page(Payload, Generic[PayloadT]):
    """The envelope of a list; `total_count` comes only with `include_total_count=true`."""

    data: list[PayloadT]
    links: Links
    total_count: int | None = None


class ErrorSource(Payload):
    """The part of the request that was refused."""

    pointer: str | None = None


class ErrorDetail(Payload):
    """One reason why a request was refused."""

    detail: str
    title: str | None = None
    source: ErrorSource | None = None


class Errors(Payload):
    """The body of every answer of 400 and above."""

    errors: list[ErrorDetail]


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


class SelectOption(Payload):
    """One choice of a select field."""

    id: str
    display_name: str


class UserValue(Payload):
    """One person or group in a user field."""

    id: str
    type: str


MetadataValue = (
    list[SelectOption | UserValue | dict[str, JsonValue]] | bool | int | float | str | None
)


class MetadataField(Payload):
    """A field of a file with its value; select and user values are lists, even of one."""

    field_definition_id: str
    field_definition_name: str
    field_type: str
    mutable: bool
    value: MetadataValue = None
    field_options: list[SelectOption] | None = None

    @property
    def selected(self) -> list[SelectOption]:
        """The chosen options of a select field; empty for every other field."""
        if not isinstance(self.value, list):
            return []
        return [option for option in self.value if isinstance(option, SelectOption)]


class FileMetadata(Payload):
    """All fields of one file; fields without value come only with `show_null=true`."""

    file_id: str
    metadata: list[MetadataField]


class FieldOption(Payload):
    """One choice of a select field, in its definition."""

    display_name: str
    id: str | None = None
    color: str | None = None


class FieldConfiguration(Payload):
    """What a field may hold; `options` only for select fields."""

    options: list[FieldOption] | None = None


class FieldDefinition(Payload):
    """A field of the account, for example the built-in select field `Status`."""

    id: str
    name: str
    field_type: str
    mutable: bool
    creator_id: str
    created_at: Moment
    updated_at: Moment
    field_configuration: FieldConfiguration | None = None


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

    download_url: str | None = None
    url: str | None = None
    inline_url: str | None = None


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
    url: str


class FileStatus(StrEnum):
    """The values of `File.status`. There is none for a failed transcode."""

    CREATED = "created"  # a placeholder; some bytes are missing
    UPLOADED = "uploaded"  # all bytes are there, the transcode is not
    TRANSCODED = "transcoded"  # ready to be reviewed


class File(Asset):
    """A file; `status` is open text so that a new value is "not ready" instead of an error."""

    status: str
    media_type: str
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


class Webhook(Payload):
    """A subscription of one workspace; `secret` comes once, in the answer to its creation."""

    id: str
    name: str
    url: str
    events: list[str]
    created_at: Moment
    updated_at: Moment
    active: bool = True
    workspace_id: str | None = None
    secret: str | None = None


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
    short_url: str | None
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

    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str | None = None


class Reference(Payload):
    """An id in a webhook body; a resource also says what it is."""

    id: str | None = None
    type: str | None = None


class WebhookEvent(Payload):
    """The body of a delivery: ids only, a hint to read again. Anything may be missing.

    `project`, `user`, `workspace` and `account` carry an id and nothing else.
    """

    type: str | None = None
    resource: Reference | None = None
    project: Reference | None = None
    user: Reference | None = None
    workspace: Reference | None = None
    account: Reference | None = None


WEBHOOK_EVENTS = frozenset(
    f"{group}.{happened}"
    for group, all_that_happens in {
        "file": "created updated deleted ready upload.completed versioned copied",
        "folder": "created updated deleted copied",
        "comment": "created updated deleted completed uncompleted",
        "project": "created updated deleted",
        "collection": "created updated deleted",
        "customfield": "created updated deleted",
        "share": "created updated deleted viewed",
        "metadata": "value.updated",
    }.items()
    for happened in all_that_happens.split()
)
