"""Keeping Frame.io's webhook right: one way for the command, the tunnel and the watchdog.

What is right already stays as it is, what can be changed is changed, and only a webhook whose
secret nobody knows is replaced. A webhook counts as ours when we keep its secret or when it calls
our address; others of the same name may belong to another PostFlow and are never touched.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from postflow.errors import ConfigurationError, NotFoundError
from postflow.frameio.client import FrameioClient
from postflow.frameio.filelock import locked
from postflow.frameio.locate import locate_workspace
from postflow.frameio.opening import open_frameio
from postflow.frameio.wire import Webhook
from postflow.settings import Settings
from postflow.webhook_registration import (
    EVENTS,
    WEBHOOK_NAME,
    WEBHOOK_PATH,
    fetch_own_webhooks,
    storable,
)
from postflow.webhook_secrets import (
    StoredWebhook,
    add_webhook_secret,
    load_webhook_secrets,
    prove_writable,
    remove_webhook_secrets,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class UpkeepPlan:
    """What is to be done so that Frame.io calls one address with a secret that we know."""

    keep: Sequence[Webhook] = ()
    """Usually one; two while a rotation goes on, none where one must be created."""
    delete: Sequence[Webhook] = ()
    """Ours, and not kept."""
    foreign: Sequence[Webhook] = ()
    """Of our name and to other addresses: perhaps another PostFlow's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Upkeep:
    """What was done, in sentences; nothing where all was right already."""

    address: str
    webhook_id: str
    done: Sequence[str] = ()
    foreign: Sequence[Webhook] = ()


def plan_upkeep(
    webhooks: Sequence[Webhook],
    filed: Sequence[StoredWebhook],
    *,
    address: str,
    trusts_others: bool = False,
) -> UpkeepPlan:
    """Return what to do about the webhooks of our name.

    With `trusts_others` there are secrets that nobody can match with a webhook (`webhook.secrets`):
    those that call our address are then taken to have them, unless we keep another's.
    """
    filed_ids = {each.webhook_id for each in filed}
    ours = [each for each in webhooks if each.id in filed_ids or each.url == address]
    known = [each for each in ours if each.id in filed_ids]
    # Where any of them may have a secret of ours, none may be deleted.
    keep = ours if not known and trusts_others else _choose(known, filed, address)
    kept = {each.id for each in keep}
    return UpkeepPlan(
        keep=keep,
        delete=[each for each in ours if each.id not in kept],
        foreign=[each for each in webhooks if each.id not in {found.id for found in ours}],
    )


def list_changes(webhook: Webhook, *, address: str) -> dict[str, object]:
    """Return what is wrong with a webhook, as the values that would be right."""
    changes: dict[str, object] = {}
    if webhook.url != address:
        changes["url"] = address
    if set(webhook.events) != set(EVENTS):
        changes["events"] = EVENTS
    if not webhook.active:
        changes["active"] = True
    return changes


async def register_webhook_at(settings: Settings, base_url: str) -> Upkeep:
    """Let Frame.io call `base_url`: create its webhook, repair it, or leave it as it is.

    Raises FrameioError, or ConfigurationError where nobody can sign in or it is no address.
    """
    if not re.match(r"https?://[^/\s]", base_url):
        raise ConfigurationError(
            f"{base_url!r} is no address that Frame.io can call; write one such as "
            "https://review.studio.example."
        )
    async with open_frameio(settings.frameio) as frameio:
        return await keep_webhook(frameio, settings, address=base_url.rstrip("/") + WEBHOOK_PATH)


