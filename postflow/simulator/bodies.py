"""What requests may say. Anything else is refused with 422, as Frame.io does."""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from postflow.frameio.wire import WEBHOOK_EVENTS

ParamsT = TypeVar("ParamsT")


class Params(BaseModel):
    """Fields of a request; unknown ones and near misses of a type are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Body(Params, Generic[ParamsT]):
    """The envelope of every request."""

    data: ParamsT


Name = Annotated[str, Field(min_length=1, max_length=255)]
Reference = Annotated[str, Field(min_length=1, max_length=255)]


class NameParams(Params):
    """To rename something, or to make a folder or workspace."""

    name: Name | None = None


class ProjectParams(Params):
    """To make a project."""

    name: Name
    restricted: bool = False


class ProjectUpdateParams(Params):
    """To change a project."""

    name: Name | None = None
    restricted: bool | None = None
    status: Literal["active", "inactive"] | None = None


class LocalUploadParams(Params):
    """To upload from here; the media type is derived from the name."""

    name: Name
    file_size: int = Field(ge=1, le=5_000_000_000_000)


class RemoteUploadParams(Params):
    """To upload from an address."""

    name: Name
    source_url: str = Field(min_length=1)


class FileParams(Params):
    """The older way to make a file of either kind."""

    name: Name
    file_size: int = Field(ge=1, le=5_000_000_000_000)
    media_type: Name
    source_url: str | None = None


class MoveParams(Params):
    """To hang an asset below another folder or stack."""

    parent_id: Reference


class StackParams(Params):
    """To make a version stack, oldest file first."""

    file_ids: list[Reference] = Field(min_length=2, max_length=10)


class Anchor(Params):
    """Where on the picture a comment points."""

    x: float = Field(ge=0, le=1)
    y: float = Field(ge=0, le=1)


class LinkParams(Params):
    """An address inside a text."""

    url: str
    start_index: int = Field(ge=0)
    end_index: int = Field(ge=1)


class CommentParams(Params):
    """What a comment may hold."""

    timestamp: Annotated[int, Field(ge=0)] | str | None = None
    duration: int | None = Field(default=None, ge=1)
    page: int | None = Field(default=None, ge=1)
    annotation: str | None = Field(default=None, max_length=200_000)
    anchor: Anchor | None = None
    links: list[LinkParams] = Field(default_factory=list)
    text_review_annotation: dict[str, JsonValue] | None = None
    completed: bool | None = None


class CreateCommentParams(CommentParams):
    """To comment."""

    text: str = Field(min_length=1, max_length=40_000)
    attachments: list[dict[str, JsonValue]] = Field(default_factory=list, max_length=6)


class UpdateCommentParams(CommentParams):
    """To edit a comment or tick it off."""

    text: str | None = Field(default=None, min_length=1, max_length=40_000)


class FieldValueParams(Params):
    """One field to set; a select takes a list of option ids."""

    field_definition_id: Reference
    value: JsonValue


class BulkMetadataParams(Params):
    """Fields to set on files."""

    file_ids: list[Reference] = Field(min_length=1, max_length=100)
    values: list[FieldValueParams] = Field(min_length=1, max_length=100)


class FileMetadataParams(Params):
    """Fields to set on one file (the experimental operation)."""

    values: list[FieldValueParams] = Field(min_length=1, max_length=100)


def _check_events(events: list[str]) -> list[str]:
    unknown = sorted(set(events) - WEBHOOK_EVENTS)
    if unknown:
        raise ValueError(f"Unknown event: {unknown[0]}")
    if len(set(events)) < len(events):
        raise ValueError("Events must be unique")
    return events


class WebhookParams(Params):
    """To subscribe."""

    name: Name
    url: str = Field(min_length=1, max_length=2000)
    events: list[str] = Field(min_length=1)

    @model_validator(mode="after")
    def _events_exist(self) -> WebhookParams:
        _check_events(self.events)
        return self


class WebhookUpdateParams(Params):
    """To change a subscription."""

    name: Name | None = None
    url: str | None = Field(default=None, min_length=1, max_length=2000)
    events: list[str] | None = Field(default=None, min_length=1)
    active: bool | None = None

    @model_validator(mode="after")
    def _events_exist(self) -> WebhookUpdateParams:
        _check_events(self.events or [])
        return self


class ShareParams(Params):
    """To share assets."""

    type: Literal["asset"]
    name: str = Field(min_length=1, max_length=175)
    access: Literal["public", "secure"]
    asset_ids: list[Reference] = Field(default_factory=list, max_length=100)
    description: str | None = Field(default=None, max_length=640)
    downloading_enabled: bool = True
    expiration: str | None = None
    passphrase: str | None = Field(default=None, max_length=255)


class ShareUpdateParams(Params):
    """To change a share."""

    name: str | None = Field(default=None, min_length=1, max_length=175)
    access: Literal["public", "secure"] | None = None
    description: str | None = Field(default=None, max_length=640)
    downloading_enabled: bool | None = None
    expiration: str | None = None
    passphrase: str | None = Field(default=None, max_length=255)


class ShareAssetParams(Params):
    """To add an asset to a share."""

    asset_id: Reference


class Reviewers(Params):
    """People, named in exactly one of three ways."""

    emails: list[str] | None = Field(default=None, min_length=1, max_length=10)
    user_ids: list[str] | None = Field(default=None, min_length=1, max_length=10)
    adobe_user_ids: list[str] | None = Field(default=None, min_length=1, max_length=10)

    @model_validator(mode="after")
    def _one_way(self) -> Reviewers:
        if len(self.model_fields_set) != 1:
            raise ValueError("Give exactly one of emails, user_ids, adobe_user_ids")
        return self


class AddReviewersParams(Params):
    """To invite reviewers to a share."""

    message: str
    reviewers: Reviewers


class RemoveReviewersParams(Params):
    """To take reviewers off a share."""

    reviewers: Reviewers
