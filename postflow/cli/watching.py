"""`postflow watch`: submit the videos that appear in a folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from postflow.cli.output import complain, open_configured_store, say
from postflow.cli.running import submit_batch, wait_for_members
from postflow.cli.serving import stop_on_terminate
from postflow.errors import UploadError
from postflow.settings import Settings
from postflow.store.database import Store
from postflow.watching import FolderWatch, Patterns

_TICK = 1000  # milliseconds between two looks while a file grows
_LOOK_ANYWAY = 60  # ticks after which everything is looked at, event or not
_AFTER_A_FAILURE = 5.0  # seconds


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(watch)


def watch(
    folder: Annotated[Path, typer.Argument(help="The folder; its subfolders belong to it.")],
    *,
    settle: Annotated[
        float, typer.Option(min=0, help="Seconds for which a file must not have changed.")
    ] = 10,
    include: Annotated[
        list[str] | None, typer.Option(help="Only files that fit, such as 'shot_*'; repeatable.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="No files that fit, such as 'wip/*'; repeatable.")
    ] = None,
    poll: Annotated[
        bool, typer.Option("--poll", help="Look instead of listening; network drives need it.")
    ] = False,
    project: Annotated[
        str | None, typer.Option(help="The Frame.io project; else frameio.project_id.")
    ] = None,
) -> None:
    """Submit every video that appears in a folder, as `postflow run --detach` would.

    Needs a running `postflow start`. A restart repeats nothing. Ctrl-C stops the watching: the
    runs live on.

    Example: postflow watch /mnt/exports --poll --exclude 'wip*'
    """
    stop_on_terminate()
    settings, store = open_configured_store()
    folder = _check_folder(folder)
    project = project or settings.frameio.project_id
    watched = FolderWatch(
        folder=folder,
        store=store,
        submit=lambda paths: _submit(settings, store, paths, project_id=project),
        say=complain,
        patterns=Patterns(
            include=tuple(include or ()),
            exclude=tuple(exclude or ()),
            not_below=(settings.post_processing.output_dir.absolute(),),
        ),
        project_id=project,
        settle=settle,
    )
    try:
        say(f"Watching {folder}; Ctrl-C stops it.")
        watched.look()
        quiet = 0
        for is_news in _listen(folder, poll=poll):
            quiet = 0 if is_news or not watched.is_quiet else quiet + 1
            if quiet % _LOOK_ANYWAY == 0:
                watched.look()
    except KeyboardInterrupt:
        say("Stopped watching; the runs live on, `postflow status` shows them.")
        raise


def _check_folder(folder: Path) -> Path:
    if not folder.is_dir():
        raise UploadError(f"{folder} is not a folder that exists; name the folder to watch.")
    return folder.absolute()


def _listen(folder: Path, *, poll: bool) -> Iterator[bool]:
    """Say every second whether anything has changed; a lost drive is waited for."""
    import watchfiles  # noqa: PLC0415 - only this command needs it

    while True:
        try:
            for changes in watchfiles.watch(
                folder,
                watch_filter=None,
                rust_timeout=_TICK,
                yield_on_timeout=True,
                force_polling=poll or None,
                poll_delay_ms=_TICK,
                ignore_permission_denied=True,
            ):
                yield bool(changes)
        except (OSError, RuntimeError):  # the second is what its Rust side raises
            yield True  # the look says what is wrong
            time.sleep(_AFTER_A_FAILURE)


def _submit(settings: Settings, store: Store, paths: list[Path], *, project_id: str | None) -> None:
    batch_id = submit_batch(settings, store, paths, project_id=project_id)
    upload_ids = wait_for_members(settings, store, batch_id, count=len(paths))
    names = ", ".join(path.name for path in paths)
    say(f"Submitted {names} as {', '.join(upload_ids)}.")
