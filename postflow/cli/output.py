"""How commands speak: people get tables and sentences on the terminal, programs get JSON.

The only place where sentences become those of the reader's language; JSON stays English.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.status import Status
from rich.table import Table
from rich.text import Text

from postflow.cli.streams import is_unicode
from postflow.messages import say_moment, translate, translate_reason
from postflow.settings import Settings, load_settings
from postflow.store.database import Store, open_store

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; it is kept with the decision.")]
UploadId = Annotated[str, typer.Argument(help="The upload's id, as `postflow status` shows it.")]

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_WHOLE_MOMENT = re.compile(rf"{_MOMENT.pattern}(?:\.\d+)?\+00:00")

_OUR_WORDS = frozenset(
    {
        *("status", "review_status", "verdict", "inferred", "decided", "said", "source", "kind"),
        *("rule", "note", "error", "suggestion", "last_answer"),
        *("early", "outcome"),
        *("before", "after", "approval", "origin", "state"),
    }
)
"""Columns that hold words and sentences of ours; in all others they are people's, or names."""
_REASONS = frozenset({"why", "reason", "before_reason", "after_reason"})
"""Columns that may hold either."""
_COPIED = frozenset({"id"})
"""Columns that people copy from: they are never folded."""


class _Terminal(Console):
    """A console that says what it is busy with in the reader's language."""

    def status(self, status: RenderableType, **options: Any) -> Status:
        """Show what is being done until it is done."""
        said = translate(status) if isinstance(status, str) else status
        return super().status(said, **options)


console = _Terminal()
errors = Console(stderr=True)


def say(sentence: str) -> None:
    """Print a sentence for people; never parsed as markup, it may hold other people's words."""
    console.print(Text(translate(sentence)), soft_wrap=True)


def complain(sentence: str) -> None:
    """Print a sentence for people where errors go, so that it spoils no output."""
    errors.print(Text(translate(sentence), style="red"), soft_wrap=True)


def print_json(value: object) -> None:
    """Print a value for programs."""
    text = json.dumps(value, indent=2, ensure_ascii=not is_unicode(sys.stdout))
    sys.stdout.write(f"{text}\n")


def print_table(
    rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, empty: str
) -> None:
    """Print rows under the given headings (`key: heading`), or a sentence when there are none."""
    if not rows:
        say(empty)
        return
    table = Table()
    for key, heading in columns.items():
        table.add_column(translate(heading), overflow="fold", no_wrap=key in _COPIED)
    for row in rows:
        table.add_row(*(Text(_show(key, row[key])) for key in columns))
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


def say_worth(worth: str) -> str:
    """Return what a statement is worth as people read it; its moments become local and short."""
    return _WHOLE_MOMENT.sub(
        lambda found: say_moment(datetime.fromisoformat(found[0])), translate(worth)
    )


def _show(column: str, value: object) -> str:
    """Return a value as people read it; a point in time becomes local and short."""
    if isinstance(value, bool):
        return translate("yes") if value else translate("no")
    text = "" if value is None else str(value)
    if not _MOMENT.match(text):
        return _in_readers_language(column, text)
    return say_moment(datetime.fromisoformat(text))


def _in_readers_language(column: str, text: str) -> str:
    if column in _REASONS:
        return translate_reason(text)
    if column == "worth":
        return say_worth(text)
    return translate(text) if column in _OUR_WORDS else text


def open_configured_store(settings: Settings | None = None) -> tuple[Settings, Store]:
    """Return the settings and their store, which must exist."""
    settings = settings or load_settings()
    return settings, open_store(settings.database.url, busy_timeout=settings.database.busy_timeout)
