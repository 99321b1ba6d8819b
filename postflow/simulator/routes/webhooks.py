"""Subscriptions of a workspace."""

from __future__ import annotations

import secrets
from typing import Any

from fastapi import APIRouter, Response

from postflow.frameio import wire
from postflow.simulator.bodies import Body, WebhookParams, WebhookUpdateParams
from postflow.simulator.calling import CallDep
from postflow.simulator.paging import render_page
from postflow.simulator.records import StoredWebhook
from postflow.simulator.rendering import written
from postflow.simulator.state import fresh_id

router = APIRouter(prefix="/v4/accounts/{account_id}")


@router.get("/workspaces/{workspace_id}/webhooks")
async def list_webhooks(call: CallDep, workspace_id: str) -> dict[str, Any]:
    """List the subscriptions, without their secrets."""
    workspace = call.state.workspace(workspace_id)
    found = [each for each in call.state.webhooks.values() if each.workspace_id == workspace.id]
    creator = "creator" in call.includes({"creator"}).include
    return render_page(call.request, found, lambda each: render_webhook(each, creator=creator))


@router.post("/workspaces/{workspace_id}/webhooks", status_code=201)
async def create_webhook(
    call: CallDep, workspace_id: str, body: Body[WebhookParams]
) -> dict[str, Any]:
    """Subscribe; only this answer holds the secret."""
    now = call.world.clock.now()
    webhook = StoredWebhook(
        id=fresh_id(),
        name=body.data.name,
        created_at=now,
        updated_at=now,
        url=body.data.url,
        events=body.data.events,
        workspace_id=call.state.workspace(workspace_id).id,
        secret=secrets.token_hex(20),
        creator=call.user,
    )
    call.state.webhooks[webhook.id] = webhook
    return {"data": render_webhook(webhook, secret=True)}


@router.get("/webhooks/{webhook_id}")
async def show_webhook(call: CallDep, webhook_id: str) -> dict[str, Any]:
    """Show a subscription, without its secret."""
    creator = "creator" in call.includes({"creator"}).include
    return {"data": render_webhook(call.state.webhook(webhook_id), creator=creator)}


@router.patch("/webhooks/{webhook_id}")
async def update_webhook(
    call: CallDep, webhook_id: str, body: Body[WebhookUpdateParams]
) -> dict[str, Any]:
    """Change a subscription, or pause it."""
    webhook, params = call.state.webhook(webhook_id), body.data
    webhook.name = params.name or webhook.name
    webhook.url = params.url or webhook.url
    webhook.events = params.events or webhook.events
    webhook.active = webhook.active if params.active is None else params.active
    webhook.updated_at = call.world.clock.now()
    return {"data": render_webhook(webhook)}


@router.delete("/webhooks/{webhook_id}", status_code=204)
async def delete_webhook(call: CallDep, webhook_id: str) -> Response:
    """Unsubscribe at once: what was not sent yet stays unsent."""
    webhook = call.state.webhook(webhook_id)
    webhook.active = False
    del call.state.webhooks[webhook.id]
    return Response(status_code=204)


def render_webhook(
    webhook: StoredWebhook, *, secret: bool = False, creator: bool = False
) -> dict[str, Any]:
    """Write a webhook; its secret only in the answer to its creation."""
    fields: dict[str, Any] = {
        "id": webhook.id,
        "name": webhook.name,
        "url": webhook.url,
        "events": webhook.events,
        "active": webhook.active,
        "workspace_id": webhook.workspace_id,
        "created_at": webhook.created_at,
        "updated_at": webhook.updated_at,
    }
    if creator:
        fields["creator"] = webhook.creator
    if secret:
        fields["secret"] = webhook.secret
    return written(wire.Webhook.model_validate(fields))
