"""Metadata fields and their values, as Frame.io writes them and as it takes them."""

from __future__ import annotations

from pydantic import JsonValue

from postflow.frameio.wire import render_time
from postflow.simulator.records import StoredField
from postflow.simulator.refusals import invalid

MAX_RATING = 5


def render_field(field: StoredField, *, creator: bool = False) -> dict[str, JsonValue]:
    """Write the definition of a field."""
    options: list[JsonValue] = [
        {"id": key, "display_name": name} for key, name in field.options.items()
    ]
    configurations: dict[str, JsonValue] = {
        "select": {"enable_add_new": False, "options": options},
        "rating": {"color": "#fbd400", "max_value": MAX_RATING, "style": "star"},
    }
    written: dict[str, JsonValue] = {
        "id": field.id,
        "name": field.name,
        "field_type": field.field_type,
        "mutable": field.mutable,
        "creator_id": field.creator.id,
        "created_at": render_time(field.created_at),
        "updated_at": render_time(field.updated_at),
        "field_configuration": configurations.get(field.field_type, {}),
    }
    if creator:
        written["creator"] = field.creator.model_dump(mode="json")
    return written


def render_field_value(field: StoredField, value: JsonValue) -> dict[str, JsonValue]:
    """Write a field of a file with its value; a select value is a list, even of one."""
    written: dict[str, JsonValue] = {
        "field_definition_id": field.id,
        "field_definition_name": field.name,
        "field_type": field.field_type,
        "mutable": field.mutable,
        "value": value,
    }
    if field.field_type == "select":
        chosen = value if isinstance(value, list) else []
        options: list[JsonValue] = [
            {"id": key, "display_name": name} for key, name in field.options.items()
        ]
        written["value"] = [
            {"id": key, "display_name": name}
            for key, name in field.options.items()
            if key in chosen
        ]
        written["field_options"] = options
    return written


def check_value(field: StoredField, value: JsonValue, *, pointer: str) -> None:
    """Refuse a value that the field cannot hold."""
    if not field.mutable:
        raise invalid(f"{field.name} is read-only", pointer=pointer)
    match field.field_type:
        case "select":
            if not isinstance(value, list) or len(value) > 1:
                raise invalid("Must be a list of at most one option id", pointer=pointer)
            if any(option not in field.options for option in value):
                raise invalid(f"{field.name} has no such option", pointer=pointer)
        case "rating":
            if value not in (None, *range(MAX_RATING + 1)) or isinstance(value, bool | float):
                raise invalid(f"Must be a whole number up to {MAX_RATING}", pointer=pointer)
        case _:
            if value is not None and not isinstance(value, str):
                raise invalid("Must be a text", pointer=pointer)
