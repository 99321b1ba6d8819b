"""Frame.io's webhook to this PostFlow: creating it, and keeping the secret that is shown once."""

from __future__ import annotations

from collections.abc import Sequence

from postflow.errors import ConfigurationError
from postflow.frameio.client import FrameioClient
from postflow.frameio.locate import locate_workspace
from postflow.frameio.opening import open_frameio
from postflow.frameio.wire import Webhook
from postflow.settings import Settings
from postflow.webhook_secrets import StoredWebhook, add_webhook_secret, remove_webhook_secrets

WEBHOOK_NAME = "PostFlow"
WEBHOOK_PATH = "/webhooks/frameio"
EVENTS = (
    *("file.created", "file.upload.completed", "file.ready", "file.updated", "file.deleted"),
    *("file.versioned", "comment.created", "comment.updated", "comment.deleted"),
    *("comment.completed", "comment.uncompleted", "metadata.value.updated"),
)


def webhook_address(settings: Settings, url: str | None = None) -> str | None:
    """Return the address that Frame.io is to call, or None where nobody has said one."""
    base = url or settings.webhook.public_url
    return base.rstrip("/") + WEBHOOK_PATH if base else None


async def register_webhook_at(settings: Settings, base_url: str) -> Webhook:
    """Create the webhook that calls `base_url`, in place of an older one, and keep its secret."""
    address = base_url.rstrip("/") + WEBHOOK_PATH
    path = settings.webhook.secrets_file
    async with open_frameio(settings.frameio) as frameio:
        workspace = await locate_workspace(frameio, workspace_id=settings.frameio.workspace_id)
        old = [w for w in await fetch_own_webhooks(frameio, workspace) if w.url == address]
        for each in old:
            await frameio.delete_webhook(each.id)
        remove_webhook_secrets(path, [each.id for each in old])
        webhook = await frameio.create_webhook(
            workspace, name=WEBHOOK_NAME, url=address, events=EVENTS
        )
    add_webhook_secret(path, storable(webhook))
    return webhook


async def fetch_own_webhooks(frameio: FrameioClient, workspace: str) -> Sequence[Webhook]:
    """Return the workspace's webhooks that PostFlow made, wherever they lead."""
    return [each for each in await frameio.fetch_webhooks(workspace) if each.name == WEBHOOK_NAME]


def storable(webhook: Webhook) -> StoredWebhook:
    """Return what is kept of a webhook that was just created."""
    if webhook.secret is None:
        raise ConfigurationError("Frame.io showed no secret for the webhook; register it again.")
    return StoredWebhook.model_validate(
        {"webhook_id": webhook.id, "url": webhook.url, "secret": webhook.secret}
    )
