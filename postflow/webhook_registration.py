"""Frame.io's webhook to this PostFlow: what it is called, what it tells, where it leads."""

from __future__ import annotations

from collections.abc import Sequence

from postflow.errors import ConfigurationError
from postflow.frameio.client import FrameioClient
from postflow.frameio.wire import Webhook
from postflow.public_address import public_base
from postflow.settings import Settings
from postflow.webhook_secrets import StoredWebhook, load_webhook_secrets

WEBHOOK_NAME = "PostFlow"
WEBHOOK_PATH = "/webhooks/frameio"
EVENTS = (
    *("file.created", "file.upload.completed", "file.ready", "file.updated", "file.deleted"),
    *("file.versioned", "comment.created", "comment.updated", "comment.deleted"),
    *("comment.completed", "comment.uncompleted", "metadata.value.updated"),
)


def webhook_address(settings: Settings, url: str | None = None) -> str | None:
    """Return the address that Frame.io is to call, or None where nobody has said one.

    What `postflow webhook register --url` said counts where no setting says otherwise.
    """
    base = url or public_base(settings)
    if base is None and settings.webhook.tunnel is None:
        kept = load_webhook_secrets(settings.webhook.secrets_file)
        return next((each.url for each in reversed(kept) if each.url), None)
    return base.rstrip("/") + WEBHOOK_PATH if base else None


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
