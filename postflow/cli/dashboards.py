"""`postflow dashboard`: the full-screen view, fed from the store and from whoever can be asked."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Sequence
from datetime import datetime

import httpx
import typer

from postflow.cli.output import open_configured_store
from postflow.clock import utc_now
from postflow.dashboard.model import UploadStory, load_dashboard, load_story, say_age
from postflow.dashboard.terminal.source import Health, Snapshot, Source
from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus
from postflow.errors import ConfigurationError, StoreError
from postflow.integration.neighbour import Presence, look_next_door, public_address
from postflow.public_address import load_tunnel
from postflow.settings import Settings
from postflow.settings.prefect_url import prefect_api_url
from postflow.store.database import Store
from postflow.store.journal import upload_progress
from postflow.store.views import last_heard
from postflow.tracker.deciding import decide_by_hand
from postflow.tracker.undoing import undo_approval

_SHOWN = 200  # uploads, the newest first
_PATIENCE = 2.0  # seconds for each who is asked


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(dashboard)


def dashboard() -> None:
    """Show everything live on the whole screen; keys open a video's timeline, approve, reject and undo.

    Example: postflow dashboard
    """
    if not (sys.stdout.isatty() and sys.stdin.isatty()):
        raise ConfigurationError(
            "The dashboard needs a terminal; `postflow status` and `postflow waiting` print the "
            "same, and --json does for programs."
        )
    from postflow.dashboard.terminal.app import DashboardApp  # noqa: PLC0415 - loads Textual

    settings, store = open_configured_store()
    watch = _Watch(settings, store)
    DashboardApp(
        Source(
            load=watch.load,
            load_story=watch.load_story,
            decide=watch.decide,
            undo=watch.undo,
            check_health=watch.check_health,
        )
    ).run()


class _Watch:
    """What the view asks for, from one store; called from several threads."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store

    def load(self, review_status: ReviewStatus | None) -> Snapshot:
        with self._store.reading() as session:
            page = load_dashboard(
                session, now=utc_now(), review_status=review_status, uploads=_SHOWN
            )
            progress = {
                upload["upload_id"]: upload_progress(session, upload["upload_id"])
                for upload in page.uploads
                if upload["status"] == UploadStatus.UPLOADING
            }
        return Snapshot(dashboard=page, progress=progress)

    def load_story(self, upload_id: str) -> UploadStory | None:
        with self._store.reading() as session:
            return load_story(session, upload_id, settings=self._settings, now=utc_now())

    def decide(self, upload_id: str, version: int, verdict: ReviewStatus, reason: str) -> None:
        with self._store.writing() as session:
            decide_by_hand(
                session,
                upload_id,
                verdict=verdict,
                by=getpass.getuser(),
                reason=reason or "by hand, in the dashboard",
                settings=self._settings,
                now=utc_now(),
                version=version,
            )

    def undo(self, upload_id: str, version: int, reason: str) -> None:
        with self._store.writing() as session:
            undo_approval(
                session,
                upload_id,
                by=getpass.getuser(),
                reason=reason or "approval undone",
                settings=self._settings,
                now=utc_now(),
                version=version,
            )

    def check_health(self) -> Sequence[Health]:
        """Ask everybody who can be asked; whoever does not answer is not well."""
        presence = look_next_door(self._settings, store=self._store.address, patience=_PATIENCE)
        parts = [
            Health(
                name="service",
                is_well=presence is Presence.READY,
                text="" if presence is Presence.READY else presence.value,
            ),
        ]
        if self._settings.webhook.enabled:
            parts.append(_ask("webhook", f"{public_address(self._settings)}/health"))
        if self._settings.webhook.tunnel is not None:
            tunnel = load_tunnel(self._settings)
            is_up = tunnel is not None and tunnel.url is not None
            parts.append(Health(name="tunnel", is_well=is_up, text="" if is_up else "down"))
        parts.append(_ask("Prefect", f"{prefect_api_url(self._settings)}/health"))
        try:
            with self._store.reading() as session:
                read_at, received_at = last_heard(session)
        except StoreError:
            return parts
        now = utc_now()
        parts.append(Health(name="Frame.io", is_well=None, text=_say_reading(read_at, now)))
        parts.append(Health(name="event", is_well=None, text=_say_ago(received_at, now)))
        return parts


def _ask(name: str, url: str) -> Health:
    try:
        answer = httpx.get(url, timeout=_PATIENCE)
    except httpx.HTTPError:
        return Health(name=name, is_well=False, text="down")
    return Health(name=name, is_well=answer.is_success, text="" if answer.is_success else "unwell")


def _say_reading(moment: datetime | None, now: datetime) -> str:
    return f"read {say_age(moment.isoformat(), now)} ago" if moment else "never"


def _say_ago(moment: datetime | None, now: datetime) -> str:
    return f"{say_age(moment.isoformat(), now)} ago" if moment else "never"
