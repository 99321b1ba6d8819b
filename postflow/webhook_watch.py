"""The service's care for its webhook: Frame.io is told each new address, and silence is noticed.

It never keeps the service from its work: what cannot be done now is said once and tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta

import structlog

from postflow.clock import Clock, pause, utc_now
from postflow.errors import PostFlowError
from postflow.frameio.client import FrameioClient
from postflow.settings import Settings
from postflow.store.database import Store
from postflow.webhook_registration import webhook_address
from postflow.webhook_silence import SilenceWatch
from postflow.webhook_upkeep import keep_webhook

_FIRST_RETRY = timedelta(seconds=5)
_LONGEST_RETRY = timedelta(minutes=5)
_LOOK_EVERY = timedelta(seconds=30)
_log = structlog.get_logger("postflow.webhook")


class WebhookWatch:
    """Keeps Frame.io's webhook right while the service runs; all of it in one event loop."""

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        frameio: FrameioClient | None,
        clock: Clock = utc_now,
    ) -> None:
        self._settings = settings
        self._frameio = frameio
        self._silence = SilenceWatch(settings=settings, store=store, frameio=frameio, clock=clock)
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
            wait = self._look_every()
            await self._try(self._silence.run_once(), "looking for silence")
            if not await self._try(self._tell_frameio(), "registering the webhook"):
                wait, self._retry = self._retry, min(self._retry * 2, _LONGEST_RETRY)
            await pause(wait, stop, self._news)

    def _look_every(self) -> timedelta:
        """Return the pause between two looks, short enough for the silence that is set."""
        after = self._settings.webhook.silence_after
        return min(_LOOK_EVERY, after / 4) if after else _LOOK_EVERY

    async def _try(self, work: Coroutine[object, object, None], doing: str) -> bool:
        """Do it; False where it did not succeed. Nothing of this may end the service."""
        try:
            await work
        except PostFlowError as error:
            _log.warning(f"{doing} failed, will go on", error=str(error))
        except Exception:  # noqa: BLE001 - it is logged, and tried again
            _log.exception(f"{doing} failed unexpectedly, will go on")
        else:
            return True
        return False

    async def _tell_frameio(self) -> None:
        """Register the address that Frame.io has not been told yet, if there is one."""
        address = self._wanted
        if address is None:
            return
        if self._frameio is None:
            _log.warning("no Frame.io token: its webhook cannot be told the tunnel's address")
            self._wanted = None
            return
        upkeep = await keep_webhook(self._frameio, self._settings, address=address)
        _log.info("Frame.io calls the tunnel", address=address, done=list(upkeep.done))
        if self._wanted == address:  # the tunnel may have another one meanwhile
            self._wanted = None
