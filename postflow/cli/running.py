"""`postflow run`: submit videos as a batch and follow them to their end."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live

from postflow.cli.following import Row, read_rows, render_rows
from postflow.cli.output import complain, console, open_configured_store, print_json, say
from postflow.clock import utc_now
from postflow.domain.runs import RunState
from postflow.errors import FlowRunError
from postflow.settings import Settings
from postflow.settings.prefect_url import prefect_api_url
from postflow.settings.sections import OnRejected
from postflow.store.batches import hold_batch, is_batch_held, list_members
from postflow.store.database import Store
from postflow.submitting import find_videos
from postflow.twin_files import Twin, list_twins

_LOOK_EVERY = 0.5
_OVER = (RunState.FINISHED, RunState.CANCELLED, RunState.CRASHED)


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(run)


def run(
    paths: Annotated[list[Path], typer.Argument(help="Video files, or folders of them.")],
    *,
    detach: Annotated[
        bool, typer.Option("--detach", help="Print the upload ids and leave.")
    ] = False,
    on_rejected: Annotated[
        OnRejected | None,
        typer.Option(help="What a rejection means for these videos; else review.on_rejected."),
    ] = None,
    new_version_of: Annotated[
        str | None,
        typer.Option(metavar="UPLOAD", help="The one file is the next version of this upload."),
    ] = None,
    project: Annotated[
        str | None, typer.Option(help="The Frame.io project; else frameio.project_id.")
    ] = None,
) -> None:
    """Upload videos, follow their review, and see them delivered.

    Needs a running `postflow start`. Ctrl-C only stops the following: the runs live on.

    A file such as shot_v002.mp4 becomes the next version of the tracked shot_v001.mp4.

    Example: postflow run shots/ trailer.mov
    """
    settings, store = open_configured_store()
    files = find_videos(paths)
    if new_version_of is not None and len(files) != 1:
        raise typer.BadParameter("--new-version-of takes exactly one file")
    try:
        batch_id = submit_batch(
            settings,
            store,
            files,
            on_rejected=on_rejected,
            project_id=project,
            new_version_of=new_version_of,
        )
    except KeyboardInterrupt:
        complain(
            "Interrupted while the videos were handed over; `postflow status` shows what has begun, "
            "and the same command again repeats nothing."
        )
        raise
    try:
        upload_ids = wait_for_members(settings, store, batch_id, count=len(files))
        twins = _say_twins(store, files, project_id=project or settings.frameio.project_id)
        if detach:
            same = [asdict(each) for each in twins]
            print_json({"batch": batch_id, "uploads": upload_ids, "same_files": same})
            return
        rows = _follow(store, upload_ids)
    except KeyboardInterrupt:
        say(f"The runs live on; `postflow status` shows them. Batch {batch_id}.")
        raise
    if not all(row.delivered for row in rows):
        raise typer.Exit(1)


def submit_batch(
    settings: Settings,
    store: Store,
    files: list[Path],
    *,
    on_rejected: OnRejected | None = None,
    project_id: str | None = None,
    new_version_of: str | None = None,
) -> str:
    """Start a batch flow run for the files and return its id, which is the batch's id too.

    From here on the tracker sees to it that the run comes back if its process dies.
    """
    from postflow.cli.prefect_side import start_run  # noqa: PLC0415 - imports Prefect

    batch_id = start_run(
        prefect_api_url(settings),
        settings.prefect.batch_deployment,
        {
            "paths": [str(path) for path in files],
            "project_id": project_id,
            "on_rejected": on_rejected,
            "new_version_of": new_version_of,
        },
    )
    now = utc_now()
    with store.writing() as session:
        hold_batch(session, batch_id, lease_until=now + settings.tracker.lease, now=now)
    return batch_id


def wait_for_members(settings: Settings, store: Store, batch_id: str, *, count: int) -> list[str]:
    """Return the batch's uploads once its flow run has started them all; raises FlowRunError."""
    from postflow.cli.prefect_side import read_run  # noqa: PLC0415 - imports Prefect

    with console.status(f"Reading and registering {count} files…"):
        while True:
            state, said = read_run(prefect_api_url(settings), batch_id)
            with store.reading() as session:
                members = list_members(session, batch_id)
                is_held = is_batch_held(session, batch_id)
            if state is RunState.FINISHED and members:
                return members
            comes_back = state is RunState.CRASHED and is_held
            if state in _OVER and not comes_back:
                raise FlowRunError(said or f"The batch {batch_id} ended; look at it in Prefect.")
            time.sleep(_LOOK_EVERY)


def _say_twins(store: Store, files: list[Path], *, project_id: str | None) -> list[Twin]:
    """Say which of the files are no video of their own; return them."""
    with store.reading() as session:
        twins = list_twins(session, files, project_id=project_id)
    for twin in twins:
        complain(twin.sentence)
    return twins


def _follow(store: Store, upload_ids: list[str]) -> list[Row]:
    try:
        with Live(console=console, refresh_per_second=4) as live:
            while True:
                with store.reading() as session:
                    rows = read_rows(session, upload_ids)
                live.update(render_rows(rows))
                if all(row.is_over for row in rows):
                    return rows
                time.sleep(_LOOK_EVERY)
    finally:
        if not console.is_terminal:
            console.line()  # rich ends the last line of a live table on terminals only