async def keep_webhook(frameio: FrameioClient, settings: Settings, *, address: str) -> Upkeep:
    """Do what is needed so that Frame.io calls the address, and say it; again, it does nothing.

    Killed in between, the next one finds a webhook of ours without a secret and replaces it.
    """
    workspace = await locate_workspace(frameio, workspace_id=settings.frameio.workspace_id)
    path = settings.webhook.secrets_file
    # Two at the same time would create two webhooks.
    async with locked(path.with_name(f"{path.name}.lock")):
        filed = load_webhook_secrets(path)
        plan = plan_upkeep(
            await fetch_own_webhooks(frameio, workspace),
            filed,
            address=address,
            trusts_others=bool(settings.webhook.secrets),
        )
        done: list[str] = []
        kept = [each for each in plan.keep if await _repair(frameio, each, settings, address, done)]
        if not kept:
            prove_writable(path)
            # Before the old ones go, so that there is always one that calls.
            kept = [await _create(frameio, workspace, settings, address)]
            done.append(f"created the webhook {kept[0].id}")
            await _forget_gone(frameio, settings, filed, address)
        for each in plan.delete:
            await frameio.delete_webhook(each.id)
            done.append(f"deleted {_why_deleted(each, filed, address)}")
        remove_webhook_secrets(path, [each.id for each in plan.delete])
    return Upkeep(
        address=address, webhook_id=kept[0].id, done=tuple(done), foreign=tuple(plan.foreign)
    )


def _choose(
    known: Sequence[Webhook], filed: Sequence[StoredWebhook], address: str
) -> list[Webhook]:
    """Return the webhooks to keep of those whose secret is known, the first being the best."""
    best = sorted(known, key=lambda each: (each.url == address, each.created_at), reverse=True)
    rotating = [each for each in filed if each.replacing_since is not None]
    if rotating:
        # The old one stays beside the new one until the rotation says so.
        return [each for each in best if each.url in {address, rotating[0].url}]
    return best[:1]


async def _repair(
    frameio: FrameioClient, webhook: Webhook, settings: Settings, address: str, done: list[str]
) -> bool:
    """Change what is wrong with a webhook; False where it has gone meanwhile."""
    changes = list_changes(webhook, address=address)
    if not changes:
        return True
    try:
        await frameio.update_webhook(
            webhook.id,
            url=address if "url" in changes else None,
            events=EVENTS if "events" in changes else None,
            active=True if "active" in changes else None,
        )
    except NotFoundError:
        return False
    _note_address(settings, webhook.id, address)
    done.append(f"corrected {describe_changes(changes)} of the webhook {webhook.id}")
    return True


async def _create(
    frameio: FrameioClient, workspace: str, settings: Settings, address: str
) -> Webhook:
    webhook = await frameio.create_webhook(workspace, name=WEBHOOK_NAME, url=address, events=EVENTS)
    add_webhook_secret(settings.webhook.secrets_file, storable(webhook))
    return webhook


async def _forget_gone(
    frameio: FrameioClient, settings: Settings, filed: Sequence[StoredWebhook], address: str
) -> None:
    """Forget secrets of webhooks that somebody deleted; another workspace's may live on."""
    for each in filed:
        if each.url == address and not await _exists(frameio, each.webhook_id):
            remove_webhook_secrets(settings.webhook.secrets_file, [each.webhook_id])


async def _exists(frameio: FrameioClient, webhook_id: str) -> bool:
    try:
        await frameio.fetch_webhook(webhook_id)
    except NotFoundError:
        return False
    return True


def _note_address(settings: Settings, webhook_id: str, address: str) -> None:
    path = settings.webhook.secrets_file
    for each in load_webhook_secrets(path):
        if each.webhook_id == webhook_id:
            add_webhook_secret(path, each.model_copy(update={"url": address}))


def _why_deleted(webhook: Webhook, filed: Sequence[StoredWebhook], address: str) -> str:
    if webhook.id not in {each.webhook_id for each in filed}:
        return f"the webhook {webhook.id}, whose secret is lost"
    if webhook.url == address:
        return f"the webhook {webhook.id}, which was one too many"
    return f"the webhook {webhook.id}, which called {webhook.url}"


def describe_changes(changes: Collection[str]) -> str:
    """Return what is wrong with a webhook in words; empty where nothing is."""
    names = {"url": "the address", "events": "the events", "active": "the pause"}
    return " and ".join(names[word] for word in changes)
