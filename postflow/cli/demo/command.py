"""The demo itself: make a folder with everything in it, start the programs, play, check."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import psutil
import typer
import yaml
from rich.live import Live

from postflow.cli.demo.stories import STORIES, Story, assign_stories, write_scenario
from postflow.cli.demo.videos import make_videos
from postflow.cli.following import Row, read_rows, render_rows
from postflow.cli.machine import Machine, find_free_ports
from postflow.cli.output import complain, console, say
from postflow.cli.processes import wait_for_http
from postflow.cli.running import submit_batch, wait_for_members
from postflow.cli.serving import show_addresses, stop_on_terminate
from postflow.errors import PostFlowError
from postflow.messages import LANGUAGE_VARIABLE, translate
from postflow.settings import Settings, load_settings
from postflow.settings.config_file import CONFIG_NAME, CONFIG_VARIABLE
from postflow.store.database import Store, open_store
from postflow.store.views import upload_status
from postflow.submitting import find_videos
from postflow.webhook_upkeep import register_webhook_at

_FOLDER = Path(".demo")
_PATIENCE = 180.0  # seconds for all stories together
_LOOK_EVERY = 0.3


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(demo)


def demo(
    *,
    videos: Annotated[
        Path | None, typer.Option(help="A folder of your own videos instead of test pictures.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep everything running at the end, to look around.")
    ] = False,
) -> None:
    """Play six reviews on the real programs and a simulated Frame.io, in `.demo/`.

    Touches no account and no setting of yours. Exit 0 only when every story ended as written.

    Example: postflow demo --videos ~/shots
    """
    began = time.monotonic()
    stop_on_terminate()
    given = find_videos([videos]) if videos else None
    folder = _clear_folder(_FOLDER.absolute())
    stories = assign_stories(
        given or make_videos(folder / "videos", [story.name for story in STORIES])
    )
    settings = _write_settings(folder)
    with ExitStack() as stack:
        machine = stack.enter_context(
            Machine(settings, logs=settings.logs.folder, folder=folder, say=say)
        )
        with console.status("Starting a simulated Frame.io, Prefect, the runner and the service…"):
            _start_simulator(machine, settings, folder, stories)
            addresses = machine.start()
            asyncio.run(register_webhook_at(settings, machine.public_url))
        show_addresses(addresses)
        store = open_store(settings.database.url)
        stack.callback(store.close)
        uploads = _submit(settings, store, stories)
        _follow(store, uploads)
        missed = _judge(store, uploads)
        say(f"{len(uploads)} videos in {time.monotonic() - began:.0f} s; see {_FOLDER}/delivered")
        if keep:
            say("Everything keeps running; Ctrl-C stops it.")
            machine.watch()
    if missed:
        raise typer.Exit(1)


def _clear_folder(folder: Path) -> Path:
    """Return an empty demo folder; refuses while another demo runs in it."""
    mark = folder / "demo.pid"
    if mark.exists():
        owner = mark.read_text(encoding="utf-8").strip()
        if owner.isdigit() and psutil.pid_exists(int(owner)) and int(owner) != os.getpid():
            raise PostFlowError(
                f"Another demo (process {owner}) runs in {folder}; stop it first, or delete {mark}."
            )
    try:
        shutil.rmtree(folder, ignore_errors=False) if folder.exists() else None
        folder.mkdir(parents=True)
        mark.write_text(str(os.getpid()), encoding="utf-8")
    except OSError as error:
        raise PostFlowError(
            f"The demo's folder {folder} cannot be made anew ({error.strerror}); "
            "delete it, or run the demo in a folder where you may write."
        ) from error
    return folder


def _write_settings(folder: Path) -> Settings:
    """Write the demo's own config and return its settings.

    Variables of a real installation are forgotten first: the demo must never touch an account.
    """
    ours = [name for name in os.environ if name.startswith(("POSTFLOW_", "PREFECT_"))]
    for name in set(ours) - {LANGUAGE_VARIABLE}:
        del os.environ[name]
    frameio, prefect, public, private = find_free_ports(4)
    config = {
        "webhook": {"port": public, "public_url": f"http://127.0.0.1:{public}"},
        "dashboard": {"port": private},
        "frameio": {
            "base_url": f"http://127.0.0.1:{frameio}",
            "token": "editor@studio.example",
            "folder": "Demo/Deliveries",
            "auto_version": False,  # every video has a story of its own
            "respect_rate_limits": False,
        },
        "prefect": {"port": prefect},
    }
    path = folder / CONFIG_NAME
    path.write_text(json.dumps(config, indent=2), encoding="utf-8")
    os.environ[CONFIG_VARIABLE] = str(path)
    return load_settings(path)


def _start_simulator(
    machine: Machine, settings: Settings, folder: Path, stories: Mapping[Path, Story]
) -> None:
    scenario = folder / "scenario.yaml"
    scenario.write_text(
        yaml.safe_dump(write_scenario(stories), allow_unicode=True, sort_keys=False),
        encoding="utf-8",
    )
    base = settings.frameio.base_url
    child = machine.children.start_module(
        "simulator",
        *("postflow", "simulator", "--port", base.rpartition(":")[2]),
        *("--scenario", str(scenario), "--data", str(folder / "frameio")),
    )
    wait_for_http(child, f"{base}/_sim/state", seconds=30)


def _submit(settings: Settings, store: Store, stories: Mapping[Path, Story]) -> dict[str, Story]:
    """Submit one batch per way of taking a rejection; return each upload's story."""
    uploads: dict[str, Story] = {}
    for policy in dict.fromkeys(story.on_rejected for story in stories.values()):
        paths = [path for path, story in stories.items() if story.on_rejected is policy]
        batch = submit_batch(settings, store, paths, on_rejected=policy)
        members = wait_for_members(settings, store, batch, count=len(paths))
        if len(members) != len(paths):
            raise PostFlowError("Two of the videos have the same content; use different ones.")
        uploads |= {u: stories[p] for u, p in zip(members, paths, strict=True)}
    return uploads


