"""What makes the public face reachable while the service runs: the tunnel and the webhook's watch."""

from __future__ import annotations

import asyncio

from postflow.frameio.client import FrameioClient
from postflow.public_address import forget_tunnel, save_tunnel
from postflow.settings import Settings
from postflow.store.database import Store
from postflow.tunnel.cloudflared import Tunnel
from postflow.webhook_watch import WebhookWatch


async def stay_reachable(
    settings: Settings,
    *,
    origin: str,
    store: Store,
    frameio: FrameioClient | None,
    stop: asyncio.Event,
) -> None:
    """Keep the tunnel to `origin` up, if one is configured, and Frame.io's webhook right."""
    watch = WebhookWatch(settings=settings, store=store, frameio=frameio)
    if settings.webhook.tunnel is None:
        await watch.run(stop)
        return

    def note(base: str | None, problem: str | None) -> None:
        save_tunnel(settings, url=base, problem=problem)
        watch.note_base(base)

    save_tunnel(settings, url=None)
    tunnel = Tunnel(settings.webhook, origin=origin, on_change=note)
    try:
        await asyncio.gather(tunnel.run(stop), watch.run(stop))
    finally:
        forget_tunnel(settings)
