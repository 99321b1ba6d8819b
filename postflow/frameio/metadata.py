"""Metadata as Frame.io writes it: fields, their options, their values on a file.

Use it through `postflow.frameio.wire`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue

from postflow.frameio.envelopes import Moment, Payload


class SelectOption(Payload):
    """One choice of a select field."""

    id: str
    display_name: str


class UserValue(Payload):
    """One person or group in a user field."""

    id: str
    type: str


# Tried in this order, because a plain dictionary would fit every option as well.
MetadataItem = Annotated[
    SelectOption | UserValue | dict[str, JsonValue], Field(union_mode="left_to_right")
]
MetadataValue = list[MetadataItem] | bool | int | float | str | None


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
