"""The service's care for its webhook: whenever the tunnel has a new address, Frame.io is told.

It never keeps the service from its work: what cannot be done now is said once and tried again.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from postflow.clock import pause
from postflow.errors import PostFlowError
from postflow.frameio.client import FrameioClient
from postflow.frameio.locate import locate_workspace
from postflow.settings import Settings
from postflow.webhook_registration import webhook_address
from postflow.webhook_upkeep import Upkeep, keep_webhook

_FIRST_RETRY = timedelta(seconds=5)
_LONGEST_RETRY = timedelta(minutes=5)
_LOOK_EVERY = timedelta(seconds=30)
_log = structlog.get_logger("postflow.webhook")


class WebhookWatch:
    """Keeps Frame.io's webhook right while the service runs; all of it in one event loop."""

    def __init__(self, *, settings: Settings, frameio: FrameioClient | None) -> None:
        self._settings = settings
        self._frameio = frameio
        self._news = asyncio.Event()
        self._wanted: str | None = None
        """The address that Frame.io has not been told yet."""
        self._retry = _FIRST_RETRY

    def note_base(self, base: str | None) -> None:
        """Take note of the tunnel's address, or of its loss."""
        self._wanted = webhook_address(self._settings, base) if base else None
        self._retry = _FIRST_RETRY
        self._news.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set."""
        while not stop.is_set():
            self._news.clear()
            wait = _LOOK_EVERY
            if not await self._is_told():
                wait, self._retry = self._retry, min(self._retry * 2, _LONGEST_RETRY)
            await pause(wait, stop, self._news)

    async def _is_told(self) -> bool:
        """Whether Frame.io knows the address, or was told it just now."""
        try:
            return self._wanted is None or await self._tell_frameio(self._wanted)
        except PostFlowError as error:
            _log.warning("the webhook is not registered, will go on", error=str(error))
        except Exception:  # noqa: BLE001 - nothing of this may end the service; it is logged
            _log.exception("registering the webhook failed unexpectedly, will go on")
        return False

    async def _tell_frameio(self, address: str) -> bool:
        """Register the address; True, or an error."""
        if self._frameio is None:
            _log.warning("no Frame.io token: its webhook cannot be told the tunnel's address")
            self._wanted = None
            return True
        upkeep = await self._keep(self._frameio, address)
        _log.info("Frame.io calls the tunnel", address=address, done=list(upkeep.done))
        if self._wanted == address:  # the tunnel may have died meanwhile
            self._wanted = None
        return True

    async def _keep(self, frameio: FrameioClient, address: str) -> Upkeep:
        workspace = await locate_workspace(
            frameio, workspace_id=self._settings.frameio.workspace_id
        )
        return await keep_webhook(frameio, workspace, self._settings, address=address)
