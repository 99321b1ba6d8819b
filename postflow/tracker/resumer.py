"""Waking flow runs: every wait that has its answer is tried again until its flow closes it.

Prefect answers a resume that comes too early with 200 and forgets it, and restarts nothing that
died; so a resume is a hint, the store is the record, and this loop is what makes it certain.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from postflow.domain.runs import ResumeAnswer, RunState
from postflow.errors import PostFlowError, PrefectUnavailableError
from postflow.settings import Settings
from postflow.store.database import Store
from postflow.tracker.batches import BatchReviver
from postflow.tracker.heartbeats import SilenceWatch
from postflow.tracker.outbox import Due, Outbox, Silent
from postflow.tracker.ports import Clock, FlowRuns
from postflow.tracker.prefect_presence import PrefectPresence

_LEAVE = timedelta(seconds=15)
"""How long an accepted or running flow run is left alone before it is looked at again."""
_LONGEST_BACK_OFF = timedelta(seconds=60)
_MOST_DOUBLINGS = 5
_SWEEP_EVERY = timedelta(seconds=60)
_SWEPT_TOGETHER = 50
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_OVER = (RunState.CANCELLED, RunState.FINISHED, RunState.MISSING)
_log = structlog.get_logger("postflow.resumer")


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
        self._flow_runs = flow_runs
        self._settings = settings
        self._clock = clock
        self._swept_at: datetime | None = None
        self._to_sweep: list[Due] = []
        self._watch = SilenceWatch(patience=2 * settings.tracker.lease_renewal, clock=clock)
        self._batches = BatchReviver(
            store=store, flow_runs=flow_runs, settings=settings, clock=clock
        )

    async def run_once(self) -> int:
        """Do once all that the tracker's loops do; return how many were owed a wake-up."""
        await asyncio.to_thread(self._outbox.apply_deadlines)
        count = await self.wake_due() + await self._wake_again()
        await self._bring_back()
        return count

    async def look_after(self) -> int:
        """Let deadlines pass, call again who was called before, and bring back what died.

        Returns of how many uploads something was due. Apart from waking whom nobody has called
        yet, so that neither reminders nor runs that are slow to start hold up a verdict.
        """
        count = await asyncio.to_thread(self._outbox.apply_deadlines)
        await self._wake_again()
        await self._bring_back()
        return count

    async def wake_due(self) -> int:
        """Wake those that are due and that nobody has called yet; return how many that were."""
        return await self._wake_all(await asyncio.to_thread(self._outbox.list_due, tried=False))

    async def _wake_again(self) -> int:
        return await self._wake_all(await asyncio.to_thread(self._outbox.list_due, tried=True))

    async def _wake_all(self, due: Sequence[Due]) -> int:
        left = list(due)
        try:
            states = await self._fetch_states([wait.flow_run_id for wait in due if wait.attempts])
            while left:
                await self._wake(left[0], states.get(left[0].flow_run_id))
                left.pop(0)
        except PrefectUnavailableError as error:
            self._prefect.note_away(str(error))
            for wait in left:
                await self._back_off(wait, error)
        else:
            if due:  # without one Prefect may not have been asked at all
                self._prefect.note_back()
        return len(due)

    async def _bring_back(self) -> None:
        try:
            await self._revive(await asyncio.to_thread(self._outbox.list_silent))
            await self._batches.run_once()
            await self._sweep()
        except PrefectUnavailableError as error:
            self._prefect.note_away(str(error))

    async def _wake(self, due: Due, state: RunState | None) -> None:
        try:
            state = state or await self._ask_first(due)
            if state is not None:
                await self._act(due, state)
        except PrefectUnavailableError:
            raise
        except PostFlowError as error:
            # Prefect refuses this one; the others behind it must be woken all the same.
            _log.warning("resume failed", upload_id=due.upload_id, error=str(error))
            await self._back_off(due, error)

    async def _ask_first(self, due: Due) -> RunState | None:
        """Ask for the resume before looking: nearly always the run is suspended, and has it sooner.

        Returns the state of a run that cannot be resumed, to be acted upon; else None.
        """
        if not _UUID.fullmatch(due.flow_run_id):
            return RunState.MISSING
        try:
            answer = await self._flow_runs.resume(due.flow_run_id)
        except PrefectUnavailableError:
            raise
        except PostFlowError:
            return await self._fetch_state(due.flow_run_id)
        if not answer.accepted:
            state = await self._fetch_state(due.flow_run_id)
            if state is not RunState.WAITING:
                return state
        await self._note_answer(due, answer)
        return None

    async def _fetch_state(self, flow_run_id: str) -> RunState:
        return (await self._fetch_states([flow_run_id]))[flow_run_id]

    async def _fetch_states(self, flow_run_ids: Sequence[str]) -> dict[str, RunState]:
        """Return the states; what cannot be the id of a flow run must not spoil the others'."""
        states = dict.fromkeys(flow_run_ids, RunState.MISSING)
        possible = [each for each in flow_run_ids if _UUID.fullmatch(each)]
        return states | (await self._flow_runs.fetch_states(possible) if possible else {})

    async def _act(self, due: Due, state: RunState) -> None:
        if state is RunState.WAITING:
            await self._note_answer(due, await self._flow_runs.resume(due.flow_run_id))
        elif state is RunState.CRASHED:
            await asyncio.to_thread(self._outbox.expect_sign_of_life, due)
            await self._restart(due.flow_run_id, due.upload_id, seen_restarts=due.restarts)
            await self._note(due, "crashed: started again", state, asked=True, try_in=_LEAVE)
        elif state is RunState.STARTING:
            await self._note(due, "already on its way", state, try_in=_LEAVE)
        elif state is RunState.RUNNING:
            # Between its check and its suspend, or about to close the wait. If its process is
            # dead, its lease runs out and `_revive` takes over; so it must hold a lease.
            await asyncio.to_thread(self._outbox.expect_sign_of_life, due)
            await self._note(due, "not suspended yet", state)
        else:
            await asyncio.to_thread(self._outbox.abandon, due.flow_run_id, state)

    async def _revive(self, runs: Sequence[Silent]) -> None:
        """Deal with runs that should be alive by their own word and are silent."""
        self._watch.keep({run.flow_run_id: run.lease_until for run in runs})
        if not runs:
            return
        states = await self._fetch_states([run.flow_run_id for run in runs])
        for run in runs:
            try:
                await self._revive_one(run, states[run.flow_run_id])
            except PrefectUnavailableError:
                raise
            except PostFlowError as error:
                _log.warning("revival failed", upload_id=run.upload_id, error=str(error))

    async def _revive_one(self, run: Silent, state: RunState) -> None:
        is_dead = state is RunState.CRASHED or (
            state is RunState.RUNNING and self._watch.is_dead(run.flow_run_id, run.lease_until)
        )
        if run.end is not None:
            if is_dead:
                _log.warning(
                    "telling Prefect how a run ended", upload_id=run.upload_id, end=run.end
                )
                await self._flow_runs.end(run.flow_run_id, run.end)
            if is_dead or state is not RunState.RUNNING:
                await asyncio.to_thread(self._outbox.note_end_is_known, run.flow_run_id)
        elif is_dead:
            await self._restart(run.flow_run_id, run.upload_id, seen_restarts=run.restarts)
        elif state in (RunState.WAITING, RunState.STARTING):
            await asyncio.to_thread(self._outbox.release, run.flow_run_id, state)
        elif state in _OVER:
            await asyncio.to_thread(self._outbox.abandon, run.flow_run_id, state)

    async def _sweep(self) -> None:
        """Now and then look at everybody who waits: missed answers, runs that are over or dead.

        A run that was woken and died before it could take its lease is missed by nobody else once
        its answer is taken back. Prefect serves nobody else while it reads many runs, so it is
        asked for some in each round.
        """
        now = self._clock()
        if not self._to_sweep and (self._swept_at is None or now - self._swept_at >= _SWEEP_EVERY):
            self._swept_at = now
            await asyncio.to_thread(self._outbox.mark_missed_answers)
            await asyncio.to_thread(self._outbox.announce_missed_batches)
            self._to_sweep = await asyncio.to_thread(self._outbox.list_waiting)
        waiting, self._to_sweep = self._to_sweep[:_SWEPT_TOGETHER], self._to_sweep[_SWEPT_TOGETHER:]
        states = await self._fetch_states([wait.flow_run_id for wait in waiting])
        for wait in waiting:
            state = states[wait.flow_run_id]
            if state in _OVER:
                await asyncio.to_thread(self._outbox.abandon, wait.flow_run_id, state)
            elif state in (RunState.CRASHED, RunState.RUNNING):
                await asyncio.to_thread(self._outbox.expect_sign_of_life, wait)

    async def _restart(self, flow_run_id: str, upload_id: str, *, seen_restarts: int) -> None:
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

    async def _back_off(self, due: Due, error: PostFlowError) -> None:
        wait = self._settings.tracker.resume_every * int(2 ** min(due.attempts, _MOST_DOUBLINGS))
        await self._note(due, str(error), None, try_in=min(wait, _LONGEST_BACK_OFF))

    async def _note_answer(self, due: Due, answer: ResumeAnswer) -> None:
        _log.info("resume", upload_id=due.upload_id, said=answer.said)
        await self._note(due, answer.said, RunState.WAITING, asked=True, accepted=answer.accepted)

    async def _note(
        self,
        due: Due,
        said: str,
        state: RunState | None,
        *,
        asked: bool = False,
        accepted: bool = False,
        try_in: timedelta | None = None,
    ) -> None:
        pause = try_in or (_LEAVE if accepted else self._settings.tracker.resume_every)
        await asyncio.to_thread(
            self._outbox.note,
            due.wait_id,
            said=said,
            try_in=pause,
            state=state,
            asked=asked,
            accepted=accepted,
        )
