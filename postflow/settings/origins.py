"""What is in effect and where each setting comes from, secrets masked; for `postflow config show`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import make_url

from postflow.settings.config_file import find_config, read_config
from postflow.settings.environment import FILE_SUFFIX, PREFIX
from postflow.settings.load import load_settings
from postflow.settings.sections import Settings

DEFAULT = "default"


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One setting as it holds: its name (`section.key`), its JSON value, and who set it."""

    name: str
    value: Any
    origin: str
    """`default`, the path of the config file, or the name of an environment variable."""


def list_settings() -> list[Setting]:
    """Return every setting in effect, in the order of the sections; raises ConfigurationError."""
    settings = load_settings()
    path = find_config()
    in_file = read_config(path) if path else {}
    return [
        Setting(
            name=f"{section}.{key}", value=value, origin=_origin(section, key, in_file, str(path))
        )
        for section, key, value in _walk(settings)
    ]


def show_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings by section as JSON values, secrets masked."""
    shown: dict[str, Any] = settings.model_dump(mode="json")
    shown["database"]["url"] = make_url(settings.database.url).render_as_string(hide_password=True)
    return shown


def _walk(settings: Settings) -> Iterator[tuple[str, str, Any]]:
    for section, values in show_settings(settings).items():
        for key, value in values.items():
            yield section, key, value


def _origin(section: str, key: str, in_file: dict[str, dict[str, Any]], path: str) -> str:
    variable = f"{PREFIX}{section}__{key}".upper()
    for name in os.environ:
        # A variable may also name a part of the setting, as POSTFLOW_REVIEW__STATUS_NAMES__FIELD.
        if name.upper() in (variable, variable + FILE_SUFFIX.upper()) or name.upper().startswith(
            f"{variable}__"
        ):
            return name
    return path if key in in_file.get(section, {}) else DEFAULT
