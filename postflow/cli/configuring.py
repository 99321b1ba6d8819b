"""Commands about the configuration: config init, show, schema."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from postflow.cli.output import AsJson, print_json, print_table, say
from postflow.errors import ConfigurationError
from postflow.settings.config_file import CONFIG_NAME
from postflow.settings.origins import list_settings
from postflow.settings.schema import config_schema
from postflow.settings.starter import SCHEMA_FILE, starter_config

config_app = typer.Typer(help="Make, look at and describe the configuration.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.add_typer(config_app, name="config")


@config_app.command("init")
def init_config(
    folder: Annotated[Path, typer.Argument(help="Where to put it.")] = Path(),
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that is there already.")
    ] = False,
) -> None:
    """Write a commented pipeline_config.json to start from, with a schema for editors.

    Example: postflow config init
    """
    config, schema = folder / CONFIG_NAME, folder / SCHEMA_FILE
    if config.exists() and not force:
        raise ConfigurationError(
            f"{config} exists; edit it, or replace it with `postflow config init --force`."
        )
    _write(schema, config_schema())
    _write(config, starter_config())
    say(f"Wrote {config}; `postflow config show` tells what is in effect.")


@config_app.command("show")
def show_config(*, as_json: AsJson = False) -> None:
    """Print the settings in effect and where each comes from, secrets masked.

    Example: postflow config show
    """
    rows = [asdict(setting) for setting in list_settings()]
    if as_json:
        print_json([{**row, "setting": row.pop("name")} for row in rows])
        return
    print_table(
        [{**row, "value": json.dumps(row["value"], ensure_ascii=False)} for row in rows],
        {"name": "setting", "value": "value", "origin": "comes from"},
        empty="There are no settings.",
    )


@config_app.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of pipeline_config.json, for editors to complete it.

    Example: postflow config schema > pipeline_config.schema.json
    """
    print_json(config_schema())


def _write(path: Path, content: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written ({error.strerror}).") from error
