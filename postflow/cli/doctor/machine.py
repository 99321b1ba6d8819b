"""Checks of this machine: who decides, store, disk, ffmpeg, notices, the running service."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import make_url

from postflow.cli.doctor.findings import Finding, Group, Report, failed, ok, unchecked, warning
from postflow.cli.machine import is_port_free
from postflow.delivery.encoding import find_ffmpeg
from postflow.errors import PostFlowError
from postflow.integration.neighbour import Presence, look_next_door
from postflow.settings import Settings
from postflow.settings.advice import list_warnings
from postflow.store.database import Store, open_store
from postflow.store.notices import count_notice_problems
from postflow.tracker.sweeping import estimate_whole_sweep

_GIGABYTE = 10**9
_LITTLE = 10 * _GIGABYTE
"""Less than this is worth a word: a master of a few minutes may be as long."""
_TOO_LITTLE = _GIGABYTE
_PATIENCE = 3.0


def look_who_decides(settings: Settings, report: Report) -> None:
    """Warn where anybody may approve."""
    warnings = list_warnings(settings)
    if warnings:
        report(warning("who decides", " ".join(warnings)))
    else:
        report(ok("who decides", "approvers or editors are named"))


def look_at_store(settings: Settings, report: Report) -> None:
    """See whether the store has the newest tables and can be written, and what it could not tell."""
    store = open_store(settings.database.url, busy_timeout=settings.database.busy_timeout)
    try:
        with store.writing() as session:
            # Changes nothing, and is refused where nothing may be changed.
            session.connection().execute(text("UPDATE uploads SET version = version WHERE 1 = 0"))
        report(ok("store", f"{store.address} has the newest tables and can be written"))
        report(_look_at_notices(settings, store))
        report(_look_at_polling(settings, store))
    finally:
        store.close()


def _look_at_notices(settings: Settings, store: Store) -> Finding:
    with store.reading() as session:
        unconfirmed, refused = count_notice_problems(session)
    if unconfirmed or refused:
        says = f"{unconfirmed} may not have arrived, {refused} were refused"
        return warning("notices", says, "see `postflow notices --problems`")
    count = len(settings.notices.urls)
    return ok("notices", f"none is lost, {count} addresses are told" if count else "nobody is told")


def _look_at_polling(settings: Settings, store: Store) -> Finding:
    reviews, lasts = estimate_whole_sweep(store, settings)
    says = (
        f"reading all {reviews} open reviews takes {lasts.total_seconds():.0f} s at the rate limits"
    )
    if lasts > settings.tracker.poll_every:
        remedy = "see that webhooks arrive: polling alone is late"
        return warning("polling", f"{says}, longer than tracker.poll_every", remedy)
    return ok("polling", says)


def look_at_disk(settings: Settings, report: Report) -> None:
    """See how much room there is where PostFlow writes."""
    report(_judge_space(_find_tightest(settings)))


def _find_tightest(settings: Settings) -> tuple[Path, int]:
    """Return the folder with the least room, and its free bytes."""
    folders = [settings.post_processing.output_dir, settings.logs.folder]
    url = make_url(settings.database.url)
    if url.get_backend_name() == "sqlite" and url.database:
        folders.append(Path(url.database).parent)
    there = [_nearest(folder) for folder in folders]
    return min(((each, shutil.disk_usage(each).free) for each in there), key=lambda found: found[1])


def _nearest(folder: Path) -> Path:
    """Return the folder, or the one above it that exists."""
    return next(each for each in (folder, *folder.parents) if each.exists())


def _judge_space(tightest: tuple[Path, int]) -> Finding:
    folder, free = tightest
    says = f"{free / _GIGABYTE:.1f} GB free at {folder}"
    if not os.access(folder, os.W_OK):
        return failed("disk", f"{folder} cannot be written", "let this user write there")
    if free < _TOO_LITTLE:
        return failed("disk", says, "make room, or set post_processing.output_dir elsewhere")
    if free < _LITTLE:
        return warning("disk", says, "make room soon")
    return ok("disk", says)


def look_at_ffmpeg(_settings: Settings | None, report: Report) -> None:
    """See whether there is an ffmpeg that runs."""
    program = find_ffmpeg()
    try:
        ran = subprocess.run(  # noqa: S603 - our own ffmpeg, and no shell
            [program, "-version"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        report(failed("ffmpeg", f"{program} does not run ({error})", "set IMAGEIO_FFMPEG_EXE"))
        return
    version = ran.stdout.partition("\n")[0].partition(" Copyright")[0]
    report(ok("ffmpeg", version or program))


def look_at_service(settings: Settings, report: Report) -> None:
    """See whether the service runs on our store, or could."""
    report(_judge_presence(settings))


def _judge_presence(settings: Settings) -> Finding:
    port, start = settings.dashboard.port, "run `postflow start` or `postflow serve`"
    if port == 0:
        return unchecked("service", "dashboard.port is 0, so nobody knows where it listens")
    match look_next_door(settings, store=_store_address(settings), patience=_PATIENCE):
        case Presence.READY:
            return ok("service", f"tracks this store, dashboard on port {port}")
        case Presence.STARTING:
            return warning("service", "is there and not ready", "look into its log, or wait")
        case Presence.SILENT:
            return failed("service", f"port {port} takes calls and answers none", start)
        case Presence.STRANGER:
            told = f"port {port} belongs to another program, or to a PostFlow on another store"
            return failed("service", told, "set dashboard.port to a free one, or stop that program")
        case Presence.NOBODY:
            return failed("service", f"is not running{_say_taken_port(settings)}", start)


def _say_taken_port(settings: Settings) -> str:
    webhook = settings.webhook
    if not webhook.enabled or webhook.port == 0 or is_port_free(webhook.host, webhook.port):
        return ""
    return f", and another program has port {webhook.port} (webhook.port)"


def _store_address(settings: Settings) -> str:
    """Return the store's address as a service tells it, even where it cannot be opened."""
    try:
        store = open_store(settings.database.url, busy_timeout=settings.database.busy_timeout)
    except PostFlowError:
        return make_url(settings.database.url).render_as_string(hide_password=True)
    store.close()
    return store.address


WITHOUT_SETTINGS = (Group(checks=("ffmpeg",), look=look_at_ffmpeg),)
WITH_SETTINGS = (
    Group(checks=("who decides",), look=look_who_decides),
    Group(checks=("store", "notices", "polling"), look=look_at_store),
    Group(checks=("disk",), look=look_at_disk),
    Group(checks=("service",), look=look_at_service),
)
