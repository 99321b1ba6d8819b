"""Commands that look and change nothing: status, waiting, events."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from postflow.cli.output import (
    AsJson,
    console,
    open_configured_store,
    print_json,
    print_table,
    say,
)
from postflow.errors import UnknownUploadError
from postflow.messages import translate, translate_reason
from postflow.store.upload_detail import upload_detail
from postflow.store.view_types import UploadDetailView
from postflow.store.views import (
    UploadStatusView,
    list_events,
    list_uploads,
    list_waiting,
    tracking_stats,
)

_LEDGER = {
    "suspended_at": "suspended",
    "due_since": "answered at",
    "early": "early",
    "attempts": "wake-ups",
    "last_answer": "Prefect said",
    "accepted_at": "accepted",
}


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(status)
    app.command()(waiting)
    app.command()(events)


def status(
    upload_id: Annotated[str | None, typer.Argument(help="One upload; all when left out.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show every upload, or one in full.

    Example: postflow status intro-3fa1bc2290
    """
    settings, store = open_configured_store()
    with store.reading() as session:
        if upload_id is not None:
            view = upload_detail(session, upload_id, settings)
            if view is None:
                raise UnknownUploadError(
                    f"There is no upload {upload_id!r}; `postflow status` lists those that exist."
                )
            _show_one(view, as_json=as_json)
            return
        uploads = list_uploads(session, limit=10_000)
        stats = tracking_stats(session)
    if as_json:
        print_json(uploads)
        return
    print_table(
        [_say_short(upload) for upload in uploads],
        {
            "upload_id": "upload",
            "filename": "video",
            "status": "status",
            "review_status": "review",
            "comments_count": "comments",
            "why": "why",
        },
        empty="Nothing is tracked yet; `postflow run VIDEO` uploads a video.",
    )
    if uploads:
        say(
            f"{stats['total_tracked']} tracked, {stats['active_tracks']} active, "
            f"{stats['delivered']} delivered, {stats['waiting']} waiting"
        )


def waiting(*, as_json: AsJson = False) -> None:
    """Show which flow runs wait, for what and since when.

    Example: postflow waiting --json
    """
    _, store = open_configured_store()
    with store.reading() as session:
        waits = list_waiting(session)
    if as_json:
        print_json(waits)
        return
    print_table(
        waits,
        {
            "upload_id": "upload",
            "kind": "waits for",
            "since": "since",
            "deadline": "deadline",
            **_LEDGER,
        },
        empty="Nobody waits.",
    )


def events(
    *,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only those that were set aside with an error.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show the deliveries that Frame.io sent, and what became of them.

    Example: postflow events --failed
    """
    _, store = open_configured_store()
    with store.reading() as session:
        found = list_events(session, failed=failed, limit=limit)
    if as_json:
        print_json(found)
        return
    print_table(
        found,
        {
            "id": "id",
            "received_at": "received",
            "event_type": "event",
            "upload_id": "upload",
            "settled_at": "settled",
            "note": "note",
            "error": "error",
        },
        empty="No delivery has arrived." if not failed else "No delivery was set aside.",
    )


def _say_short(view: UploadStatusView) -> dict[str, object]:
    why = view["verdict"]["reason"] if view["verdict"] else ""
    if view["cancelled_at"] and not (view["delivery"] and view["delivery"]["delivered_at"]):
        return {**view, "status": "cancelled", "why": why}
    if view["held"]:
        return {**view, "review_status": "approved, held", "why": translate(view["held"]["reason"])}
    if view["undo_until"]:
        return {**view, "review_status": "approved, undoable", "why": _say_undoable(view)}
    return {**view, "why": why}


def _say_undoable(view: UploadStatusView) -> str:
    """Return when the approval is acted upon, in the time of this machine."""
    until = datetime.fromisoformat(view["undo_until"] or "").astimezone()
    return translate(
        f"delivered at {until:%H:%M:%S} unless undone: postflow undo {view['upload_id']}"
    )


def _show_one(view: UploadDetailView, *, as_json: bool) -> None:
    if as_json:
        print_json(view)
        return
    verdict = view["verdict"]
    console.rule(view["upload_id"])
    say(f"{view['filename']}, version {view['version']}: {view['status']}, {view['review_status']}")
    if verdict:
        said = f" ({verdict['comment_text']!r})" if verdict["comment_text"] else ""
        say(f"{verdict['who']}{said}{translate(':')} {translate_reason(verdict['reason'])}")
    for label, value in (
        ("failure", translate(view["failure"] or "")),
        ("held", translate(view["held"]["reason"]) if view["held"] else None),
        ("quiet until", view["quiet_until"]),
        ("approved", _say_undoable(view) if view["undo_until"] else None),
        ("Frame.io", view["view_url"]),
        ("delivered", view["delivery"]["path"] if view["delivery"] else None),
    ):
        if value:
            say(f"{translate(label)}{translate(':')} {value}")
    if view["waits"]:
        print_table(
            view["waits"],
            {"kind": "waited for", "version": "version", "since": "since", **_LEDGER}
            | {"closed_at": "went on", "outcome": "outcome"},
            empty="",
        )
