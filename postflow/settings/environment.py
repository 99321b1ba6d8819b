"""Settings from the environment: `POSTFLOW_SECTION__KEY`, or `…FILE_SUFFIX` for a value in a file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_settings import BaseSettings, EnvSettingsSource
from pydantic_settings.exceptions import SettingsError

from postflow.errors import ConfigurationError

PREFIX = "POSTFLOW_"
FILE_SUFFIX = "_file"


class EnvironmentSource(EnvSettingsSource):
    """The environment, with the values of `…FILE_SUFFIX` variables in the place of their paths."""

    def __call__(self) -> dict[str, Any]:
        """Return the sections that the environment sets; raises ConfigurationError."""
        try:
            found = super().__call__()
        except SettingsError as error:
            raise ConfigurationError(_explain(error)) from error
        for section, values in found.items():
            model = section_model(self.settings_cls, section)
            if model is None or not isinstance(values, dict):
                continue
            for key in [key for key in values if _is_value_file(key, model)]:
                variable = f"{PREFIX}{section}__{key}".upper()
                values[key.removesuffix(FILE_SUFFIX)] = _read_value(variable, values.pop(key))
        return found


def section_model(settings: type[BaseModel], name: str) -> type[BaseModel] | None:
    """Return the model of a section, or None where there is none of this name."""
    field = settings.model_fields.get(name)
    found = field.annotation if field else None
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def environment_source(settings_cls: type[BaseSettings]) -> EnvironmentSource:
    """Return the source as pydantic wants it."""
    return EnvironmentSource(settings_cls)


def _is_value_file(key: str, model: type[BaseModel]) -> bool:
    # `webhook.secrets_file` is a setting of its own: where PostFlow keeps what it is given.
    return (
        key.endswith(FILE_SUFFIX)
        and key not in model.model_fields
        and (key.removesuffix(FILE_SUFFIX) in model.model_fields)
    )


def _read_value(variable: str, path: str) -> object:
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
        return json.loads(text) if text.startswith(("[", "{")) else text
    except OSError as error:
        raise ConfigurationError(
            f"{variable} names {path}, which cannot be read ({error.strerror})."
        ) from error
    except ValueError as error:
        raise ConfigurationError(
            f"{variable} names {path}, whose content cannot be understood ({error})."
        ) from error


def _explain(error: SettingsError) -> str:
    """Name the variable: pydantic names only the section."""
    broken = sorted(
        name
        for name, value in os.environ.items()
        if name.upper().startswith(PREFIX) and _is_broken_json(value)
    )
    names = " or ".join(broken) or str(error)
    return f'{names} is not valid JSON; write a list as ["one", "two"].'


def _is_broken_json(value: str) -> bool:
    try:
        json.loads(value)
    except ValueError:
        return True
    return False
