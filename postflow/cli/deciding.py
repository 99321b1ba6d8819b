"""Commands by which a person decides: approve, reject, reopen, undo, cancel."""

from __future__ import annotations

import getpass

import typer

from postflow.cli.output import Reason, UploadId, open_configured_store, say
from postflow.clock import utc_now
from postflow.domain.standing import ReviewStatus
from postflow.messages import say_moment
from postflow.tracker.deciding import cancel_upload, decide_by_hand
from postflow.tracker.undoing import undo_approval


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(approve)
    app.command()(reject)
    app.command()(reopen)
    app.command()(undo)
    app.command()(cancel)


def approve(upload_id: UploadId, *, reason: Reason = "") -> None:
    """Approve the current version by hand; it is delivered.

    Example: postflow approve intro-3fa1bc2290 --reason "client called"
    """
    _decide(upload_id, ReviewStatus.APPROVED, reason, "approved")


def reject(upload_id: UploadId, *, reason: Reason = "") -> None:
    """Reject the current version by hand.

    Example: postflow reject intro-3fa1bc2290 --reason "wrong logo"
    """
    _decide(upload_id, ReviewStatus.REJECTED, reason, "rejected")


def reopen(upload_id: UploadId, *, reason: Reason = "") -> None:
    """Take all decisions about the current version back; reviewers decide anew.

    Example: postflow reopen intro-3fa1bc2290 --reason "new music rights"
    """
    _decide(upload_id, ReviewStatus.PENDING, reason, "open again")


def undo(upload_id: UploadId, *, reason: Reason = "") -> None:
    """Take an approval back before it is delivered, within review.undo_window.

    Example: postflow undo intro-3fa1bc2290 --reason "wrong file approved"
    """
    settings, store = open_configured_store()
    with store.writing() as session:
        undo_approval(
            session,
            upload_id,
            by=getpass.getuser(),
            reason=reason or "approval undone",
            settings=settings,
            now=utc_now(),
        )
    say(f"The approval of {upload_id} is undone; its review is open again.")


def cancel(upload_id: UploadId) -> None:
    """Give an upload up: its flow run ends, nothing is delivered.

    Example: postflow cancel intro-3fa1bc2290
    """
    settings, store = open_configured_store()
    now = utc_now()
    with store.writing() as session:
        since = cancel_upload(session, upload_id, settings=settings, now=now).cancelled_at
    if since is not None and since < now:
        say(
            f"{upload_id} was cancelled before, {say_moment(since)}; `postflow run` with its file "
            "starts it again."
        )
    else:
        say(f"{upload_id} is cancelled; `postflow run` with its file starts it again.")


_UNEXPLAINED = {
    ReviewStatus.APPROVED: "approved by hand",
    ReviewStatus.REJECTED: "rejected by hand",
    ReviewStatus.PENDING: "opened again by hand",
}


def _decide(upload_id: str, verdict: ReviewStatus, reason: str, done: str) -> None:
    settings, store = open_configured_store()
    with store.writing() as session:
        decide_by_hand(
            session,
            upload_id,
            verdict=verdict,
            by=getpass.getuser(),
            reason=reason or _UNEXPLAINED[verdict],
            settings=settings,
            now=utc_now(),
        )
    say(f"{upload_id} is {done}.")
