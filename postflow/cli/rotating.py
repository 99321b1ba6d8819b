"""The command `postflow webhook rotate`: begins a rotation, follows it, or goes on with one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated, NamedTuple

import typer

from postflow.cli.output import AsJson, console, open_configured_store, print_json, say
from postflow.clock import utc_now
from postflow.errors import ConfigurationError
from postflow.frameio.client import FrameioClient
from postflow.frameio.locate import locate_workspace
from postflow.frameio.opening import open_frameio
from postflow.settings import Settings
from postflow.store.database import Store
from postflow.webhook_registration import webhook_address
from postflow.webhook_rotation import (
    GRACE,
    OVERLAP,
    ProbeAnswer,
    Rotation,
    RotationStep,
    begin_rotation,
    finish_rotation,
    load_rotation,
    probe,
    see_progress,
)

_LOOK_EVERY = 2.0  # seconds


class _Asked(NamedTuple):
    """What the command line said."""

    at_once: bool
    overlap: timedelta
    grace: timedelta


def rotate_webhook(
    *,
    finish: Annotated[
        bool, typer.Option("--finish", help="Delete the old webhook without waiting any longer.")
    ] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Only say how far a rotation is.")
    ] = False,
    overlap: Annotated[
        float, typer.Option(min=0, help="Seconds for which both webhooks call at least.")
    ] = OVERLAP.total_seconds(),
    grace: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for an event through the new webhook.")
    ] = GRACE.total_seconds(),
    as_json: AsJson = False,
) -> None:
    """Replace the webhook's secret without losing a delivery; needs an account admin.

    Creates a second webhook, waits until events come through it, then deletes the old one. Meanwhile
    each event comes twice, which is harmless. Ctrl-C interrupts the waiting only: run it again.

    Example: postflow webhook rotate
    """
    settings, store = open_configured_store()
    try:
        if status:
            _show(store, load_rotation(settings), as_json=as_json)
            return
        asked = _Asked(finish, timedelta(seconds=overlap), timedelta(seconds=max(grace, overlap)))
        asyncio.run(_rotate(settings, store, asked))
    except KeyboardInterrupt:
        if load_rotation(settings) is None:
            say("Interrupted before a rotation began; `postflow webhook rotate` begins one.")
        else:
            say("The rotation is not finished; `postflow webhook rotate` goes on with it.")
        raise
    finally:
        store.close()


async def _rotate(settings: Settings, store: Store, asked: _Asked) -> None:
    rotation = load_rotation(settings)
    if rotation is None:
        if asked.at_once:
            raise ConfigurationError(
                "No rotation has begun, so there is nothing to finish; run `postflow webhook rotate`."
            )
        async with _opening(settings) as (frameio, workspace):
            address = webhook_address(settings)
            rotation = await begin_rotation(
                frameio, workspace, settings, address=address, now=utc_now()
            )
        say(f"Frame.io calls {rotation.webhook.url} with both secrets now.")
    else:
        say(f"Going on with the rotation that began {rotation.since:%Y-%m-%d %H:%M:%S} UTC.")
    await _refuse_unknown_secret(rotation)
    if not asked.at_once:
        rotation = await _wait(store, rotation, asked)
    async with _opening(settings) as (frameio, workspace):
        deleted = await finish_rotation(frameio, workspace, settings, rotation.webhook.webhook_id)
    say(f"Deleted at Frame.io: {', '.join(deleted) or 'nothing, it was gone already'}.")
    if settings.webhook.secrets:
        say("Remove the old secret from webhook.secrets too, if it is listed there.")
    say(f"Only the new secret is good now; it is in {settings.webhook.secrets_file}.")


async def _refuse_unknown_secret(rotation: Rotation) -> None:
    """Keep the old webhook while the service would refuse what the new one brings."""
    match await probe(rotation.webhook):
        case ProbeAnswer.UNKNOWN:
            raise ConfigurationError(
                f"What answers at {rotation.webhook.url} does not trust the new secret, so the old "
                "webhook stays; let the service read the same webhook.secrets_file, then run "
                "`postflow webhook rotate` again."
            )
        case ProbeAnswer.SILENT:
            say(f"{rotation.webhook.url} does not answer from here; deliveries will tell.")
        case ProbeAnswer.KNOWN:
            say("The running service trusts the new secret.")


async def _wait(store: Store, rotation: Rotation, asked: _Asked) -> Rotation:
    with console.status("Waiting for events through the new webhook…"):
        while True:
            rotation = await asyncio.to_thread(see_progress, store, rotation)
            step = rotation.plan_step(now=utc_now(), overlap=asked.overlap, grace=asked.grace)
            if step is not RotationStep.WAIT:
                break
            await asyncio.sleep(_LOOK_EVERY)
    if step is RotationStep.STUCK:
        raise ConfigurationError(
            "Events came through the old webhook and none through the new one, so both stay; see "
            "`postflow webhook list`, and run `postflow webhook rotate --finish` to go over all the same."
        )
    if not rotation.came_new and await probe(rotation.webhook) is not ProbeAnswer.KNOWN:
        raise ConfigurationError(
            "No event has come, and the service does not answer from here, so both webhooks stay; "
            "run `postflow webhook rotate` again later, or with --finish to go over all the same."
        )
    return rotation


def _show(store: Store, rotation: Rotation | None, *, as_json: bool) -> None:
    seen = see_progress(store, rotation) if rotation else None
    if as_json:
        print_json([_view(seen)] if seen else [])
    elif seen is None:
        say("No rotation is going on.")
    else:
        new, old = _came(seen.came_new), _came(seen.came_old)
        say(
            f"Since {seen.since:%Y-%m-%d %H:%M:%S} UTC both webhooks call {seen.webhook.url}; through "
            f"the new one {new} come, through the old one {old}. `postflow webhook rotate` goes on."
        )


def _came(came: bool) -> str:
    return "events have" if came else "no event has"


def _view(rotation: Rotation) -> dict[str, object]:
    return {
        "webhook_id": rotation.webhook.webhook_id,
        "url": rotation.webhook.url,
        "since": rotation.since.isoformat(),
        "events_through_new": rotation.came_new,
        "events_through_old": rotation.came_old,
    }


@asynccontextmanager
async def _opening(settings: Settings) -> AsyncIterator[tuple[FrameioClient, str]]:
    async with open_frameio(settings.frameio) as frameio:
        yield (
            frameio,
            await locate_workspace(frameio, workspace_id=settings.frameio.workspace_id),
        )
