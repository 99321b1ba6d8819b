"""Calling flow runs that are owed a wake-up, and writing down what Prefect said.

Prefect answers a resume that comes too early with 200 and forgets it, so a wait is called again
until its flow run closes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

import structlog

from postflow.domain.runs import ResumeAnswer, RunState
from postflow.errors import PostFlowError, PrefectUnavailableError, StoreUnavailableError
from postflow.settings import Settings
from postflow.tracker.faults import warn
from postflow.tracker.outbox import Due, Outbox
from postflow.tracker.ports import FlowRuns
from postflow.tracker.prefect_presence import PrefectPresence
from postflow.tracker.reviving import Reviver, fetch_states, may_be_known

_LEAVE = timedelta(seconds=15)
"""How long an accepted or running flow run is left alone before it is looked at again."""
_LONGEST_BACK_OFF = timedelta(seconds=60)
_MOST_DOUBLINGS = 5
_AT_ONCE = 8
"""So many flow runs are called at the same time, as many as files are read."""
_log = structlog.get_logger("postflow.resumer")


class Waker:
    """Calls those whose answer is there."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        flow_runs: FlowRuns,
        reviver: Reviver,
        settings: Settings,
        prefect: PrefectPresence,
    ) -> None:
        self._outbox = outbox
        self._flow_runs = flow_runs
        self._reviver = reviver
        self._settings = settings
        self._prefect = prefect
        self._handed: dict[int, Due] = {}
        self._calling: set[int] = set()
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._failed: Exception | None = None

    async def wake_due(self) -> int:
        """Wake those that are due and that nobody has called yet; return how many that were."""
        due = await self._take_due()
        await self._wake_round(due)
        return len(due)

    async def wake_beside(self, tasks: asyncio.TaskGroup) -> int:
        """As `wake_due`, but those that become due meanwhile need not wait for these.

        What went wrong in a round is raised by the next call, so that the caller can pause.
        """
        if self._failed is not None:
            failed, self._failed = self._failed, None
            self._handed.clear()  # who is still due after the pause is in the store
            raise failed
        handed = self._take(list(self._handed.values()))
        if handed:
            tasks.create_task(self._wake_aside(handed))
        due = await self._take_due()
        if due:
            tasks.create_task(self._wake_aside(due))
        return len(handed) + len(due)

    def hand_over(self, due: Iterable[Due]) -> None:
        """Take who became due just now: the next `wake_beside` calls them before it looks."""
        self._handed |= {wait.wait_id: wait for wait in due if wait.wait_id not in self._calling}

    async def _wake_aside(self, due: Sequence[Due]) -> None:
        try:
            await self._wake_round(due)
        except Exception as error:  # noqa: BLE001 - kept for the next call; they are due until then
            self._failed = error

    async def _take_due(self) -> list[Due]:
        called = frozenset(self._calling)  # before looking: who is done by then is seen as done
        listed = await asyncio.to_thread(self._outbox.list_due, tried=False)
        return self._take(wait for wait in listed if wait.wait_id not in called)

    def _take(self, due: Iterable[Due]) -> list[Due]:
        """Keep to itself whom it calls, and leave out whom it is calling already."""
        taken = [wait for wait in due if wait.wait_id not in self._calling]
        for wait in taken:
            self._calling.add(wait.wait_id)
            self._handed.pop(wait.wait_id, None)
        return taken

    async def _wake_round(self, due: Sequence[Due]) -> None:
        try:
            await self._wake_all(due, {}, turns=self._turns)
        finally:
            self._calling -= {wait.wait_id for wait in due}

    async def wake_again(self) -> int:
        """Call again who was called before, one after the other: first calls go before."""
        due = await asyncio.to_thread(self._outbox.list_due, tried=True)
        try:
            states = await fetch_states(self._flow_runs, [wait.flow_run_id for wait in due])
        except PrefectUnavailableError as error:
            await self._give_up_for_now(due, error)
        else:
            await self._wake_all(due, states, turns=asyncio.Semaphore(1))
        return len(due)

    async def _wake_all(
        self, due: Sequence[Due], states: Mapping[str, RunState], *, turns: asyncio.Semaphore
    ) -> None:
        """Wake them all; once Prefect or the store does not answer, nobody else is tried.

        Raises the first error that is not about Prefect's absence, and logs the others.
        """
        stopped: list[PostFlowError] = []

        async def wake(wait: Due) -> None:
            async with turns:
                try:
                    if not stopped:
                        await self._wake(wait, states.get(wait.flow_run_id))
                        return
                except (PrefectUnavailableError, StoreUnavailableError) as error:
                    stopped.append(error)
                if isinstance(stopped[0], PrefectUnavailableError):
                    await self._give_up_for_now([wait], stopped[0])

        ended = await asyncio.gather(*map(wake, due), return_exceptions=True)
        _raise_first([*stopped, *ended])
        if due and not stopped:  # without one Prefect may not have been asked at all
            self._prefect.note_back()

    async def _give_up_for_now(self, due: Sequence[Due], error: PrefectUnavailableError) -> None:
        self._prefect.note_away(str(error))
        for wait in due:
            await self._back_off(wait, error)

    async def _wake(self, due: Due, state: RunState | None) -> None:
        try:
            state = state or await self._ask_first(due)
            if state is not None:
                await self._act(due, state)
        except (PrefectUnavailableError, StoreUnavailableError):
            raise
        except PostFlowError as error:
            # Prefect refuses this one; the others behind it must be woken all the same.
            _log.warning("resume failed", upload_id=due.upload_id, error=str(error))
            await self._back_off(due, error)

    async def _ask_first(self, due: Due) -> RunState | None:
        """Ask for the resume before looking: nearly always the run is suspended, and has it sooner.

        Returns the state of a run that cannot be resumed, to be acted upon; else None.
        """
        if not may_be_known(due.flow_run_id):
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
        return (await fetch_states(self._flow_runs, [flow_run_id]))[flow_run_id]

    async def _act(self, due: Due, state: RunState) -> None:
        if state is RunState.WAITING:
            await self._note_answer(due, await self._flow_runs.resume(due.flow_run_id))
        elif state is RunState.CRASHED:
            await asyncio.to_thread(self._outbox.expect_sign_of_life, due)
            await self._reviver.restart(due.flow_run_id, due.upload_id, seen_restarts=due.restarts)
            await self._note(due, "crashed: started again", state, asked=True, try_in=_LEAVE)
        elif state is RunState.STARTING:
            await self._note(due, "already on its way", state, try_in=_LEAVE)
        elif state is RunState.RUNNING:
            # Between its check and its suspend, or about to close the wait. If its process is
            # dead, its lease runs out and the reviver takes over; so it must hold a lease.
            await asyncio.to_thread(self._outbox.expect_sign_of_life, due)
            await self._note(due, "not suspended yet", state)
        else:
            await asyncio.to_thread(self._outbox.abandon, due.flow_run_id, state)

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


def _raise_first(errors: Iterable[BaseException | None]) -> None:
    """Raise the first of the errors that is not about Prefect's absence, and log the others."""
    left = [each for each in errors if each and not isinstance(each, PrefectUnavailableError)]
    for other in left[1:]:
        if isinstance(other, Exception):
            warn("resume failed", other)
    if left:
        raise left[0]
