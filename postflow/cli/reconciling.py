"""The command that reads everything under review now, and the report on what webhooks missed."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Annotated

import typer

from postflow.cli.output import (
    AsJson,
    complain,
    open_configured_store,
    parse_moment,
    print_json,
    print_table,
    say,
)
from postflow.clock import utc_now
from postflow.frameio.opening import open_frameio
from postflow.frameio.retries import RetryPolicy
from postflow.messages import translate
from postflow.settings import Settings
from postflow.store.database import Store
from postflow.store.findings import report_findings
from postflow.tracker.arrivals import Arrivals
from postflow.tracker.looking import Looker
from postflow.tracker.sweeping import SweptView, estimate_whole_sweep, sweep
from postflow.tracker.turns import share_turns
from postflow.tracker.versions import StackReader

_REPORTED = timedelta(days=7)
_WORTH_SAYING = timedelta(seconds=30)
# Somebody watches: two tries, and then a sentence.
_RETRIES = RetryPolicy(
    attempts=2, deadline=timedelta(seconds=15), after_failure=timedelta(seconds=2)
)


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(reconcile)


def reconcile(
    *,
    report: Annotated[
        bool, typer.Option("--report", help="Only show what polling found before webhooks did.")
    ] = False,
    since: Annotated[
        datetime | None,
        typer.Option(
            parser=parse_moment, metavar="DATE", help="Report from that day on; else seven days."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read everything under review from Frame.io now, and say what had changed.

    Works beside a running service or without one, within Frame.io's rate limits.

    Example: postflow reconcile --report --since 2026-03-02
    """
    if since is not None and not report:
        raise typer.BadParameter("--since belongs to --report", param_hint="--since")
    settings, store = open_configured_store()
    if report:
        _report(store, since=since or utc_now() - _REPORTED, as_json=as_json)
        return
    try:
        swept = asyncio.run(_sweep(settings, store, quiet=as_json))
    except KeyboardInterrupt:
        complain("Interrupted; what was read so far is kept, and `postflow reconcile` begins anew.")
        raise
    changed = [each for each in swept if _is_changed(each)]
    if as_json:
        print_json(changed)
    else:
        say(f"{len(swept)} under review read, {len(changed)} changed.")
    if any(each["error"] for each in swept):
        raise typer.Exit(1)


def _report(store: Store, *, since: datetime, as_json: bool) -> None:
    with store.reading() as session:
        rows = report_findings(session, since=since)
    if as_json:
        print_json(rows)
        return
    print_table(
        rows,
        {
            "day": "day",
            "event_type": "event",
            "by_webhook": "webhook",
            "late": "late",
            "only_polling": "polling",
            "average_seconds": "average s",
            "longest_seconds": "longest s",
        },
        empty="Nothing has changed in that time.",
    )


async def _sweep(settings: Settings, store: Store, *, quiet: bool) -> list[SweptView]:
    reviews, takes = estimate_whole_sweep(store, settings)
    if takes > _WORTH_SAYING and not quiet:
        minutes = takes.total_seconds() / 60
        say(
            f"Reading {reviews} reviews; at Frame.io's rate limits that takes {minutes:.0f} minutes."
        )
    turns = share_turns(store, utc_now)
    async with open_frameio(settings.frameio, retries=_RETRIES, take_turn=turns) as frameio:
        looker = Looker(
            store=store,
            frameio=frameio,
            stacks=StackReader(frameio),
            settings=settings,
            clock=utc_now,
        )
        arrivals = Arrivals(store=store, frameio=frameio, settings=settings, clock=utc_now)
        swept = []
        async for each in sweep(looker, arrivals, store):
            swept.append(each)
            if each["error"]:
                complain(f"{each['upload_id']}: {translate(each['error'])}")
            elif _is_changed(each) and not quiet:
                say(_say_change(each))
        return swept


def _is_changed(swept: SweptView) -> bool:
    moved = (swept["status"], swept["review_status"]) != (
        swept["last_status"],
        swept["last_review_status"],
    )
    return bool(swept["found"] or moved or swept["error"])


def _say_change(swept: SweptView) -> str:
    """Return one line: what was found, and what it made of the upload."""
    parts = [f"{kind} ×{count}" for kind, count in Counter(swept["found"]).items()]
    for last, now in (
        (swept["last_status"], swept["status"]),
        (swept["last_review_status"], swept["review_status"]),
    ):
        parts += [f"{translate(last)} → {translate(now)}"] if last != now else []
    return f"{swept['upload_id']}: {', '.join(parts)}"
