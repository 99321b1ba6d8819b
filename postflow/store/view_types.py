"""What readers of the store are given: plain dictionaries, ready for JSON, times as ISO 8601 texts."""

from __future__ import annotations

from datetime import datetime

from typing_extensions import TypedDict  # pydantic, which has it, reads no other before Python 3.12


class VerdictView(TypedDict):
    """The decision in force, and what made it."""

    verdict: str
    version: int
    source: str
    who: str
    comment_id: str | None
    comment_text: str | None
    reason: str
    score: float | None
    at: str


class WaitView(TypedDict):
    """A flow run that waits, and how waking it went."""

    kind: str
    version: int
    flow_run_id: str
    since: str
    deadline: str | None
    suspended_at: str | None
    """When its process left; None while it only looked."""
    due_since: str | None
    """When the answer came."""
    early: str | None
    """A sentence, if the answer came before the run waited."""
    attempts: int
    """How often the resumer looked after it, or asked Prefect to start it again."""
    last_answer: str | None
    accepted_at: str | None
    closed_at: str | None
    outcome: str | None


class WakeUpView(TypedDict):
    """What the resumer found and did about a wait."""

    at: str
    state: str | None
    """The run's state; None when Prefect could not be asked."""
    asked: bool
    """Whether Prefect was asked to start the run again."""
    accepted: bool
    answer: str


class LedgerView(WaitView):
    """A wait, open or closed, with every change in how waking it went."""

    wake_ups: list[WakeUpView]


class WaitingView(WaitView):
    """A wait in the list of all waits: it says whose it is."""

    upload_id: str
    filename: str
    status: str
    review_status: str
    view_url: str | None


class DeliveryView(TypedDict):
    """What was made of the approved version."""

    name: str
    path: str | None
    delivered_at: str | None
    recalled_at: str | None


class HeldView(TypedDict):
    """Why an approved version is not delivered until a person releases it."""

    since: str
    reason: str


class UploadStatusView(TypedDict):
    """Everything a person asks about one upload."""

    upload_id: str
    filename: str
    file_id: str | None
    project_id: str | None
    status: str
    review_status: str
    comments_count: int
    created_at: str
    webhook_events_received: list[str]
    version: int
    view_url: str | None
    path: str | None
    failure: str | None
    updated_at: str
    cancelled_at: str | None
    verdict: VerdictView | None
    waiting: WaitView | None
    delivery: DeliveryView | None
    held: HeldView | None
    quiet_until: str | None
    undo_until: str | None
    batch_ids: list[str]


class ChangeView(TypedDict):
    """One thing that a reviewer wants changed, or remarked while approving."""

    comment_id: str
    author: str
    timecode: str | None
    """Frame.io's own frame number or timecode."""
    timecodes: list[str]
    """The places that the text names."""
    where: str
    text: str
    reason: str
    done: bool


class UploadDetailView(UploadStatusView):
    """One upload with what is to be done about it."""

    changes: list[ChangeView]
    remarks: list[ChangeView]
    waits: list[LedgerView]


class TrackingStats(TypedDict):
    """The totals."""

    total_tracked: int
    active_tracks: int
    events_processed: int
    comments_analyzed: int
    status_distribution: dict[str, int]
    review_status_distribution: dict[str, int]
    delivered: int
    waiting: int
    events_unsettled: int
    events_set_aside: int
    notices_unconfirmed: int
    notices_failed: int


class NoticeView(TypedDict):
    """One message to one receiver, whose address is not shown."""

    id: int
    status: str
    kind: str
    receiver: str
    title: str
    batch_id: str | None
    upload_ids: list[str]
    created_at: str
    send_at: str | None
    begun_at: str | None
    sent_at: str | None
    attempts: int
    error: str | None


class EventView(TypedDict):
    """One delivery of Frame.io, without its bytes."""

    id: int
    received_at: str
    event_type: str | None
    resource_type: str | None
    resource_id: str | None
    project_id: str | None
    upload_id: str | None
    attempts: int
    settled_at: str | None
    set_aside_at: str | None
    error: str | None
    note: str | None


class TimelineEntry(TypedDict):
    """One thing that happened to an upload."""

    at: str
    kind: str
    """version, comment, comment edited, comment deleted, status_field, manual, silence, event,
    decision, wait, delivery, failed or cancelled."""
    version: int | None
    who: str
    text: str
    verdict: str | None
    score: float | None
    reason: str
    comment_id: str | None


def iso(moment: datetime | None) -> str | None:
    """Return the moment as a text, or None."""
    return None if moment is None else moment.isoformat()
