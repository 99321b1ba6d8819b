"""The resumer's side of the store: who is owed a wake-up, who is silent, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session

from postflow.domain.runs import RunState
from postflow.errors import StoreUnavailableError
from postflow.settings import Settings
from postflow.settings.review import ReviewSettings
from postflow.store.announcements import Announcement, announce
from postflow.store.batches import announce_decided_batches, list_missed_batches
from postflow.store.database import Store
from postflow.store.flow_runs import (
    expect_sign_of_life,
    finish_run,
    list_expired_runs,
    load_run,
    note_end_is_known,
    note_restart,
    renew_lease,
)
from postflow.store.review_deadlines import list_due_deadlines, plan_anew
from postflow.store.tables import UploadRow, WaitRow
from postflow.store.uploads import list_past_undo, load_upload
from postflow.store.waits import (
    abandon_waits,
    list_due_waits,
    list_marked_waits,
    list_open_waits,
    list_unanswered_waits,
    list_uploads_with_expired_waits,
    mark_due_waits,
    read_answer,
)
from postflow.store.wake_ups import note_attempt
from postflow.tracker.deadlines import apply_deadlines
from postflow.tracker.ports import Clock

_log = structlog.get_logger("postflow.outbox")
_NOTES = {
    RunState.CANCELLED: "the flow run was cancelled by a person",
    RunState.MISSING: "Prefect does not know the flow run any more",
    RunState.FINISHED: "the flow run ended without closing its wait",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """A wait that is owed a wake-up."""

    wait_id: int
    upload_id: str
    version: int
    flow_run_id: str
    attempts: int
    restarts: int
    """How often its flow run was restarted when this was read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Silent:
    """A flow run whose lease has run out."""

    flow_run_id: str
    upload_id: str
    lease_until: datetime | None
    restarts: int
    end: str | None
    """How it ended by its own word, which Prefect may not have heard."""


