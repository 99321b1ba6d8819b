"""From announcements to notices: who is told what, and what is told together.

Videos of one batch that reach the same event within `notices.gather_for` are one message to each
receiver; what belongs to no batch is told alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from postflow.domain.announcements import Announcement
from postflow.domain.standing import DecisionSource
from postflow.notices import Receiver
from postflow.settings.sections import NoticeSettings
from postflow.store.batches import find_newest_batch, lock_batch
from postflow.store.notices import gather_notice
from postflow.store.tables import AnnouncementRow

_TOLD = (
    *("filename", "view_url", "path", "who", "comment", "reason", "cause", "minutes", "policy"),
    *("setter", "gap_seconds", "waited_seconds", "deadline", "number", "of", "outcomes"),
    "silent_seconds",
)
"""What of an announcement goes into a notice; the change list of a long review does not."""


def gather_notices(
    session: Session,
    rows: Iterable[AnnouncementRow],
    *,
    settings: NoticeSettings,
    receivers: Sequence[Receiver],
    now: datetime,
) -> None:
    """Make, or add to, the notices of these announcements, once for each of them."""
    if not receivers:
        return
    told = [
        (_find_batch(session, row) or "", row)
        for row in rows
        if row.notified_at is None and _is_for_people(row, settings)
    ]
    # In one order: whoever locks several batches must not meet another who goes the other way.
    for batch_id, row in sorted(told, key=lambda each: each[0]):
        row.notified_at = now
        _gather(session, row, batch_id or None, settings=settings, receivers=receivers, now=now)


def _gather(
    session: Session,
    row: AnnouncementRow,
    batch_id: str | None,
    *,
    settings: NoticeSettings,
    receivers: Sequence[Receiver],
    now: datetime,
) -> None:
    if batch_id is not None:
        lock_batch(session, batch_id)  # two replicas would begin two messages
    for receiver in _pick(receivers, Announcement(row.kind)):
        gather_notice(
            session,
            _make_item(row),
            receiver=receiver.key,
            label=receiver.label,
            kind=row.kind,
            batch_id=batch_id,
            now=now,
            gather_for=settings.gather_for,
        )


def _find_batch(session: Session, row: AnnouncementRow) -> str | None:
    return row.payload.get("batch_id") or find_newest_batch(session, row.upload_id)


def _is_for_people(row: AnnouncementRow, settings: NoticeSettings) -> bool:
    # That silence decided is told with the end of its deadline.
    is_told_already = (
        row.payload.get("source") == DecisionSource.SILENCE
        and Announcement.TIMED_OUT in settings.events
    )
    is_news = not row.payload.get("is_update") and not is_told_already
    return row.kind in settings.events and is_news


def _pick(receivers: Sequence[Receiver], kind: Announcement) -> list[Receiver]:
    """Return who hears of it: of an escalation those named for it, if there are any."""
    is_escalation = kind is Announcement.ESCALATED
    named = [each for each in receivers if each.is_for_escalation == is_escalation]
    return named or (list(receivers) if is_escalation else [])


def _make_item(row: AnnouncementRow) -> dict[str, Any]:
    told = {key: row.payload[key] for key in _TOLD if row.payload.get(key) is not None}
    return {
        "announcement_id": row.id,
        "upload_id": row.upload_id,
        "version": row.version,
        **told,
    }
