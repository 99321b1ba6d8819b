"""When a file is read again without a webhook, from what happened to it and around it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from postflow.domain.polling import Pace, plan_pause
from postflow.domain.uploads import UploadStatus
from postflow.settings import Settings
from postflow.store.deliveries import is_delivered
from postflow.store.findings import last_change, last_missed
from postflow.store.inbox import last_received
from postflow.store.tables import UploadRow
from postflow.store.uploads import load_version

_WEBHOOK_MAY_BE_LATE = timedelta(minutes=5)
"""Frame.io tries for about four minutes to deliver an event."""


def plan_look(
    session: Session, upload: UploadRow, *, settings: Settings, now: datetime
) -> datetime | None:
    """Return when to read the file again even if no webhook says so; None is never."""
    if upload.status == UploadStatus.FAILED or upload.cancelled_at is not None:
        return None
    version = load_version(session, upload)
    changed_at = last_change(session, upload_id=upload.upload_id)
    quiet_since = changed_at or version.ready_at or version.created_at
    around = last_change(session, project_id=upload.project_id) if upload.project_id else None
    return now + plan_pause(
        read_pace(session, settings=settings, now=now),
        is_ready=upload.status == UploadStatus.READY,
        is_delivered=is_delivered(session, upload),
        quiet_for=now - quiet_since,
        project_quiet_for=now - around if around else None,
    )


def read_pace(session: Session, *, settings: Settings, now: datetime) -> Pace:
    """Return how fast to poll: webhooks are counted on as long as they bring what there is."""
    tracker = settings.tracker
    if settings.webhook.enabled and _are_webhooks_heard(session, now=now):
        slowest = max(tracker.reconcile_every, tracker.poll_every)
        return Pace(fastest=tracker.poll_every, slowest=slowest)
    fastest = min(tracker.poll_every, tracker.poll_every_without_webhook)
    return Pace(fastest=fastest, slowest=tracker.poll_every)


def _are_webhooks_heard(session: Session, *, now: datetime) -> bool:
    """Whether one has ever arrived, and polling has found nothing since that it did not bring."""
    heard_at = last_received(session)
    if heard_at is None:
        return False
    missed_at = last_missed(session, before=now - _WEBHOOK_MAY_BE_LATE)
    return missed_at is None or missed_at <= heard_at
