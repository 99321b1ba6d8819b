"""What makes the public face reachable while the service runs: the tunnel and the webhook's watch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from postflow.frameio.client import FrameioClient
from postflow.public_address import forget_tunnel, save_tunnel
from postflow.settings import Settings
from postflow.store.database import Store
from postflow.tunnel.cloudflared import Tunnel
from postflow.webhook_watch import WebhookWatch

_STOP_SECONDS = 8.0
"""Longer than a tunnel takes that has to be ended by force."""
_log = structlog.get_logger("postflow.serve")


@asynccontextmanager
async def staying_reachable(
    settings: Settings,
    *,
    origin: str,
    store: Store,
    frameio: FrameioClient | None,
    stop: asyncio.Event,
) -> AsyncIterator[None]:
    """Keep the tunnel to `origin` up and Frame.io's webhook right; it has ended with the block.

    Whatever goes wrong with it costs the service nothing but a line in the log.
    """
    watch = WebhookWatch(settings=settings, store=store, frameio=frameio)
    parts = [asyncio.create_task(watch.run(stop))]
    if settings.webhook.tunnel is not None:
        parts.append(asyncio.create_task(_keep_tunnel(settings, origin, watch, stop)))
    for part in parts:
        part.add_done_callback(_log_failure)
    try:
        yield
    finally:
        stop.set()
        _, late = await asyncio.wait(parts, timeout=_STOP_SECONDS)
        for part in late:
            part.cancel()
        await asyncio.gather(*parts, return_exceptions=True)


async def _keep_tunnel(
    settings: Settings, origin: str, watch: WebhookWatch, stop: asyncio.Event
) -> None:
    def note(base: str | None, problem: str | None) -> None:
        save_tunnel(settings, url=base, problem=problem)
        watch.note_base(base)

    save_tunnel(settings, url=None)
    try:
        await Tunnel(settings.webhook, origin=origin, on_change=note).run(stop)
    finally:
        forget_tunnel(settings)


def _log_failure(part: asyncio.Task[None]) -> None:
    if not part.cancelled() and part.exception() is not None:
        _log.error("a part of the service ended unexpectedly", exc_info=part.exception())
