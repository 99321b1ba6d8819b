"""The command that lets events be settled once more: replay."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from typing import Annotated

import typer

from postflow.cli.output import AsJson, open_configured_store, parse_moment, print_json, say
from postflow.store.inbox import replay_events, replay_matching

_LARGEST_ID = 2**63 - 1  # the databases know no larger number


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(replay)


def replay(
    ids: Annotated[
        list[int] | None,
        typer.Argument(
            help="Which events, as `postflow events` lists them.",
            metavar="ID…",
            min=1,
            max=_LARGEST_ID,
        ),
    ] = None,
    *,
    failed: Annotated[
        bool, typer.Option("--failed", help="Those that were set aside with an error.")
    ] = False,
    since: Annotated[
        datetime | None,
        typer.Option(
            parser=parse_moment, metavar="TIME", help="Those received since then (UTC if no zone)."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Settle events once more; the running service takes them up at once.

    What they brought is read from Frame.io again, so replaying changes nothing that holds already.
    With --failed and --since together: those that were set aside of those received since then.

    Example: postflow replay --failed
    """
    if bool(ids) == (failed or since is not None):
        raise typer.BadParameter("give ids of events, or else --failed, --since or both")
    _, store = open_configured_store()
    with closing(store), store.writing() as session:
        if ids:
            count = replay_events(session, ids)
        else:
            count = replay_matching(session, failed=failed, since=since)
    if as_json:
        print_json({"replayed": count})
    else:
        say(_say(count))


def _say(count: int) -> str:
    if count == 0:
        return "There is no such event to replay."
    events = "1 event is" if count == 1 else f"{count} events are"
    return f"{events} to be settled again; `postflow events` shows how it goes."
