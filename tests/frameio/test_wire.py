"""Payloads: what is kept, what must be there, and the two-faced metadata values."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from postflow.frameio.wire import File, MetadataField, Page, Project, SelectOption, User, UserValue

USER = {"id": None, "name": None, "email": "a@b.com", "avatar_url": None, "active": None}
FIELD = {
    "field_definition_id": "f",
    "field_definition_name": "Status",
    "field_type": "select",
    "mutable": True,
}
FILE = {
    "id": "f",
    "name": "cut.mp4",
    "type": "file",
    "project_id": "p",
    "parent_id": None,
    "created_at": "2026-01-05T10:00:00.000001Z",
    "updated_at": "2026-01-05T10:00:00.000001Z",
    "view_url": "https://next.frame.io/project/p/view/f",
    "status": "transcoded",
    "media_type": "video/mp4",
    "file_size": 5,
}


def test_selected_option_is_read() -> None:
    """A select value is a list of one option with its name."""
    field = MetadataField.model_validate(FIELD | {"value": [{"id": "o", "display_name": "OK"}]})
    assert field.selected == [SelectOption(id="o", display_name="OK")]


@pytest.mark.parametrize(
    "value",
    ["text", 4, 2.5, True, None, [], [{"id": "u", "type": "user"}], [{"strange": 1}]],
)
def test_other_values_select_nothing(value: object) -> None:
    """Fields of every other kind are read too, as they came."""
    field = MetadataField.model_validate(FIELD | {"value": value})
    assert field.selected == []
    assert field.model_dump()["value"] == value


def test_people_in_fields_are_read() -> None:
    """A user field holds ids of people or groups."""
    field = MetadataField.model_validate(FIELD | {"value": [{"id": "u", "type": "user"}]})
    assert field.value == [UserValue(id="u", type="user")]


def test_unknown_fields_are_kept() -> None:
    """What Frame.io adds one day is not lost."""
    user = User.model_validate(USER | {"pronouns": "she"})
    assert user.model_dump()["pronouns"] == "she"


@pytest.mark.parametrize("missing", ["id", "status", "file_size", "created_at"])
def test_missing_field_is_an_error(missing: str) -> None:
    """Half a file is no file."""
    with pytest.raises(ValidationError, match=missing):
        File.model_validate({key: value for key, value in FILE.items() if key != missing})


def test_times_are_written_as_they_came() -> None:
    """Times keep their microseconds and their Z."""
    written = File.model_validate(FILE).model_dump(mode="json", exclude_unset=True)
    assert written == FILE


def test_unknown_media_type_reads_as_bytes() -> None:
    """A media type that is not known yet does not make the file unreadable."""
    assert File.model_validate(FILE | {"media_type": None}).media_type == "application/octet-stream"


def test_page_needs_its_next_link() -> None:
    """A list without `links` is an error: it could be cut short."""
    with pytest.raises(ValidationError, match="links"):
        Page[Project].model_validate({"data": []})
