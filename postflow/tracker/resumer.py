"""Waking flow runs: every wait that has its answer is tried again until its flow closes it.

Prefect answers a resume that comes too early with 200 and forgets it, and restarts nothing that
died; so a resume is a hint, the store is the record, and this loop is what makes it certain.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, assert_never

import structlog

from postflow.domain.runs import RunState
from postflow.errors import PrefectUnavailableError
from postflow.settings import Settings
from postflow.store.announcements import Announcement, announce
from postflow.store.database import Store
from postflow.store.flow_runs import finish_run, list_expired_runs, note_restart, renew_lease
from postflow.store.tables import FlowRunRow, WaitRow
from postflow.store.uploads import load_upload
from postflow.store.waits import (
    abandon_waits,
    list_due_waits,
    list_expired_waits,
    list_open_waits,
    note_attempt,
)
from postflow.tracker.applying import apply_deadlines
from postflow.tracker.ports import Clock, FlowRuns

_LEAVE = timedelta(seconds=15)
"""How long an accepted or running flow run is left alone before it is looked at again."""
_LONGEST_BACK_OFF = timedelta(seconds=60)
_SWEEP_EVERY = timedelta(seconds=60)
_OVER = (RunState.CANCELLED, RunState.FINISHED, RunState.MISSING)
_log = structlog.get_logger("postflow.resumer")


class _Due(NamedTuple):
    wait_id: int
    upload_id: str
    flow_run_id: str
    attempts: int


class Resumer:
    """Brings back the flow runs that are owed a wake-up, and those whose process died."""

    def __init__(
        self, *, store: Store, flow_runs: FlowRuns, settings: Settings, clock: Clock
    ) -> None:
        self._store = store
        self._flow_runs = flow_runs
        self._settings = settings
        self._clock = clock
        self._swept_at: datetime | None = None

    async def run_once(self) -> int:
        """Let deadlines pass, wake what is due, bring back what died; return how many were due."""
        await asyncio.to_thread(self._apply_deadlines)
        due = await asyncio.to_thread(self._list_due)
        try:
            await self._wake(due)
            await self._revive(await asyncio.to_thread(self._list_expired))
            await self._sweep()
        except PrefectUnavailableError as error:
            _log.warning("Prefect unreachable", waiting=len(due), error=str(error))
            for wait in due:
                back_off = self._settings.tracker.resume_every * 2 ** min(wait.attempts, 5)
                await self._note(wait, str(error), try_in=min(back_off, _LONGEST_BACK_OFF))
        return len(due)

    async def _wake(self, due: Sequence[_Due]) -> None:
        if not due:
            return
        states = await self._flow_runs.fetch_states([wait.flow_run_id for wait in due])
        for wait in due:
            await self._act(wait, states[wait.flow_run_id])

    async def _sweep(self) -> None:
        """Notice the runs that somebody ended in Prefect while they waited."""
        now = self._clock()
        if self._swept_at is not None and now - self._swept_at < _SWEEP_EVERY:
            return
        self._swept_at = now
        waiting = await asyncio.to_thread(self._list_waiting)
        states = await self._flow_runs.fetch_states(waiting)
        for flow_run_id, state in states.items():
            if state in _OVER:
                await asyncio.to_thread(self._abandon, flow_run_id, state)

    async def _act(self, due: _Due, state: RunState) -> None:
        match state:
            case RunState.WAITING:
                answer = await self._flow_runs.resume(due.flow_run_id)
                _log.info("resume", upload_id=due.upload_id, said=answer.said)
                await self._note(due, answer.said, accepted=answer.accepted)
            case RunState.CRASHED:
                await self._restart(due.flow_run_id, due.upload_id)
                await self._note(due, "crashed: started again", try_in=_LEAVE)
            case RunState.STARTING:
                await self._note(due, "already on its way", try_in=_LEAVE)
            case RunState.RUNNING:
                # Between its check and its suspend, or about to close the wait; if its process is
                # dead, its lease runs out and `_revive` takes over.
                await self._note(due, "not suspended yet")
            case RunState.CANCELLED | RunState.FINISHED | RunState.MISSING:
                await asyncio.to_thread(self._abandon, due.flow_run_id, state)
            case _:
                assert_never(state)

    async def _revive(self, runs: Sequence[FlowRunRow]) -> None:
        """Deal with runs that should be alive by their own word and are silent."""
        if not runs:
            return
        states = await self._flow_runs.fetch_states([run.flow_run_id or "" for run in runs])
        for run in runs:
            flow_run_id = run.flow_run_id or ""
            state = states[flow_run_id]
            if state in (RunState.RUNNING, RunState.CRASHED):
                await self._restart(flow_run_id, run.upload_id)
            elif state in (RunState.WAITING, RunState.STARTING):
                await asyncio.to_thread(self._release, flow_run_id, state)
            else:
                await asyncio.to_thread(self._abandon, flow_run_id, state)

    async def _restart(self, flow_run_id: str, upload_id: str) -> None:
        count = await asyncio.to_thread(self._count_restart, flow_run_id)
        if count > self._settings.tracker.max_restarts:
            await asyncio.to_thread(self._give_up, flow_run_id, upload_id)
            return
        _log.warning("starting a dead flow run again", upload_id=upload_id, restart=count)
        await self._flow_runs.restart(flow_run_id)

    async def _note(
        self,
        due: _Due,
        said: str,
        *,
        accepted: bool = False,
        try_in: timedelta | None = None,
    ) -> None:
        def note() -> None:
            now = self._clock()
            pause = try_in or (_LEAVE if accepted else self._settings.tracker.resume_every)
            with self._store.writing() as session:
                note_attempt(
                    session,
                    due.wait_id,
                    answer=said,
                    accepted_at=now if accepted else None,
                    try_at=now + pause,
                )

        await asyncio.to_thread(note)

    def _apply_deadlines(self) -> None:
        with self._store.reading() as session:
            if not list_expired_waits(session, now=self._clock()):
                return
        with self._store.writing() as session:
            apply_deadlines(session, settings=self._settings, now=self._clock())

    def _list_due(self) -> list[_Due]:
        with self._store.reading() as session:
            return [_due(wait) for wait in list_due_waits(session, now=self._clock())]

    def _list_waiting(self) -> list[str]:
        with self._store.reading() as session:
            return [wait.flow_run_id for wait in list_open_waits(session)]

    def _list_expired(self) -> list[FlowRunRow]:
        with self._store.reading() as session:
            return list_expired_runs(session, now=self._clock())

    def _count_restart(self, flow_run_id: str) -> int:
        with self._store.writing() as session:
            return note_restart(session, flow_run_id, lease_until=self._lease_end())

    def _release(self, flow_run_id: str, state: RunState) -> None:
        """Stop expecting a sign of life from a suspended run; give a starting one more time."""
        until = None if state is RunState.WAITING else self._lease_end()
        with self._store.writing() as session:
            renew_lease(session, flow_run_id, until=until)

    def _abandon(self, flow_run_id: str, state: RunState) -> None:
        now = self._clock()
        note = {
            RunState.CANCELLED: "the flow run was cancelled by a person",
            RunState.MISSING: "Prefect does not know the flow run any more",
        }.get(state, "the flow run ended without closing its wait")
        with self._store.writing() as session:
            abandon_waits(session, flow_run_id, note=note, now=now)
            finish_run(session, flow_run_id, note=note, now=now)

    def _give_up(self, flow_run_id: str, upload_id: str) -> None:
        now = self._clock()
        with self._store.writing() as session:
            finish_run(session, flow_run_id, note="died too often", now=now)
            abandon_waits(session, flow_run_id, note="died too often", now=now)
            upload = load_upload(session, upload_id)
            announce(session, Announcement.STUCK, upload, now=now, cause=flow_run_id)

    def _lease_end(self) -> datetime:
        return self._clock() + self._settings.tracker.lease


def _due(wait: WaitRow) -> _Due:
    return _Due(wait.id or 0, wait.upload_id, wait.flow_run_id, wait.attempts)
