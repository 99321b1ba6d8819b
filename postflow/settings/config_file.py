"""The file `pipeline_config.json`: where it is looked for, and what of it is PostFlow's.

It is the team's whole pipeline config: sections that are not PostFlow's are left alone. A key that
begins with `//` is a comment, on any level, since JSON has none of its own.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from postflow.errors import ConfigurationError
from postflow.settings.sections import Settings

CONFIG_NAME = "pipeline_config.json"
CONFIG_VARIABLE = "POSTFLOW_CONFIG"
COMMENT = "//"
_log = logging.getLogger("postflow.settings")


def find_config() -> Path | None:
    """Return the config file that counts, or None: the first of the documented places."""
    named = os.environ.get(CONFIG_VARIABLE)
    if named:
        if not Path(named).is_file():
            raise ConfigurationError(
                f"{CONFIG_VARIABLE} names {named}, which is not a file; correct or unset it."
            )
        return Path(named).absolute()
    return next((p.absolute() for p in _config_places() if p.is_file()), None)


def read_json(path: Path) -> Any:
    """Return what a file that a person wrote holds; raises ConfigurationError."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}).") from error
    except json.JSONDecodeError as error:
        raise ConfigurationError(
            f"{path} is not valid JSON: see line {error.lineno}, column {error.colno}."
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not text in UTF-8; save it as UTF-8.") from error
    except ValueError as error:
        raise ConfigurationError(f"{path} is not valid JSON: {error}.") from error


def read_config(path: Path) -> dict[str, dict[str, Any]]:
    """Return PostFlow's sections of the file, comments removed; raises ConfigurationError."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path} must hold one JSON object with sections.")
    content = drop_comments(content)
    ours = {k: v for k, v in content.items() if k in Settings.model_fields}
    foreign = sorted(set(content) - set(ours) - {"$schema"})
    if foreign:
        _log.info("sections of %s that are not PostFlow's: %s", path.name, ", ".join(foreign))
    for name, values in ours.items():
        if not isinstance(values, dict):
            raise ConfigurationError(f"{path}: {name} must be an object with settings in it.")
    return ours


def drop_comments(value: Any) -> Any:
    """Return the value without the keys that are comments, on any level."""
    if isinstance(value, dict):
        return {k: drop_comments(v) for k, v in value.items() if not k.startswith(COMMENT)}
    return value


def _config_places() -> Iterator[Path]:
    yield Path(CONFIG_NAME)
    yield Path("config") / CONFIG_NAME
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    if script:
        yield Path(script).parent / CONFIG_NAME
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    yield Path(home) / "postflow" / CONFIG_NAME
