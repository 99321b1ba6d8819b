"""Sending notices to people: begun on record, at most once unless their receiver refuses them.

A loop of its own: neither a slow mail server nor an absent Prefect holds the other up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog

from postflow.domain.announcements import Announcement
from postflow.errors import PostFlowError
from postflow.notices import Receiver
from postflow.settings.sections import NoticeSettings
from postflow.store.database import Store
from postflow.store.notices import (
    claim_notice,
    has_due_notices,
    has_left_notices,
    mark_unconfirmed,
    note_notice_refused,
    note_notice_sent,
)
from postflow.store.tables import NoticeRow
from postflow.tracker.notice_texts import render_notice
from postflow.tracker.ports import Clock

_MOST_ATTEMPTS = 8
_FIRST_RETRY = timedelta(seconds=10)
_LONGEST_SENDING = timedelta(minutes=2)
"""Far longer than apprise waits for one address; whoever sent it must have died by then."""
_log = structlog.get_logger("postflow.notifier")


class Notifier:
    """Empties the outbox of notices."""

    def __init__(
        self, *, store: Store, settings: NoticeSettings, receivers: Sequence[Receiver], clock: Clock
    ) -> None:
        self._store = store
        self._settings = settings
        self._receivers = {each.key: each for each in receivers}
        self._clock = clock

    async def run_once(self) -> int:
        """Send what is due by now, one after the other; return how many notices arrived."""
        await asyncio.to_thread(self._mark_unconfirmed)
        count = 0
        while (row := await asyncio.to_thread(self._claim)) is not None:
            count += await asyncio.to_thread(self._send, row)
        return count

    def _claim(self) -> NoticeRow | None:
        now = self._clock()
        with self._store.reading() as session:
            if not has_due_notices(session, now=now):
                return None
        with self._store.writing() as session:
            row = claim_notice(session, now=now)
            if row is not None:
                row.title, row.text = render_notice(
                    Announcement(row.kind),
                    row.items,
                    batch_id=row.batch_id,
                    language=self._settings.language,
                )
            return row

    def _send(self, row: NoticeRow) -> bool:
        receiver = self._receivers.get(row.receiver)
        if receiver is None:
            self._give_up(row, "its address is not in the settings any more")
            return False
        try:
            receiver.send(row.title, row.text)
        except PostFlowError as error:
            self._retry(row, str(error))
            return False
        with self._store.writing() as session:
            note_notice_sent(session, row.id or 0, now=self._clock())
        return True

    def _retry(self, row: NoticeRow, error: str) -> None:
        if row.attempts >= _MOST_ATTEMPTS:
            self._give_up(row, error)
            return
        _log.warning("notice refused", receiver=row.receiver_label, error=error)
        now = self._clock()
        wait = _FIRST_RETRY * int(2 ** (row.attempts - 1))
        with self._store.writing() as session:
            note_notice_refused(session, row.id or 0, error=error, send_at=now + wait, now=now)

    def _give_up(self, row: NoticeRow, error: str) -> None:
        _log.error("notice given up", receiver=row.receiver_label, title=row.title, error=error)
        with self._store.writing() as session:
            note_notice_refused(session, row.id or 0, error=error, send_at=None, now=self._clock())

    def _mark_unconfirmed(self) -> None:
        now = self._clock()
        begun_before = now - _LONGEST_SENDING
        with self._store.reading() as session:
            if not has_left_notices(session, begun_before=begun_before):
                return
        with self._store.writing() as session:
            count = mark_unconfirmed(session, begun_before=begun_before, now=now)
        _log.warning("notices unconfirmed, `postflow notices --problems` lists them", count=count)
