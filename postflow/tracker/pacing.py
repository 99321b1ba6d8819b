"""When a file is read again without a webhook, from what happened to it and around it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from postflow.domain.polling import Pace, plan_pause
from postflow.domain.uploads import UploadStatus
from postflow.settings import Settings
from postflow.store.findings import Moments, read_moments
from postflow.store.tables import UploadRow
from postflow.store.uploads import load_version

_WEBHOOK_MAY_BE_LATE = timedelta(minutes=5)
"""Frame.io tries for about four minutes to deliver an event."""


def plan_look(
    session: Session,
    upload: UploadRow,
    *,
    settings: Settings,
    now: datetime,
    is_delivered: bool,
) -> datetime | None:
    """Return when to read the file again even if no webhook says so; None is never."""
    if upload.status == UploadStatus.FAILED or upload.cancelled_at is not None:
        return None
    version = load_version(session, upload)
    last = read_moments(session, upload, missed_before=now - _WEBHOOK_MAY_BE_LATE)
    quiet_since = last.changed_at or version.ready_at or version.created_at
    return now + plan_pause(
        _plan_pace(last, settings),
        is_ready=upload.status == UploadStatus.READY,
        is_delivered=is_delivered,
        quiet_for=now - quiet_since,
        project_quiet_for=now - last.around_at if last.around_at else None,
    )


def read_pace(session: Session, *, settings: Settings, now: datetime) -> Pace:
    """Return how fast to poll: webhooks are counted on as long as they bring what there is."""
    last = read_moments(session, missed_before=now - _WEBHOOK_MAY_BE_LATE)
    return _plan_pace(last, settings)


def _plan_pace(last: Moments, settings: Settings) -> Pace:
    tracker = settings.tracker
    if settings.webhook.enabled and _are_webhooks_heard(last):
        slowest = max(tracker.reconcile_every, tracker.poll_every)
        return Pace(fastest=tracker.poll_every, slowest=slowest)
    fastest = min(tracker.poll_every, tracker.poll_every_without_webhook)
    return Pace(fastest=fastest, slowest=tracker.poll_every)


def _are_webhooks_heard(last: Moments) -> bool:
    """Whether one has ever arrived, and polling has found nothing since that it did not bring."""
    if last.received_at is None:
        return False
    return last.missed_at is None or last.missed_at <= last.received_at
