"""Sending announcements: to Prefect as events, to people as notices; at least once each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog

from postflow.errors import PostFlowError
from postflow.store.announcements import Announcement, list_unsent, note_sent, note_unsent
from postflow.store.database import Store
from postflow.store.flow_runs import last_attempt
from postflow.store.tables import AnnouncementRow
from postflow.tracker.ports import Clock, FlowRuns
from postflow.tracker.verdict_artifacts import list_artifacts

_FOR_PEOPLE = frozenset(
    {
        Announcement.REJECTED,
        Announcement.TIMED_OUT,
        Announcement.RECALLED,
        Announcement.FAILED,
        Announcement.STUCK,
    }
)
_LONGEST_RETRY = timedelta(minutes=10)
_log = structlog.get_logger("postflow.announcer")

Notify = Callable[[str, str], None]
"""Tells people: a title and a text."""


class Announcer:
    """Empties the outbox of announcements."""

    def __init__(
        self, *, store: Store, flow_runs: FlowRuns, notify: Notify | None, clock: Clock
    ) -> None:
        self._store = store
        self._flow_runs = flow_runs
        self._notify = notify
        self._clock = clock

    async def run_once(self) -> int:
        """Send what is to be sent by now; return how many announcements arrived."""
        rows = await asyncio.to_thread(self._list_unsent)
        sent = 0
        for row in rows:
            try:
                await self._send(row)
            except PostFlowError as error:
                _log.warning("not announced", upload_id=row.upload_id, error=str(error))
                await asyncio.to_thread(self._postpone, row, error)
            else:
                await asyncio.to_thread(self._mark, row)
                sent += 1
        return sent

    async def _send(self, row: AnnouncementRow) -> None:
        flow_run_id = await asyncio.to_thread(self._find_run, row)
        await self._flow_runs.emit(
            event_id=row.id,
            name=f"postflow.upload.{row.kind}",
            upload_id=row.upload_id,
            payload={"upload_id": row.upload_id, "version": row.version, **row.payload},
            occurred=row.created_at,
            flow_run_id=flow_run_id,
        )
        for artifact in list_artifacts(row, flow_run_id=flow_run_id):
            await self._flow_runs.publish(artifact)
        if self._notify is not None and row.kind in _FOR_PEOPLE:
            await asyncio.to_thread(self._notify, *render_notice(row))

    def _find_run(self, row: AnnouncementRow) -> str | None:
        with self._store.reading() as session:
            run = last_attempt(session, row.upload_id, row.version)
            return run.flow_run_id if run else None

    def _list_unsent(self) -> list[AnnouncementRow]:
        with self._store.reading() as session:
            return list_unsent(session, now=self._clock())

    def _mark(self, row: AnnouncementRow) -> None:
        with self._store.writing() as session:
            note_sent(session, row.id, now=self._clock())

    def _postpone(self, row: AnnouncementRow, error: PostFlowError) -> None:
        wait = min(timedelta(seconds=2) * 2 ** min(row.attempts, 10), _LONGEST_RETRY)
        with self._store.writing() as session:
            note_unsent(session, row.id, error=str(error), try_at=self._clock() + wait)


def render_notice(row: AnnouncementRow) -> tuple[str, str]:
    """Return the title and the text by which people learn of an announcement."""
    name = row.payload.get("filename", row.upload_id)
    titles = {
        Announcement.REJECTED: f"{name}: changes requested",
        Announcement.TIMED_OUT: f"{name}: nobody decided in time",
        Announcement.RECALLED: f"{name}: rejected after delivery",
        Announcement.FAILED: f"{name}: failed",
        Announcement.STUCK: f"{name}: its flow run cannot be brought back",
    }
    title = titles.get(Announcement(row.kind), f"{name}: {row.kind}")
    who, reason = row.payload.get("who"), row.payload.get("reason")
    text = f"{who}: {reason}" if who else str(reason or "See `postflow explain`.")
    return title, f"{text} (upload {row.upload_id}, version {row.version})"
