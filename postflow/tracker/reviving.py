"""Bringing back flow runs whose process died, and finding those who wait in vain.

Prefect restarts nothing that died. A run that claims to work holds a lease in the store; one that
is silent for longer is looked at, and now and then everybody who waits.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from postflow.domain.runs import RunState
from postflow.errors import PostFlowError, PrefectUnavailableError
from postflow.settings import Settings
from postflow.tracker.heartbeats import SilenceWatch
from postflow.tracker.outbox import Due, Outbox, Silent
from postflow.tracker.ports import Clock, FlowRuns

_SWEEP_EVERY = timedelta(seconds=60)
_SWEPT_TOGETHER = 200
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_OVER = (RunState.CANCELLED, RunState.FINISHED, RunState.MISSING)
_log = structlog.get_logger("postflow.resumer")


def may_be_known(flow_run_id: str) -> bool:
    """Whether Prefect can know a run of this id: it takes nothing that is no UUID."""
    return _UUID.fullmatch(flow_run_id) is not None


async def fetch_states(flow_runs: FlowRuns, flow_run_ids: Sequence[str]) -> dict[str, RunState]:
    """Return the states; what cannot be the id of a flow run must not spoil the others'."""
    states = dict.fromkeys(flow_run_ids, RunState.MISSING)
    possible = [each for each in flow_run_ids if may_be_known(each)]
    return states | (await flow_runs.fetch_states(possible) if possible else {})


class Reviver:
    """Looks at runs that are silent, and in portions at all that wait."""

    def __init__(
        self, *, outbox: Outbox, flow_runs: FlowRuns, settings: Settings, clock: Clock
    ) -> None:
        self._outbox = outbox
        self._flow_runs = flow_runs
        self._settings = settings
        self._clock = clock
        self._swept_at: datetime | None = None
        self._to_sweep: list[Due] = []
        self._watch = SilenceWatch(patience=2 * settings.tracker.lease_renewal, clock=clock)

    async def revive(self) -> None:
        """Deal with runs that should be alive by their own word and are silent."""
        runs = await asyncio.to_thread(self._outbox.list_silent)
        self._watch.keep({run.flow_run_id: run.lease_until for run in runs})
        if not runs:
            return
        states = await fetch_states(self._flow_runs, [run.flow_run_id for run in runs])
        for run in runs:
            try:
                await self._revive_one(run, states[run.flow_run_id])
            except PrefectUnavailableError:
                raise
            except PostFlowError as error:
                _log.warning("revival failed", upload_id=run.upload_id, error=str(error))

    async def _revive_one(self, run: Silent, state: RunState) -> None:
        is_dead = self._watch.is_dead(run.flow_run_id, state, lease_until=run.lease_until)
        if run.end is not None:
            if is_dead:
                _log.warning(
                    "telling Prefect how a run ended", upload_id=run.upload_id, end=run.end
                )
                await self._flow_runs.end(run.flow_run_id, run.end)
            if is_dead or state is not RunState.RUNNING:
                await asyncio.to_thread(self._outbox.note_end_is_known, run.flow_run_id)
        elif is_dead:
            await self.restart(run.flow_run_id, run.upload_id, seen_restarts=run.restarts)
        elif state in (RunState.WAITING, RunState.STARTING):
            await asyncio.to_thread(self._outbox.release, run.flow_run_id, state)
        elif state in _OVER:
            await asyncio.to_thread(self._outbox.abandon, run.flow_run_id, state)

    async def sweep(self) -> None:
        """Now and then look at everybody who waits: missed answers, runs that are over or dead.

        A run that was woken and died before it could take its lease is missed by nobody else once
        its answer is taken back. Prefect may serve nobody else while it reads many runs, so it is
        asked for some in each round.
        """
        now = self._clock()
        if not self._to_sweep and (self._swept_at is None or now - self._swept_at >= _SWEEP_EVERY):
            self._swept_at = now
            await asyncio.to_thread(self._outbox.mark_missed_answers)
            await asyncio.to_thread(self._outbox.announce_missed_batches)
            self._to_sweep = await asyncio.to_thread(self._outbox.list_waiting)
        waiting, self._to_sweep = self._to_sweep[:_SWEPT_TOGETHER], self._to_sweep[_SWEPT_TOGETHER:]
        states = await fetch_states(self._flow_runs, [wait.flow_run_id for wait in waiting])
        for wait in waiting:
            state = states[wait.flow_run_id]
            if state in _OVER:
                await asyncio.to_thread(self._outbox.abandon, wait.flow_run_id, state)
            elif state in (RunState.CRASHED, RunState.RUNNING):
                await asyncio.to_thread(self._outbox.expect_sign_of_life, wait)

    async def restart(self, flow_run_id: str, upload_id: str, *, seen_restarts: int) -> None:
        """Start a dead run again, unless another tracker has, or it has died too often."""
        count = await asyncio.to_thread(
            self._outbox.count_restart, flow_run_id, seen_restarts=seen_restarts
        )
        if count == 0:
            return
        if count > self._settings.tracker.max_restarts:
            _log.error("giving up a flow run that died too often", upload_id=upload_id)
            await asyncio.to_thread(self._outbox.give_up, flow_run_id, upload_id)
            return
        _log.warning("starting a dead flow run again", upload_id=upload_id, restart=count)
        await self._flow_runs.restart(flow_run_id)
