"""What the store knows of the webhooks' silence, and telling of its beginning and its end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, col, select

from postflow.domain.announcements import Announcement
from postflow.domain.webhook_silence import WebhookSilence
from postflow.store.announcements import announce_of_service
from postflow.store.inbox import last_received
from postflow.store.sweeps import oldest_open_review
from postflow.store.tables import AnnouncementRow

_KINDS = (Announcement.WEBHOOK_SILENT, Announcement.WEBHOOK_BACK)


def load_silence(session: Session) -> WebhookSilence:
    """Return when something came last, since when reviews are open, and what people were told."""
    told = _find_told(session)
    return WebhookSilence(
        heard_at=last_received(session),
        open_since=oldest_open_review(session),
        told_at=told.created_at if told else None,
    )


def announce_silence(
    session: Session, *, since: datetime, now: datetime, payload: Mapping[str, object]
) -> None:
    """Say that nothing has come since then; again, it is the same announcement."""
    told = {"since": since.isoformat(), "silent_seconds": (now - since).total_seconds()}
    announce_of_service(
        session,
        Announcement.WEBHOOK_SILENT,
        now=now,
        cause=since.isoformat(),
        payload={**told, **payload},
    )


def announce_end_of_silence(session: Session, *, now: datetime) -> None:
    """Say that webhooks come again, if people know of a silence."""
    told = _find_told(session)
    heard_at = last_received(session)
    if told is None or heard_at is None:
        return
    since = str(told.payload["since"])
    lasted = heard_at - datetime.fromisoformat(since)
    announce_of_service(
        session,
        Announcement.WEBHOOK_BACK,
        now=now,
        cause=since,
        payload={"since": since, "silent_seconds": lasted.total_seconds()},
    )


def _find_told(session: Session) -> AnnouncementRow | None:
    """Return the announcement of the silence that is not over yet."""
    statement = (
        select(AnnouncementRow)
        .where(col(AnnouncementRow.kind).in_(_KINDS), AnnouncementRow.upload_id == "")
        .order_by(col(AnnouncementRow.created_at).desc())
        .limit(1)
    )
    newest = session.exec(statement).first()
    is_open = newest is not None and newest.kind == Announcement.WEBHOOK_SILENT
    return newest if is_open else None
