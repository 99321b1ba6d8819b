"""From the read model to what stands in the cells and lines of a terminal; draws nothing itself.

Names and comments are other people's words: they become Text, which is never read as markup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from rich.text import Text

from postflow.dashboard.model import Dashboard, UploadStory, say_age, say_stage
from postflow.dashboard.terminal.source import Health
from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus
from postflow.messages import say_moment, translate, translate_reason
from postflow.store.timeline import is_our_word
from postflow.store.view_types import EventView, TimelineEntry, TrackingStats, UploadStatusView

STYLES: Mapping[str, str] = {
    ReviewStatus.APPROVED: "green",
    ReviewStatus.REJECTED: "red",
    ReviewStatus.PENDING: "yellow",
}
_MARKS = {ReviewStatus.APPROVED: "✔", ReviewStatus.REJECTED: "✘", ReviewStatus.PENDING: "·"}
_BAR = 8  # characters


def render_upload(
    upload: UploadStatusView, progress: float | None, *, now: datetime
) -> tuple[Text, ...]:
    """Return the cells of one upload: mark, video, stage, waits since, deadline, why."""
    review = ReviewStatus(upload["review_status"])
    failed = upload["status"] == UploadStatus.FAILED
    waiting = upload["waiting"]
    version = f" v{upload['version']}" if upload["version"] > 1 else ""
    return (
        Text("!", "bold red") if failed else Text(_MARKS[review], STYLES[review]),
        Text(f"{upload['filename']}{version}"),
        _render_stage(upload, progress),
        Text(translate(say_age(waiting["since"], now)) if waiting else ""),
        _render_deadline(waiting["deadline"] if waiting else None, now),
        Text(_say_why(upload)),
    )


def render_detail(upload: UploadStatusView) -> Text:
    """Return the line about the upload under the cursor: why it stands as it does."""
    until_undone = upload["undo_until"] is not None
    why = ("" if until_undone else _say_why(upload)) or translate(say_stage(upload))
    return Text.assemble((upload["filename"], "bold"), f"  {why}")


def render_totals(stats: TrackingStats) -> Text:
    """Return the line of totals by status."""
    reviews, statuses = stats["review_status_distribution"], stats["status_distribution"]
    parts = (
        (f"{stats['total_tracked']} videos", "bold"),
        (f"{stats['active_tracks']} active", ""),
        (f"· {reviews[ReviewStatus.PENDING]} pending", STYLES[ReviewStatus.PENDING]),
        (f"✔ {reviews[ReviewStatus.APPROVED]} approved", STYLES[ReviewStatus.APPROVED]),
        (f"✘ {reviews[ReviewStatus.REJECTED]} rejected", STYLES[ReviewStatus.REJECTED]),
        (f"{stats['delivered']} delivered", ""),
        (f"! {statuses[UploadStatus.FAILED]} failed", "red" if statuses["failed"] else "dim"),
    )
    return Text("  ").join(Text(translate(text), style) for text, style in parts)


def render_health(parts: Sequence[Health]) -> Text:
    """Return the line that says how service, webhook, Prefect and Frame.io are."""
    styles = {True: "green", False: "bold red", None: "dim"}
    return Text("  ").join(
        Text.assemble(
            ("● ", styles[part.is_well]), translate(part.name), (f" {translate(part.text)}", "dim")
        )
        for part in parts
    )


def render_events(events: Sequence[EventView], dashboard: Dashboard, *, count: int) -> Text:
    """Return the last deliveries of Frame.io, one a line, the newest first."""
    names = {upload["upload_id"]: upload["filename"] for upload in dashboard.uploads}
    lines = [
        Text.assemble(
            (f"{_clock(event['received_at'])} ", "dim"),
            (f"{event['event_type'] or translate('unknown'):<22} ", ""),
            (names.get(event["upload_id"] or "", event["upload_id"] or ""), "bold"),
            (
                f" {translate(event['error'] or event['note'] or '')}",
                "red" if event["error"] else "dim",
            ),
        )
        for event in events[:count]
    ]
    return Text("\n").join(lines) if lines else Text(translate("No event has arrived yet."), "dim")


def render_story(story: UploadStory) -> Text:
    """Return all that is to be said of one upload: why, who stands where, and what happened."""
    explained = story.explained
    parts = [
        Text(translate(explained["sentence"]), "bold"),
        Text(translate(f"Rule: {explained['rule']}.")),
        _head("Who stands where"),
        *(
            Text.assemble(
                (f"{_clock(each['at'])} ", "dim"),
                (f"{translate(each['said']):<10} ", STYLES.get(each["said"], "")),
                (each["who"], "bold"),
                f" {translate(each['worth'])}",
                (f"  “{each['text']}”" if each["text"] else "", "italic"),
            )
            for each in reversed(explained["standings"])
        ),
        *_render_changes(story),
        _head("What happened"),
        *(_render_entry(entry) for entry in reversed(story.entries)),
    ]
    return Text("\n").join(parts)


def _render_changes(story: UploadStory) -> list[Text]:
    changes = story.explained["changes"]
    if not changes:
        return []
    return [
        _head("To change"),
        *(
            Text.assemble(
                (f"{translate(done)} ", "green" if each["done"] else "red"),
                (f"{each['where']} " if each["where"] else "", "dim"),
                (each["author"], "bold"),
                (f"  “{each['text']}”", "italic"),
            )
            for each in changes
            for done in ["done" if each["done"] else "open"]
        ),
    ]


def _render_entry(entry: TimelineEntry) -> Text:
    text, reason = entry["text"], entry["reason"]
    if is_our_word(entry):
        told = (translate(text), translate(reason))
    else:
        told = (text, translate_reason(reason))
    said = " ".join(part for part in told if part)
    return Text.assemble(
        (f"{_clock(entry['at'])} ", "dim"),
        (
            f"{translate(entry['kind']).replace('_', ' '):<20} ",
            STYLES.get(entry["verdict"] or "", ""),
        ),
        (f"{entry['who']} " if entry["who"] else "", "bold"),
        said,
    )


def _render_stage(upload: UploadStatusView, progress: float | None) -> Text:
    if upload["undo_until"] is not None:  # until when is told below the table
        return Text(translate("approved, undoable"))
    if progress is None:
        return Text(translate(say_stage(upload)))
    full = round(progress * _BAR)
    return Text.assemble(("█" * full, "green"), ("░" * (_BAR - full), "dim"), f" {progress:4.0%}")


def _render_deadline(deadline: str | None, now: datetime) -> Text:
    """Return how long is left, or that nothing is."""
    if deadline is None:
        return Text("")
    if datetime.fromisoformat(deadline) <= now:
        return Text(translate("overdue"), "bold red")
    return Text(translate(say_age(now.isoformat(), datetime.fromisoformat(deadline))))


def _say_why(upload: UploadStatusView) -> str:
    if upload["failure"]:
        return translate(upload["failure"])
    if upload["held"]:
        return translate(upload["held"]["reason"])
    verdict = upload["verdict"]
    return (
        f"{verdict['who']}{translate(':')} {translate_reason(verdict['reason'])}" if verdict else ""
    )


def _head(title: str) -> Text:
    return Text(f"\n{translate(title)}", "bold underline")


def _clock(moment: str) -> str:
    return say_moment(datetime.fromisoformat(moment))
