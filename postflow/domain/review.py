"""A thread of review events into one review status, by the ten rules of the review page.

`review_thread` takes dictionaries, in order of arrival, duplicates and all; the tracker's own path
builds the same statements from its tables and ends in the same `decide_review`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from postflow.domain.comments import analyze_comment, render_reasons
from postflow.domain.standing import (
    DecisionSource,
    Review,
    ReviewStatus,
    Statement,
    decide_review,
)

__all__ = ["Review", "ReviewStatus", "read_status_value", "review_thread"]

Event = Mapping[str, object]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEAST_APPROVING = (ReviewStatus.REJECTED, ReviewStatus.PENDING, ReviewStatus.APPROVED)
_UNKNOWN = "unknown: "
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


def read_status_value(
    value: str, *, approved: Iterable[str] = ("approved",), rejected: Iterable[str] = ("rejected",)
) -> ReviewStatus:
    """Return what an option of the Status field says; an unknown option says pending."""
    name = value.strip().casefold()
    if name in {a.casefold() for a in approved}:
        return ReviewStatus.APPROVED
    if name in {r.casefold() for r in rejected}:
        return ReviewStatus.REJECTED
    return ReviewStatus.PENDING


def review_thread(events: Sequence[Event]) -> Review:
    """Return the review status of the version that is current after all `events`.

    Each event has `type`, `t` (seconds), `author` and, by type, `comment_id` and `text`,
    `field` and `value`, or `version`; `role` may be missing. Any order and any repetition of the
    same events gives the same answer.
    """
    versions = _read_versions(events)
    current = versions[-1] if versions else _Version(_BEFORE_ALL, 1, None)
    editors = {_text(e, "author") for e in events if e.get("role") == "editor"}
    editors |= {current.author} if current.author else set()
    statements = [
        *_read_comments(events, versions=versions, current=current, editors=editors),
        *_read_statuses(events, current=current, editors=editors),
    ]
    return decide_review(statements)


class _Version(NamedTuple):
    at: datetime
    number: int
    author: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Comment:
    comment_id: str
    author: str
    texts: tuple[str, ...]
    """Its latest text; several only if it was edited more than once at one instant."""
    created_at: datetime
    at: datetime


def _text(event: Event, key: str) -> str:
    value = event.get(key)
    return value if isinstance(value, str) else ""


def _at(event: Event) -> datetime:
    t = event.get("t")
    return _EPOCH + timedelta(seconds=t if isinstance(t, int | float) else 0)


def _read_versions(events: Sequence[Event]) -> list[_Version]:
    found = set()
    for event in events:
        if event.get("type") == "file.versioned":
            number = event.get("version")
            author = _text(event, "author") or None
            found.add(_Version(_at(event), number if isinstance(number, int) else 0, author))
    return sorted(found, key=lambda v: (v.at, v.number, v.author or ""))


def _version_at(moment: datetime, versions: Sequence[_Version]) -> _Version | None:
    return next((v for v in reversed(versions) if v.at <= moment), None)


def _fold_comment(history: Sequence[Event]) -> _Comment | None:
    """Return a comment as it stands after its whole history, or None if it was deleted."""
    if any(e.get("type") == "comment.deleted" for e in history):
        return None
    comment_id = _text(history[0], "comment_id")
    # Whoever wrote it first is its author, even if somebody else's edit is on record.
    authors = sorted((_at(e), _text(e, "author")) for e in history if _text(e, "author"))
    latest = max(map(_text_order, history))
    return _Comment(
        comment_id=comment_id,
        author=authors[0][1] if authors else f"{_UNKNOWN}{comment_id}",
        texts=tuple(sorted({_text(e, "text") for e in history if _text_order(e) == latest})),
        created_at=min(_at(e) for e in history),
        at=latest[0],
    )


def _text_order(event: Event) -> tuple[datetime, bool]:
    """Order the texts of a comment: of two of one instant the edit is the later one."""
    return _at(event), event.get("type") == "comment.updated"


def _read_comments(
    events: Sequence[Event],
    *,
    versions: Sequence[_Version],
    current: _Version,
    editors: set[str],
) -> list[Statement]:
    histories: dict[str, list[Event]] = {}
    for event in events:
        if _text(event, "type") in {"comment.created", "comment.updated", "comment.deleted"}:
            histories.setdefault(_text(event, "comment_id"), []).append(event)
    comments = [c for c in map(_fold_comment, histories.values()) if c is not None]
    return [
        _state(comment, counts=comment.author not in editors)
        for comment in comments
        if not versions or _version_at(comment.created_at, versions) == current
    ]


def _state(comment: _Comment, *, counts: bool) -> Statement:
    analyses = [analyze_comment(text) for text in comment.texts]
    analysis = min(analyses, key=lambda a: _LEAST_APPROVING.index(ReviewStatus(a.verdict)))
    return Statement(
        who=comment.author,
        said=ReviewStatus(analysis.verdict),
        at=comment.at,
        source=DecisionSource.COMMENTS,
        key=comment.comment_id,
        counts=counts,
        may_approve=not comment.author.startswith(_UNKNOWN),
        comment_id=comment.comment_id,
        score=analysis.score,
        reason=render_reasons(analysis),
        display_name=comment.author,
    )


def _read_statuses(
    events: Sequence[Event], *, current: _Version, editors: set[str]
) -> list[Statement]:
    return [
        Statement(
            who=_text(event, "author") or "somebody unknown",
            said=read_status_value(_text(event, "value")),
            at=_at(event),
            source=DecisionSource.STATUS_FIELD,
            key=_text(event, "value"),
            whole=True,
            known=bool(_text(event, "author")),
            counts=_text(event, "author") not in editors,
            reason=f"Status set to {_text(event, 'value')!r}",
            display_name=_text(event, "author"),
        )
        for event in events
        if event.get("type") == "metadata.value.updated"
        and _text(event, "field").casefold() == "status"
        and _at(event) >= current.at
    ]
