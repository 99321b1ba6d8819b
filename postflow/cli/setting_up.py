"""Commands that prepare: migrate, config."""

from __future__ import annotations

import typer

from postflow.cli.output import print_json, say
from postflow.settings import Settings, load_settings
from postflow.store.database import open_store

config_app = typer.Typer(help="Look at the configuration.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(migrate)
    app.add_typer(config_app, name="config")


def migrate() -> None:
    """Create the store, or bring its tables to the newest schema.

    Example: postflow migrate
    """
    settings = load_settings()
    store = open_store(
        settings.database.url, create=True, busy_timeout=settings.database.busy_timeout
    )
    say(f"The store at {store.address} is ready.")
    store.close()


@config_app.command("show")
def show_config() -> None:
    """Print the settings in effect, secrets masked.

    Example: postflow config show
    """
    print_json(load_settings().model_dump(mode="json"))


@config_app.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of pipeline_config.json, for editors to complete it.

    Example: postflow config schema > pipeline_config.schema.json
    """
    print_json(Settings.model_json_schema())
