"""Commands that prepare: migrate."""

from __future__ import annotations

import typer

from postflow.cli.output import say
from postflow.settings import load_settings
from postflow.store.database import open_store


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(migrate)


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
