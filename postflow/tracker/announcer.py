"""Handing announcements on: to the notices for people, and to Prefect as events, at least once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog

from postflow.domain.announcements import OF_SERVICE
from postflow.errors import PrefectUnavailableError
from postflow.notices import Receiver
from postflow.settings.sections import NoticeSettings
from postflow.store.announcements import (
    Announcement,
    claim_unsent,
    list_unsent,
    note_sent,
    note_unsent,
)
from postflow.store.database import Store
from postflow.store.flow_runs import find_latest_run, last_attempt
from postflow.store.tables import AnnouncementRow
from postflow.tracker.faults import describe
from postflow.tracker.gathering import gather_notices
from postflow.tracker.ports import Clock, FlowRuns
from postflow.tracker.prefect_presence import PrefectPresence
from postflow.tracker.verdict_artifacts import list_artifacts

_CLAIM_LIMIT = 100
_CLAIM_LEASE = timedelta(seconds=60)
_LONGEST_RETRY = timedelta(minutes=10)
_MOST_DOUBLINGS = 10
_log = structlog.get_logger("postflow.announcer")


class Announcer:
    """Empties the outbox of announcements."""

    def __init__(
        self,
        *,
        store: Store,
        flow_runs: FlowRuns,
        clock: Clock,
        notices: NoticeSettings,
        receivers: Sequence[Receiver] = (),
        prefect: PrefectPresence | None = None,
    ) -> None:
        self._store = store
        self._flow_runs = flow_runs
        self._clock = clock
        self._notices = notices
        self._receivers = receivers
        self._prefect = prefect or PrefectPresence()

    async def run_once(self) -> int:
        """Send what is to be sent by now; return how many announcements arrived.

        One that cannot be sent holds up none of the others, and people are told even while
        Prefect is away.
        """
        rows = await asyncio.to_thread(self._claim)
        sent = 0
        away: PrefectUnavailableError | None = None
        for row in rows:
            error = away or await self._tell_prefect(row)
            if error is None:
                await asyncio.to_thread(self._mark_sent, row)
                sent += 1
                continue
            if isinstance(error, PrefectUnavailableError):
                away = error
            else:
                _log.warning("not announced", upload_id=row.upload_id, error=describe(error))
            await asyncio.to_thread(self._postpone, row, describe(error))
        if away is not None:
            self._prefect.note_away(describe(away))
        elif rows:
            self._prefect.note_back()
        return sent

    async def _tell_prefect(self, row: AnnouncementRow) -> Exception | None:
        """Emit the event and publish what belongs to it; return what went wrong."""
        try:
            await self._emit(row)
        except Exception as error:  # noqa: BLE001 - it is logged, and the row is kept
            return error
        return None

    async def _emit(self, row: AnnouncementRow) -> None:
        flow_run_id = await asyncio.to_thread(self._find_run, row)
        if not row.payload.get("is_update"):
            await self._flow_runs.emit(
                event_id=row.id,
                name=name_event(row),
                upload_id=row.upload_id,
                payload={"upload_id": row.upload_id, "version": row.version, **row.payload},
                occurred=row.created_at,
                flow_run_id=flow_run_id,
            )
        for artifact in list_artifacts(row, flow_run_id=flow_run_id):
            await self._flow_runs.publish(artifact)

    def _find_run(self, row: AnnouncementRow) -> str | None:
        with self._store.reading() as session:
            run = last_attempt(session, row.upload_id, row.version)
            # A run that has gone on with a newer version is the one that this was about, too.
            run = run or find_latest_run(session, row.upload_id)
            return run.flow_run_id if run else None

    def _claim(self) -> list[AnnouncementRow]:
        now = self._clock()
        with self._store.reading() as session:
            if not list_unsent(session, now=now, limit=1):
                return []
        with self._store.writing() as session:
            rows = claim_unsent(session, now=now, limit=_CLAIM_LIMIT, lease=_CLAIM_LEASE)
            gather_notices(
                session, rows, settings=self._notices, receivers=self._receivers, now=now
            )
            return rows

    def _mark_sent(self, row: AnnouncementRow) -> None:
        with self._store.writing() as session:
            note_sent(session, row.id, now=self._clock())

    def _postpone(self, row: AnnouncementRow, reason: str) -> None:
        wait = timedelta(seconds=2) * int(2 ** min(row.attempts, _MOST_DOUBLINGS))
        try_at = self._clock() + min(wait, _LONGEST_RETRY)
        with self._store.writing() as session:
            note_unsent(session, row.id, error=reason, try_at=try_at)


def name_event(row: AnnouncementRow) -> str:
    """Return the name of the Prefect event that automations can react to."""
    if row.kind == Announcement.BATCH_DECIDED:
        return "postflow.batch.decided"
    if row.kind in OF_SERVICE:
        return f"postflow.service.{row.kind}"
    return f"postflow.upload.{row.kind}"
