"""The one read model of every dashboard: totals, who waits, uploads and why, what came in.

Read in one moment of the store; draws nothing. Names and texts in it are other people's words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus
from postflow.settings import Settings
from postflow.store.views import (
    EventView,
    TimelineEntry,
    TrackingStats,
    UploadStatusView,
    WaitingView,
    list_events,
    list_uploads,
    list_waiting,
    tracking_stats,
    upload_status,
)
from postflow.tracker.explaining import ExplanationView, explain_upload


@dataclass(frozen=True, kw_only=True, slots=True)
class Dashboard:
    """Everything on the first page, as it was at `at`."""

    at: datetime
    stats: TrackingStats
    waiting: list[WaitingView]
    uploads: list[UploadStatusView]
    events: list[EventView]
    has_more: bool
    """Whether there are older uploads than these."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadStory:
    """One upload, why its review stands as it does, and all that happened to it."""

    at: datetime
    upload: UploadStatusView
    explained: ExplanationView
    entries: list[TimelineEntry]


def load_dashboard(
    session: Session,
    *,
    now: datetime,
    review_status: ReviewStatus | None = None,
    uploads: int = 50,
    offset: int = 0,
    events: int = 12,
) -> Dashboard:
    """Return what the first page shows; `session` should be a reading one."""
    page = list_uploads(session, review_status=review_status, limit=uploads + 1, offset=offset)
    return Dashboard(
        at=now,
        stats=tracking_stats(session),
        waiting=list_waiting(session),
        uploads=page[:uploads],
        events=list_events(session, limit=events),
        has_more=len(page) > uploads,
    )


def load_story(
    session: Session, upload_id: str, *, settings: Settings, now: datetime
) -> UploadStory | None:
    """Return the story of one upload, or None where there is none of this id."""
    upload = upload_status(session, upload_id)
    if upload is None:
        return None
    explained = explain_upload(session, upload_id, settings)
    return UploadStory(at=now, upload=upload, explained=explained, entries=explained["timeline"])


def say_age(moment: str | None, now: datetime) -> str:
    """Return how long ago an ISO 8601 moment was, in one unit: `45 s`, `12 min`, `3 h`, `2 d`."""
    if moment is None:
        return ""
    seconds = max((now - datetime.fromisoformat(moment)).total_seconds(), 0)
    if seconds >= 86_400:  # noqa: PLR2004 - a day
        return f"{seconds // 86_400:.0f} d"
    for size, unit in ((3_600, "h"), (60, "min")):
        if seconds >= 2 * size or (seconds >= size and unit != "min"):
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"


def can_undo(upload: UploadStatusView, now: datetime) -> bool:
    """Whether the approval can still be taken back before anything is done about it."""
    until = upload["undo_until"]
    return until is not None and datetime.fromisoformat(until) > now


def say_stage(upload: UploadStatusView) -> str:
    """Return in a few words where the upload is on its way."""
    if upload["cancelled_at"] is not None and not _is_delivered(upload):
        return "cancelled"
    if upload["status"] == UploadStatus.FAILED:
        return "failed"
    return (
        _say_delivery(upload) or _say_review(upload) or _SENTENCES[UploadStatus(upload["status"])]
    )


_SENTENCES = {
    UploadStatus.REGISTERED: "not uploaded yet",
    UploadStatus.UPLOADING: "uploading",
    UploadStatus.UPLOADED: "Frame.io is transcoding",
    UploadStatus.READY: "waits for reviewers",
    UploadStatus.FAILED: "failed",
}


def _is_delivered(upload: UploadStatusView) -> bool:
    return upload["delivery"] is not None and upload["delivery"]["delivered_at"] is not None


def _say_delivery(upload: UploadStatusView) -> str:
    delivery = upload["delivery"]
    if delivery is None:
        return ""
    if delivery["recalled_at"] is not None:
        return "recalled after delivery"
    return "delivered" if delivery["delivered_at"] is not None else "being delivered"


def _say_review(upload: UploadStatusView) -> str:
    if upload["held"] is not None:
        return "held, to be released by a person"
    if upload["undo_until"] is not None:
        return f"approved, delivered at {upload['undo_until'][11:16]} UTC unless undone"
    if upload["review_status"] == ReviewStatus.APPROVED:
        return "approved"
    if upload["quiet_until"] is not None:
        return "approved, if it stays quiet"
    if upload["review_status"] == ReviewStatus.REJECTED:
        return "waits for a new answer" if upload["waiting"] is not None else "changes requested"
    return ""
