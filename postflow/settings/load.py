"""Where settings come from: the environment first, then `pipeline_config.json`, then defaults.

Builds one frozen Settings with absolute paths; prints nothing and creates nothing.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from postflow.errors import ConfigurationError
from postflow.settings.config_file import CONFIG_VARIABLE, find_config, read_config
from postflow.settings.environment import PREFIX
from postflow.settings.sections import Settings


def load_settings(
    config_path: Path | str | None = None, *, overrides: Mapping[str, Any] | None = None
) -> Settings:
    """Return the effective settings; raises ConfigurationError with the remedy.

    `overrides` are sections as in the file, and beat it; the environment beats both. Relative
    paths are resolved against the config file's folder, else the working directory.
    """
    path = Path(config_path) if config_path else find_config()
    sections = read_config(path) if path else {}
    for name, values in (overrides or {}).items():
        sections[name] = {**sections.get(name, {}), **values}
    _refuse_unknown_variables()
    build: Callable[..., Settings] = Settings
    try:
        settings = build(**sections)
    except ValidationError as error:
        raise ConfigurationError(_explain(error, source=path)) from error
    return _resolve_paths(settings, base=path.parent.absolute() if path else Path.cwd())


def child_environment(settings: Settings) -> dict[str, str]:
    """Return this process's environment for a child that may run in another folder.

    Everything relative is made absolute, so that the child opens the same store.
    """
    found = find_config()
    return {
        **os.environ,
        **({CONFIG_VARIABLE: str(found)} if found else {}),
        "POSTFLOW_DATABASE__URL": settings.database.url,
        "POSTFLOW_WEBHOOK__SECRETS_FILE": str(settings.webhook.secrets_file),
        "POSTFLOW_FRAMEIO__LOGIN_FILE": str(settings.frameio.login_file),
        "POSTFLOW_POST_PROCESSING__OUTPUT_DIR": str(settings.post_processing.output_dir),
        "POSTFLOW_PREFECT__HOME": str(settings.prefect.home),
    }


def _refuse_unknown_variables() -> None:
    for variable in os.environ:
        if variable.startswith(PREFIX) and "__" in variable:
            section = variable.removeprefix(PREFIX).partition("__")[0].lower()
            if section not in Settings.model_fields:
                raise ConfigurationError(
                    f"{variable} names no section of PostFlow{_nearest(section, Settings)}."
                )


def _nearest(name: str, model: type[BaseModel]) -> str:
    close = difflib.get_close_matches(name, model.model_fields, n=1, cutoff=0.4)
    known = ", ".join(sorted(model.model_fields))
    return f"; did you mean {close[0]!r}?" if close else f"; known are {known}"


def _explain(error: ValidationError, *, source: Path | None) -> str:
    """Say the first thing that is wrong, where, and what would be right."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "projects"
    if first["type"] != "extra_forbidden":
        message = first["msg"].removeprefix("Value error, ")
        return f"The setting {where} cannot be used: {message} ({_origin(where, source)})."
    hint = _nearest(str(first["loc"][-1]), _model_at(first["loc"][:-1]))
    return f"The setting {where} does not exist{hint} ({_origin(where, source)})."


def _model_at(place: Iterable[int | str]) -> type[BaseModel]:
    model: type[BaseModel] = Settings
    for part in place:
        field = model.model_fields.get(str(part))
        annotation = field.annotation if field else None  # none where it is a project's id
        for found in (annotation, *get_args(annotation)):
            if isinstance(found, type) and issubclass(found, BaseModel):
                model = found
    return model


def _origin(where: str, source: Path | None) -> str:
    variable = PREFIX + where.upper().replace(".", "__")
    if variable in os.environ:
        return f"from the environment variable {variable}"
    return f"from {source}" if source else "from the defaults"


def _resolve_paths(settings: Settings, *, base: Path) -> Settings:
    def absolute(path: Path) -> Path:
        return (base / path.expanduser()).absolute()

    database = settings.database.model_copy(
        update={"url": _absolute_url(settings.database.url, base)}
    )
    webhook = settings.webhook.model_copy(
        update={
            "secrets_file": absolute(settings.webhook.secrets_file),
            "tunnel_command": _absolute_command(settings.webhook.tunnel_command, base),
        }
    )
    frameio = settings.frameio.model_copy(
        update={"login_file": absolute(settings.frameio.login_file)}
    )
    post_processing = settings.post_processing.model_copy(
        update={"output_dir": absolute(settings.post_processing.output_dir)}
    )
    prefect = settings.prefect.model_copy(update={"home": absolute(settings.prefect.home)})
    logs = settings.logs.model_copy(update={"folder": absolute(settings.logs.folder)})
    return settings.model_copy(
        update={
            "logs": logs,
            "database": database,
            "webhook": webhook,
            "frameio": frameio,
            "post_processing": post_processing,
            "prefect": prefect,
        }
    )


def _absolute_command(command: str, base: Path) -> str:
    """Return a program's path resolved; a mere name is looked for on the PATH."""
    if os.sep not in command:
        return command
    return str((base / Path(command).expanduser()).absolute())


def _absolute_url(url: str, base: Path) -> str:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationError(
            f"database.url is {url!r}, which is no database address; "
            "write for example sqlite:///postflow.db or postgresql+psycopg://user@host/name."
        ) from error
    if parsed.get_backend_name() != "sqlite" or parsed.database in {None, "", ":memory:"}:
        return url
    path = (base / Path(parsed.database or "").expanduser()).absolute()
    return parsed.set(database=str(path)).render_as_string(hide_password=False)
