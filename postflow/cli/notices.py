"""The command about what people were told: notices, and what to do with those that went wrong."""

from __future__ import annotations

from typing import Annotated

import typer

from postflow.cli.output import AsJson, open_configured_store, print_json, print_table, say
from postflow.clock import utc_now
from postflow.store.notices import dismiss_notice, list_notices, resend_notice


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(notices)


def notices(
    *,
    problems: Annotated[
        bool, typer.Option("--problems", help="Only those that failed or are unconfirmed.")
    ] = False,
    resend: Annotated[
        int | None, typer.Option(metavar="ID", help="Send one that went wrong again.")
    ] = None,
    dismiss: Annotated[
        int | None, typer.Option(metavar="ID", help="Take one that went wrong off the list.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show what people were told, and what they may not have heard of.

    Unconfirmed is a notice in whose middle PostFlow died: nobody knows whether it arrived, so it
    is not sent again by itself.

    Example: postflow notices --problems
    """
    if resend is not None and dismiss is not None:
        raise typer.BadParameter("give --resend or --dismiss, not both")
    _, store = open_configured_store()
    if resend is not None:
        with store.writing() as session:
            resend_notice(session, resend, now=utc_now())
        say(f"The notice {resend} is sent again by the running service.")
        return
    if dismiss is not None:
        with store.writing() as session:
            dismiss_notice(session, dismiss, now=utc_now())
        say(f"The notice {dismiss} is off the list.")
        return
    with store.reading() as session:
        found = list_notices(session, problems=problems, limit=limit)
    if as_json:
        print_json(found)
        return
    print_table(
        [{**each, "title": each["title"] or each["kind"]} for each in found],
        {
            "id": "id",
            "created_at": "since",
            "status": "status",
            "receiver": "to",
            "title": "about",
            "attempts": "tries",
            "error": "error",
        },
        empty="Every notice has arrived." if problems else "Nobody was told anything yet.",
    )
