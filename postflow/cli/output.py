"""How commands speak: people get tables and sentences on the terminal, programs get JSON."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from postflow.settings import Settings, load_settings
from postflow.store.database import Store, open_store

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; it is kept with the decision.")]
UploadId = Annotated[str, typer.Argument(help="The upload's id, as `postflow status` shows it.")]

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")

console = Console()
errors = Console(stderr=True)


def say(sentence: str) -> None:
    """Print a sentence for people; never parsed as markup, it may hold other people's words."""
    console.print(Text(sentence), soft_wrap=True)


def print_json(value: object) -> None:
    """Print a value for programs."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def print_table(
    rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, empty: str
) -> None:
    """Print rows under the given headings (`key: heading`), or a sentence when there are none."""
    if not rows:
        say(empty)
        return
    table = Table()
    for heading in columns.values():
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_show(row[key])) for key in columns))
    console.print(table)


def parse_moment(text: str) -> datetime:
    """Read a date or a moment; without a zone it is UTC, as in every listing."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no moment; write for example 2026-03-02 or 2026-03-02T09:30:00+01:00"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _show(value: object) -> str:
    """Return a value as people read it; a point in time becomes local and short."""
    text = "" if value is None else str(value)
    if not _MOMENT.match(text):
        return text
    return f"{datetime.fromisoformat(text).astimezone():%d %b %H:%M:%S}"


def open_configured_store(settings: Settings | None = None) -> tuple[Settings, Store]:
    """Return the settings and their store, which must exist."""
    settings = settings or load_settings()
    return settings, open_store(settings.database.url, busy_timeout=settings.database.busy_timeout)
