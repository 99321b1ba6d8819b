"""The JSON Schema of `pipeline_config.json`, by which editors complete and check it."""

from __future__ import annotations

from typing import Any

from postflow.settings.config_file import COMMENT
from postflow.settings.sections import Settings

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def config_schema() -> dict[str, Any]:
    """Return the schema of the file as `load_settings` reads it.

    Sections of other programs and comments are allowed where they are allowed there.
    """
    schema = _with_comments(Settings.model_json_schema())
    return {
        "$schema": _DIALECT,
        **schema,
        "title": "PostFlow's part of pipeline_config.json",
        "description": "Sections that are not PostFlow's may stand beside these.",
        "additionalProperties": True,
    }


def _with_comments(part: Any) -> Any:
    """Let every object that refuses unknown keys have comments."""
    if isinstance(part, list):
        return [_with_comments(each) for each in part]
    if not isinstance(part, dict):
        return part
    found = {key: _with_comments(value) for key, value in part.items()}
    if found.get("additionalProperties") is False:
        found["patternProperties"] = {f"^{COMMENT}": {}}
    return found