class Outbox:
    """Reads and writes what the resumer needs, one transaction each; every method blocks."""

    def __init__(self, *, store: Store, settings: Settings, clock: Clock) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._has_planned = False

    def apply_deadlines(self) -> int:
        """Remind of, escalate and let time out what is late, and release what was not undone.

        Returns how many uploads that were.
        """
        if not self._has_planned:
            with self._store.writing() as session:
                plan_anew(session, now=self._clock())
            self._has_planned = True
        with self._store.reading() as session:
            late = list_uploads_with_expired_waits(session, now=self._clock())
            late += list_due_deadlines(session, now=self._clock())
            late += list_past_undo(session, now=self._clock())
        upload_ids = dict.fromkeys(late)
        for upload_id in upload_ids:
            try:
                self._apply_deadline(upload_id)
            except StoreUnavailableError:
                raise
            except Exception:  # noqa: BLE001 - one upload must not keep the others asleep; it is logged
                _log.exception("deadline not applied, will try again", upload_id=upload_id)
        return len(upload_ids)

    def _apply_deadline(self, upload_id: str) -> None:
        with self._store.writing() as session:
            apply_deadlines(session, upload_id, settings=self._settings, now=self._clock())

    def list_due(self, *, tried: bool) -> list[Due]:
        """Return who is owed a wake-up by now, or one more."""
        with self._store.reading() as session:
            return _make_dues(list_due_waits(session, now=self._clock(), tried=tried))

    def list_waiting(self) -> list[Due]:
        """Return everybody who waits, with an answer or without."""
        with self._store.reading() as session:
            return _make_dues(list_open_waits(session))

    def list_silent(self) -> list[Silent]:
        """Return the runs whose process should have spoken by now, to us or to Prefect."""
        with self._store.reading() as session:
            return [
                Silent(
                    flow_run_id=run.flow_run_id,
                    upload_id=run.upload_id,
                    lease_until=run.lease_until,
                    restarts=run.restarts,
                    end=run.note if run.finished_at is not None else None,
                )
                for run in list_expired_runs(session, now=self._clock())
                if run.flow_run_id is not None
            ]

    def mark_missed_answers(self) -> None:
        """Mark waits due whose answer is there although nothing that made it has marked them.

        For example because the settings have changed; without this they would sleep on. All that
        wait are looked at by one statement, and only what is missed is written.
        """
        with self._store.reading() as session:
            missed = dict.fromkeys(
                upload.upload_id
                for wait, upload in list_unanswered_waits(session)
                if read_answer(wait, upload, self._review_of(upload)) is not None
            )
        for upload_id in missed:
            with self._store.writing() as session:
                upload = load_upload(session, upload_id, lock=True)
                mark_due_waits(session, upload, review=self._review_of(upload), now=self._clock())

    def announce_missed_batches(self) -> None:
        """Announce the batches that are decided although no decision was the last one of them."""
        with self._store.reading() as session:
            upload_ids = list_missed_batches(session)
        for upload_id in upload_ids:
            with self._store.writing() as session:
                upload = load_upload(session, upload_id, lock=True)
                announce_decided_batches(session, upload, now=self._clock())

    def expect_sign_of_life(self, due: Due) -> None:
        """Give a run without a lease the time of one to show that it lives."""
        with self._store.writing() as session:
            expect_sign_of_life(
                session,
                due.flow_run_id,
                upload_id=due.upload_id,
                version=due.version,
                until=self._lease_end(),
                now=self._clock(),
            )

    def count_restart(self, flow_run_id: str, *, seen_restarts: int) -> int:
        """Count a restart; 0 when another tracker was faster."""
        with self._store.writing() as session:
            return note_restart(
                session, flow_run_id, lease_until=self._lease_end(), seen_restarts=seen_restarts
            )

    def release(self, flow_run_id: str, state: RunState) -> None:
        """Stop expecting a sign of life from a suspended run; give a starting one more time."""
        until = None if state is RunState.WAITING else self._lease_end()
        with self._store.writing() as session:
            renew_lease(session, flow_run_id, until=until)

    def note_end_is_known(self, flow_run_id: str) -> None:
        """Let a run be that has finished, now that Prefect knows it."""
        with self._store.writing() as session:
            note_end_is_known(session, flow_run_id)

    def abandon(self, flow_run_id: str, state: RunState) -> None:
        """Close the waits of a run that is over; unless a person ended it, people are told."""
        now, note = self._clock(), _NOTES[state]
        with self._store.writing() as session:
            abandoned = abandon_waits(session, flow_run_id, note=note, now=now)
            run = load_run(session, flow_run_id)
            if run is not None and run.finished_at is None:
                finish_run(session, flow_run_id, note=note, now=now)
            if abandoned and state is not RunState.CANCELLED:
                self._announce_stuck(session, abandoned[0].upload_id, flow_run_id, note)

    def give_up(self, flow_run_id: str, upload_id: str) -> None:
        """Restart a run no more that died too often, and tell people."""
        now, note = self._clock(), "died too often"
        with self._store.writing() as session:
            finish_run(session, flow_run_id, note=note, now=now)
            abandon_waits(session, flow_run_id, note=note, now=now)
            self._announce_stuck(session, upload_id, flow_run_id, note)

    def note(
        self,
        wait_id: int,
        *,
        said: str,
        try_in: timedelta,
        state: RunState | None,
        asked: bool,
        accepted: bool,
    ) -> None:
        """Write down what came of a wake-up and when to look again."""
        now = self._clock()
        with self._store.writing() as session:
            note_attempt(
                session,
                wait_id,
                answer=said,
                try_at=now + try_in,
                now=now,
                state=state,
                asked=asked,
                accepted=accepted,
            )

    def _announce_stuck(
        self, session: Session, upload_id: str, flow_run_id: str, note: str
    ) -> None:
        upload = load_upload(session, upload_id, lock=True)
        told = {"reason": f"{note}; look at it in Prefect, and run the video again."}
        announce(
            session,
            Announcement.STUCK,
            upload,
            now=self._clock(),
            cause=flow_run_id,
            payload=told | {"flow_run_id": flow_run_id},
        )

    def _review_of(self, upload: UploadRow) -> ReviewSettings:
        return self._settings.for_project(upload.project_id).review

    def _lease_end(self) -> datetime:
        return self._clock() + self._settings.tracker.lease


def list_marked(session: Session) -> list[Due]:
    """Return who is owed a wake-up by what this session has decided, once it is committed."""
    return _make_dues(list_marked_waits(session))


def _make_dues(waits: Iterable[tuple[WaitRow, int]]) -> list[Due]:
    return [
        Due(
            wait_id=wait.id or 0,
            upload_id=wait.upload_id,
            version=wait.version,
            flow_run_id=wait.flow_run_id,
            attempts=wait.attempts,
            restarts=restarts,
        )
        for wait, restarts in waits
    ]
