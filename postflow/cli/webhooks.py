"""Commands for Frame.io's webhook to this PostFlow: register, list, remove; rotate is beside."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from postflow.cli.output import AsJson, print_json, print_table, say
from postflow.cli.rotating import rotate_webhook
from postflow.errors import ConfigurationError
from postflow.frameio.locate import locate_workspace
from postflow.frameio.opening import open_frameio
from postflow.frameio.wire import Webhook
from postflow.public_address import public_base
from postflow.settings import Settings, load_settings
from postflow.webhook_secrets import remove_webhook_secrets
from postflow.webhook_upkeep import register_webhook_at

webhook_app = typer.Typer(help="Manage Frame.io's webhook to this PostFlow.", no_args_is_help=True)
webhook_app.command("rotate")(rotate_webhook)


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.add_typer(webhook_app, name="webhook")


@webhook_app.command("register")
def register_webhook(
    url: Annotated[
        str | None,
        typer.Option(
            help="PostFlow's public base address; else webhook.public_url or the tunnel's."
        ),
    ] = None,
) -> None:
    """Let Frame.io call this PostFlow: create its webhook, or repair it; needs an account admin.

    What is right already is left alone. A webhook whose secret is lost is replaced, because Frame.io
    shows a secret only once; webhooks of ours that call other addresses are deleted.

    Example: postflow webhook register --url https://review.studio.example
    """
    settings = load_settings()
    base = url or public_base(settings)
    if not base:
        raise ConfigurationError(
            "Frame.io must know where to call: give --url, or set webhook.public_url, to the "
            "address under which this machine's webhook port is reachable; or let a tunnel tell it "
            "(webhook.tunnel) and start the service."
        )
    upkeep = asyncio.run(register_webhook_at(settings, base))
    if not upkeep.done:
        say(f"Nothing to change: Frame.io calls {upkeep.address} already.")
    else:
        for sentence in upkeep.done:
            say(f"PostFlow {sentence}.")
        say(f"Frame.io calls {upkeep.address}; the secret is in {settings.webhook.secrets_file}.")
    for each in upkeep.foreign:
        say(
            f"A webhook of the same name calls {each.url}; if no other PostFlow needs it, "
            f"`postflow webhook remove {each.id}` deletes it."
        )


@webhook_app.command("list")
def list_webhooks(*, as_json: AsJson = False) -> None:
    """Show the workspace's webhooks.

    Example: postflow webhook list
    """
    found = asyncio.run(_list(load_settings()))
    rows = [w.model_dump(mode="json", include={"id", "name", "url", "active"}) for w in found]
    if as_json:
        print_json(rows)
        return
    print_table(
        rows,
        {"id": "id", "name": "name", "url": "address", "active": "active"},
        empty="The workspace has no webhook; `postflow webhook register` creates one.",
    )


@webhook_app.command("remove")
def remove_webhook(webhook_id: Annotated[str, typer.Argument(help="Its id at Frame.io.")]) -> None:
    """Delete a webhook at Frame.io and forget its secret.

    Example: postflow webhook remove 6f70f1bd-7e89-4a7e-b4d3-7e576585a181
    """
    settings = load_settings()
    asyncio.run(_delete(settings, webhook_id))
    remove_webhook_secrets(settings.webhook.secrets_file, [webhook_id])
    say(f"The webhook {webhook_id} is removed.")


async def _list(settings: Settings) -> list[Webhook]:
    async with open_frameio(settings.frameio) as frameio:
        workspace = await locate_workspace(frameio, workspace_id=settings.frameio.workspace_id)
        return await frameio.fetch_webhooks(workspace)


async def _delete(settings: Settings, webhook_id: str) -> None:
    async with open_frameio(settings.frameio) as frameio:
        await frameio.delete_webhook(webhook_id)
