"""Batches whose process died before all their videos were on their way: their runs come back.

A batch flow does its work again from the first line; what it had registered and started is found.
One that died after its work stays ended: Prefect is told how.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

import structlog

from postflow.domain.runs import RunState
from postflow.errors import PostFlowError, PrefectUnavailableError
from postflow.settings import Settings
from postflow.store.batches import (
    hold_batch,
    list_silent_batches,
    note_batch_restart,
    release_batch,
)
from postflow.store.database import Store
from postflow.tracker.heartbeats import SilenceWatch
from postflow.tracker.ports import Clock, FlowRuns

_log = structlog.get_logger("postflow.resumer")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Silent:
    batch_id: str
    lease_until: datetime | None
    restarts: int
    end: str | None


class BatchReviver:
    """Starts the flow runs of batches again that should be at work and are silent."""

    def __init__(
        self, *, store: Store, flow_runs: FlowRuns, settings: Settings, clock: Clock
    ) -> None:
        self._store, self._flow_runs, self._clock = store, flow_runs, clock
        self._settings = settings.tracker
        self._watch = SilenceWatch(patience=2 * settings.tracker.lease_renewal, clock=clock)

    async def run_once(self) -> None:
        """Look at every silent batch; raises PrefectUnavailableError."""
        silent = await asyncio.to_thread(self._list_silent)
        self._watch.keep({batch.batch_id: batch.lease_until for batch in silent})
        if not silent:
            return
        states = await self._flow_runs.fetch_states([batch.batch_id for batch in silent])
        for batch in silent:
            try:
                await self._act(batch, states[batch.batch_id])
            except PrefectUnavailableError:
                raise
            except PostFlowError as error:
                _log.warning("revival failed", batch_id=batch.batch_id, error=str(error))

    async def _act(self, batch: _Silent, state: RunState) -> None:
        is_dead = self._watch.is_dead(batch.batch_id, state, lease_until=batch.lease_until)
        if state is RunState.STARTING:
            await asyncio.to_thread(self._wait_on, batch.batch_id)
        elif is_dead and batch.end is not None:
            # Not started again: people may have cancelled or moved on since, and it would begin anew.
            _log.warning(
                "telling Prefect how a batch ended", batch_id=batch.batch_id, end=batch.end
            )
            await self._flow_runs.end(batch.batch_id, batch.end)
            await asyncio.to_thread(self._release, batch.batch_id)
        elif is_dead:
            await self._restart(batch)
        elif state is not RunState.RUNNING:
            await asyncio.to_thread(self._release, batch.batch_id)

    async def _restart(self, batch: _Silent) -> None:
        count = await asyncio.to_thread(self._count_restart, batch)
        if count == 0:
            return
        if count > self._settings.max_restarts:
            _log.error("giving up a batch that died too often", batch_id=batch.batch_id)
            await asyncio.to_thread(self._release, batch.batch_id)
            return
        _log.warning("starting a dead batch again", batch_id=batch.batch_id, restart=count)
        await self._flow_runs.restart(batch.batch_id)

    def _list_silent(self) -> list[_Silent]:
        with self._store.reading() as session:
            return [
                _Silent(
                    batch_id=row.batch_id,
                    lease_until=row.lease_until,
                    restarts=row.restarts,
                    end=row.end,
                )
                for row in list_silent_batches(session, now=self._clock())
            ]

    def _wait_on(self, batch_id: str) -> None:
        with self._store.writing() as session:
            hold_batch(session, batch_id, lease_until=self._lease_end(), now=self._clock())

    def _release(self, batch_id: str) -> None:
        with self._store.writing() as session:
            release_batch(session, batch_id)

    def _count_restart(self, batch: _Silent) -> int:
        with self._store.writing() as session:
            return note_batch_restart(
                session,
                batch.batch_id,
                lease_until=self._lease_end(),
                seen_restarts=batch.restarts,
            )

    def _lease_end(self) -> datetime:
        return self._clock() + self._settings.lease
