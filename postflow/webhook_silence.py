"""Looking into the webhooks' silence: a self-test, a repair, and people are told what was found."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from postflow.clock import Clock
from postflow.domain.webhook_silence import SilenceCause, SilenceStep
from postflow.errors import PostFlowError
from postflow.frameio.client import FrameioClient
from postflow.public_address import load_tunnel
from postflow.settings import Settings
from postflow.store.database import Store
from postflow.store.leadership import Duty, Leadership
from postflow.store.webhook_silences import announce_end_of_silence, announce_silence, load_silence
from postflow.webhook_registration import webhook_address
from postflow.webhook_self_test import SelfTest, SelfTestOutcome, find_secret, run_self_test
from postflow.webhook_upkeep import keep_webhook

_log = structlog.get_logger("postflow.webhook")


class _Cause(NamedTuple):
    """What was found, and the sentence on it."""

    cause: SilenceCause
    reason: str


class SilenceWatch:
    """Notices that no webhook comes though reviews are open; done once per silence.

    Of several services one does it: two that mend at once would leave two webhooks.
    """

    def __init__(
        self, *, settings: Settings, store: Store, frameio: FrameioClient | None, clock: Clock
    ) -> None:
        self._settings = settings
        self._store = store
        self._frameio = frameio
        self._clock = clock
        self._lead = Leadership(store, Duty.MEND_WEBHOOK)

    async def run_once(self) -> None:
        """Do what there is to do now; nothing where Frame.io is not supposed to call."""
        after = self._settings.webhook.silence_after
        if not after or not self._is_expected():
            return
        step, _ = await asyncio.to_thread(self._plan, after)
        if step is SilenceStep.NOTHING:
            return
        try:
            if await asyncio.to_thread(self._lead.is_held):
                await self._act(*await asyncio.to_thread(self._plan, after))
        finally:
            await asyncio.to_thread(self._lead.close)

    async def _act(self, step: SilenceStep, since: datetime | None) -> None:
        if step is SilenceStep.OVER:
            await asyncio.to_thread(self._tell_end)
        elif step is SilenceStep.BEGUN and since is not None:
            found = await self._look_into()
            await asyncio.to_thread(self._tell, since, found)

    def _is_expected(self) -> bool:
        webhook = self._settings.webhook
        return webhook.public_url is not None or webhook.tunnel is not None

    async def _look_into(self) -> _Cause:
        """Find out why nothing comes, and repair what can be repaired."""
        address = webhook_address(self._settings)
        if address is None:
            state = load_tunnel(self._settings)
            reason = (state.problem if state else None) or "The tunnel has no address."
            return _Cause(SilenceCause.BROKEN, reason)
        test = await self._test(address)
        try:
            done = await self._repair(address)
        except PostFlowError as error:
            return _Cause(SilenceCause.BROKEN, str(error))
        if done:
            test = await self._test(address)
        if test is None or test.outcome is not SelfTestOutcome.ARRIVED:
            reason = test.says if test else "There is no secret by which a delivery could be signed"
            return _Cause(SilenceCause.BROKEN, f"{reason}.")
        if done:
            return _Cause(SilenceCause.REPAIRED, f"PostFlow {', and '.join(done)}.")
        return _Cause(SilenceCause.WORKS, "")

    async def _test(self, address: str) -> SelfTest | None:
        secret = find_secret(self._settings, address)
        if secret is None:
            return None
        test = await run_self_test(self._store, address=address, secret=secret)
        _log.info("self-test", outcome=test.outcome.value, says=test.says)
        return test

    async def _repair(self, address: str) -> list[str]:
        """Put Frame.io's webhook right, as far as we are signed in; return what was done."""
        if self._frameio is None:
            return []
        upkeep = await keep_webhook(self._frameio, self._settings, address=address)
        return list(upkeep.done)

    def _plan(self, after: timedelta) -> tuple[SilenceStep, datetime | None]:
        """Return what is to be done now, and since when nothing came."""
        with self._store.reading() as session:
            silence = load_silence(session)
        return silence.plan_step(after=after, now=self._clock()), silence.since

    def _tell(self, since: datetime, found: _Cause) -> None:
        _log.warning(
            "no webhook for long",
            since=since.isoformat(),
            cause=found.cause.value,
            reason=found.reason,
        )
        payload = {"cause": found.cause.value, "reason": found.reason}
        with self._store.writing() as session:
            announce_silence(session, since=since, now=self._clock(), payload=payload)

    def _tell_end(self) -> None:
        _log.info("webhooks come again")
        with self._store.writing() as session:
            announce_end_of_silence(session, now=self._clock())
