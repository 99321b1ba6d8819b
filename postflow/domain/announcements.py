"""What can be announced, to Prefect's automations and to people."""

from __future__ import annotations

from enum import StrEnum


class Announcement(StrEnum):
    """What can be announced; the value ends the name of the Prefect event."""

    READY = "ready"
    """Reviewers can watch the version."""
    APPROVED = "approved"
    """The version was signed off."""
    REJECTED = "rejected"
    """The version was refused; the payload lists the changes."""
    NEW_ROUND = "new-round"
    """A new version is to be reviewed; the payload lists what the last one left open."""
    REMINDER = "reminder"
    """Reviewers were silent for one of `review.remind_after`."""
    ESCALATED = "escalated"
    """Reviewers were silent for `review.escalate_after`; others than before are to be told."""
    TIMED_OUT = "timed-out"
    """Nobody decided in time."""
    DELIVERED = "delivered"
    """The delivery of the version is complete."""
    RECALLED = "recalled"
    """The version lost its approval after it had been delivered."""
    HELD = "held"
    """The version is approved, but its delivery waits for a person to release it."""
    FAILED = "failed"
    """The upload will not get any further."""
    STUCK = "stuck"
    """A flow run could not be brought back; a person must look."""
    BATCH_DECIDED = "batch-decided"
    """Every video of a batch has its outcome; the payload names the batch."""
    WEBHOOK_SILENT = "webhook-silent"
    """No webhook came for `webhook.silence_after` though reviews are open; about no upload."""
    WEBHOOK_BACK = "webhook-back"
    """Webhooks come again after such a silence; about no upload."""


class Language(StrEnum):
    """In which language people are told."""

    EN = "en"
    """English."""
    FR = "fr"
    """French."""


OF_SERVICE = (Announcement.WEBHOOK_SILENT, Announcement.WEBHOOK_BACK)
"""What is about PostFlow itself, and no upload."""

FOR_PEOPLE = (
    Announcement.REJECTED,
    Announcement.REMINDER,
    Announcement.ESCALATED,
    Announcement.TIMED_OUT,
    Announcement.RECALLED,
    Announcement.HELD,
    Announcement.FAILED,
    Announcement.STUCK,
    Announcement.BATCH_DECIDED,
    Announcement.WEBHOOK_SILENT,
    Announcement.WEBHOOK_BACK,
)
"""What needs somebody; good news disturbs nobody unless it is asked for."""
