"""Replacing the secret of Frame.io's webhook without losing a delivery.

Frame.io shows a secret only when a webhook is created, so the new secret comes with a second
webhook. Both call for a while, each event comes twice, and the old one goes once the new one is
seen to work. Every step is written down first or can be repeated: a rotation that was killed goes
on where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import httpx

from postflow.errors import ConfigurationError
from postflow.frameio.client import FrameioClient
from postflow.frameio.filelock import locked
from postflow.frameio.wire import Webhook
from postflow.settings import Settings
from postflow.store.database import Store
from postflow.store.inbox import has_come
from postflow.webhook_registration import WEBHOOK_NAME, fetch_own_webhooks, storable
from postflow.webhook_secrets import (
    StoredWebhook,
    add_webhook_secret,
    load_webhook_secrets,
    prove_writable,
    remove_webhook_secrets,
    save_webhook_secrets,
)
from postflow.webhook_self_test import FOREIGN_ERRORS, send_signed

OVERLAP = timedelta(minutes=5)
"""Frame.io repeats a delivery for about four minutes; the old webhook outlives its last try."""
GRACE = timedelta(minutes=30)
_PROBE = b"[]"  # signed, but no event: it is answered 400 and leaves no row
_PROBE_SECONDS = 5.0


class RotationStep(StrEnum):
    """What is to be done about a rotation now."""

    WAIT = "wait"
    """The old webhook may still have something to bring, or the new one has brought nothing."""
    FINISH = "finish"
    """The new webhook works, or nothing at all has happened for the whole grace time."""
    STUCK = "stuck"
    """Events came through the old webhook for the whole grace time, and none through the new."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rotation:
    """A new webhook beside the old ones, and what has come since."""

    webhook: StoredWebhook
    since: datetime
    came_new: bool = False
    came_old: bool = False

    def plan_step(self, *, now: datetime, overlap: timedelta, grace: timedelta) -> RotationStep:
        """Return what to do now; the old webhook stays for the whole overlap in any case."""
        if now < self.since + overlap:
            return RotationStep.WAIT
        if self.came_new:
            return RotationStep.FINISH
        if now < self.since + grace:
            return RotationStep.WAIT
        return RotationStep.STUCK if self.came_old else RotationStep.FINISH


class ProbeAnswer(StrEnum):
    """What the running service said to something signed with the new secret."""

    KNOWN = "known"
    """It trusts the new secret."""
    UNKNOWN = "unknown"
    """Somebody answers, and does not trust it."""
    SILENT = "silent"
    """Nobody answers at this address, as seen from this machine."""


def load_rotation(settings: Settings) -> Rotation | None:
    """Return the rotation that was begun and is not finished."""
    for each in load_webhook_secrets(settings.webhook.secrets_file):
        if each.replacing_since is not None:
            return Rotation(webhook=each, since=each.replacing_since)
    return None


async def begin_rotation(
    frameio: FrameioClient,
    workspace: str,
    settings: Settings,
    *,
    address: str | None,
    now: datetime,
) -> Rotation:
    """Create the second webhook and keep its secret, which the running service reads at once.

    Killed between the two, the webhook whose secret nobody knows is deleted with the old ones.
    Where another process has begun meanwhile, its rotation is returned.
    """
    async with _alone(settings):
        begun = load_rotation(settings)
        if begun is not None:
            return begun
        old = _choose_old(await fetch_own_webhooks(frameio, workspace), address)
        prove_writable(settings.webhook.secrets_file)
        created = await frameio.create_webhook(
            workspace, name=WEBHOOK_NAME, url=old.url, events=old.events
        )
        webhook = storable(created).model_copy(update={"replacing_since": now})
        add_webhook_secret(settings.webhook.secrets_file, webhook)
        return Rotation(webhook=webhook, since=now)


def see_progress(store: Store, rotation: Rotation) -> Rotation:
    """Return the rotation with what has come through both webhooks since it began."""
    new, since = rotation.webhook.webhook_id, rotation.since
    with store.reading() as session:
        return replace(
            rotation,
            came_new=has_come(session, through=new, since=since),
            came_old=has_come(session, besides=new, since=since),
        )


async def finish_rotation(
    frameio: FrameioClient, workspace: str, settings: Settings, webhook_id: str
) -> list[str]:
    """Delete what calls the address of this webhook with another secret, then forget those secrets.

    Returns the ids of the deleted webhooks. Repeating it changes nothing.
    """
    path = settings.webhook.secrets_file
    async with _alone(settings):
        own = await fetch_own_webhooks(frameio, workspace)
        filed = load_webhook_secrets(path)
        new = next((each for each in filed if each.webhook_id == webhook_id), None)
        if new is None or webhook_id not in [each.id for each in own]:
            # The only secret that is left would be one that nothing is signed with.
            remove_webhook_secrets(path, [webhook_id])
            raise ConfigurationError(
                f"The new webhook {webhook_id} is gone at Frame.io, so the old one stays; run "
                "`postflow webhook rotate` again."
            )
        old = [each.id for each in own if each.url == new.url and each.id != webhook_id]
        for each in old:
            await frameio.delete_webhook(each)
        kept = [each for each in filed if each.url != new.url]
        save_webhook_secrets(path, [*kept, new.model_copy(update={"replacing_since": None})])
        return old


def _alone(settings: Settings) -> AbstractAsyncContextManager[None]:
    """Keep out whoever else creates or deletes webhooks of ours."""
    path = settings.webhook.secrets_file
    return locked(path.with_name(f"{path.name}.lock"))


def _choose_old(own: Sequence[Webhook], address: str | None) -> Webhook:
    addresses = sorted({each.url for each in own})
    if not own or (address is not None and address not in addresses):
        raise ConfigurationError(
            f"Frame.io has no webhook of PostFlow{f' that calls {address}' if address else ''}; "
            "`postflow webhook register` creates one."
        )
    if address is None and len(addresses) > 1:
        raise ConfigurationError(
            f"PostFlow has webhooks to {' and '.join(addresses)}; set webhook.public_url to the "
            "base of the one that is to be rotated."
        )
    return next(each for each in own if address in (None, each.url))


async def probe(webhook: StoredWebhook) -> ProbeAnswer:
    """Ask the service behind the webhook's address whether it trusts the new secret."""
    secret = webhook.secret.get_secret_value()
    try:
        answer = await send_signed(webhook.url, secret=secret, body=_PROBE, seconds=_PROBE_SECONDS)
    except FOREIGN_ERRORS:
        return ProbeAnswer.SILENT
    if answer.status_code == httpx.codes.BAD_REQUEST:
        return ProbeAnswer.KNOWN
    return ProbeAnswer.UNKNOWN