def _follow(store: Store, uploads: Mapping[str, Story]) -> None:
    """Show the table until every video has come to its end, or patience has."""
    until = time.monotonic() + _PATIENCE
    shown: dict[str, str] = {}
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        while True:
            with store.reading() as session:
                rows = read_rows(session, list(uploads))
            live.update(render_rows(rows, notes=_titles(uploads)))
            if not console.is_terminal:
                _print_changes(rows, shown)
            if all(_is_settled(row, uploads[row.upload_id]) for row in rows):
                return
            if time.monotonic() > until:
                complain(f"Not finished after {_PATIENCE:.0f} s.")
                return
            time.sleep(_LOOK_EVERY)


def _is_settled(row: Row, story: Story) -> bool:
    """Whether the video is at its end; a rejection that may still be edited is not one."""
    return row.is_over and (row.verdict == story.ends or row.stage != "rejected")


def _print_changes(rows: Sequence[Row], shown: dict[str, str]) -> None:
    for row in rows:
        now = f"{row.filename}{translate(':')} {translate(row.stage)}, {translate(row.verdict)}"
        if shown.get(row.upload_id) != now:
            shown[row.upload_id] = now
            say(now)


def _judge(store: Store, uploads: Mapping[str, Story]) -> bool:
    """Print how every story ended; return whether any ended otherwise than written."""
    with store.reading() as session:
        rows = read_rows(session, list(uploads))
        views = {upload_id: upload_status(session, upload_id) for upload_id in uploads}
    console.print(render_rows(rows, notes=_titles(uploads)))
    missed = False
    for upload_id, story in uploads.items():
        view = views[upload_id]
        miss = "is gone" if view is None else story.misses(view)
        if miss is not None:
            missed = True
            complain(f"✘ {upload_id} ({translate(story.title)}){translate(':')} {translate(miss)}")
    if not missed:
        console.print(translate("✔ every story ended as written"), style="green")
    return missed


def _titles(uploads: Mapping[str, Story]) -> dict[str, str]:
    return {upload_id: translate(story.title) for upload_id, story in uploads.items()}
