"""Waking flow runs: every wait that has its answer is tried again until its flow closes it.

Prefect answers a resume that comes too early with 200 and forgets it, and restarts nothing that
died; so a resume is a hint, the store is the record, and this loop is what makes it certain.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from postflow.errors import PrefectUnavailableError
from postflow.settings import Settings
from postflow.store.database import Store
from postflow.tracker.batches import BatchReviver
from postflow.tracker.outbox import Due, Outbox
from postflow.tracker.ports import Clock, FlowRuns
from postflow.tracker.prefect_presence import PrefectPresence
from postflow.tracker.reviving import Reviver
from postflow.tracker.waking import Waker


class Resumer:
    """Brings back the flow runs that are owed a wake-up, and those whose process died."""

    def __init__(
        self,
        *,
        store: Store,
        flow_runs: FlowRuns,
        settings: Settings,
        clock: Clock,
        prefect: PrefectPresence | None = None,
    ) -> None:
        self._prefect = prefect or PrefectPresence()
        self._outbox = Outbox(store=store, settings=settings, clock=clock)
        self._reviver = Reviver(
            outbox=self._outbox, flow_runs=flow_runs, settings=settings, clock=clock
        )
        self._waker = Waker(
            outbox=self._outbox,
            flow_runs=flow_runs,
            reviver=self._reviver,
            settings=settings,
            prefect=self._prefect,
        )
        self._batches = BatchReviver(
            store=store, flow_runs=flow_runs, settings=settings, clock=clock
        )

    async def run_once(self) -> int:
        """Do once all that the tracker's loops do; return how many were owed a wake-up."""
        await asyncio.to_thread(self._outbox.apply_deadlines)
        count = await self.wake_due() + await self._waker.wake_again()
        await self._bring_back()
        return count

    async def look_after(self) -> int:
        """Let deadlines pass, call again who was called before, and bring back what died.

        Returns of how many uploads something was due. Apart from waking whom nobody has called
        yet, so that neither reminders nor runs that are slow to start hold up a verdict.
        """
        count = await asyncio.to_thread(self._outbox.apply_deadlines)
        await self._waker.wake_again()
        await self._bring_back()
        return count

    async def wake_due(self) -> int:
        """Wake those that are due and that nobody has called yet; return how many that were."""
        return await self._waker.wake_due()

    def hand_over(self, due: Iterable[Due]) -> None:
        """Take who became due just now, so that the next `wake_beside` calls them before it looks."""
        self._waker.hand_over(due)

    async def wake_beside(self, tasks: asyncio.TaskGroup) -> int:
        """As `wake_due`, but those that become due meanwhile need not wait for these."""
        return await self._waker.wake_beside(tasks)

    async def _bring_back(self) -> None:
        try:
            await self._reviver.revive()
            await self._batches.run_once()
            await self._reviver.sweep()
        except PrefectUnavailableError as error:
            self._prefect.note_away(str(error))
