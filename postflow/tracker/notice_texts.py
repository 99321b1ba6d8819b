"""From what is to be told to a title and a text, in English or French; sends nothing.

Reviewers' words are quoted as they are. What PostFlow itself says about why a comment was read in
some way, or why an upload failed for a rare reason, exists in English only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from postflow.domain.announcements import OF_SERVICE, Announcement, Language
from postflow.tracker.notice_words import WORDS, Words

_MOST_LINES = 20
_LONGEST_QUOTE = 300

Item = Mapping[str, Any]


def render_notice(
    kind: Announcement, items: Sequence[Item], *, batch_id: str | None, language: Language
) -> tuple[str, str]:
    """Return the title and the text by which people learn of these videos."""
    words = WORDS[language]
    if kind is Announcement.BATCH_DECIDED:
        title = words.one[kind].format(batch=batch_id)
        return title, _say_outcomes(items[0], words)
    if kind in OF_SERVICE:
        return words.one[kind], _say_silence(kind, items[0], words)
    if len(items) == 1:
        (item,) = items
        title = words.one[kind].format(name=_name(item))
        return title, _join(_say_details(kind, item, words), _say_where(item, words))
    title = words.many[kind].format(count=len(items))
    return title, "\n".join(_say_lines(kind, items, words, batch_id=batch_id))


def say_duration(seconds: float, words: Words) -> str:
    """Return a duration in its largest fitting unit, rounded down: `2 days`, `90 minutes`."""
    for size, one, many in words.units:
        if seconds >= 2 * size or (seconds == size):
            count = int(seconds // size)
            return f"{count} {one if count == 1 else many}"
    return f"{round(seconds)} s"


def _say_lines(
    kind: Announcement, items: Sequence[Item], words: Words, *, batch_id: str | None
) -> Iterator[str]:
    yield words.batch.format(batch=batch_id)
    for item in items[:_MOST_LINES]:
        details = _say_details(kind, item, words)
        where = _say_where(item, words)
        yield f"• {_name(item)}" + (f" — {details}" if details else "") + f" {where}"
    if len(items) > _MOST_LINES:
        yield words.and_more.format(count=len(items) - _MOST_LINES)


def _say_details(kind: Announcement, item: Item, words: Words) -> str:
    """Return what is known beyond the title, or nothing."""
    if kind in (Announcement.REMINDER, Announcement.ESCALATED):
        time = words.waits.format(time=say_duration(item.get("waited_seconds", 0), words))
        return _join(time, _say_deadline(item, words), separator=", ")
    if kind is Announcement.TIMED_OUT:
        return words.policies.get(str(item.get("policy")), "")
    known = _say_known_cause(kind, item, words)
    if known:
        return known
    if item.get("who"):
        return words.says.format(who=item["who"], text=_say_words(item, words))
    return str(item.get("reason") or item.get("path") or item.get("view_url") or "")


def _say_known_cause(kind: Announcement, item: Item, words: Words) -> str:
    if str(item.get("cause")) in words.causes:
        return words.causes[str(item["cause"])].format(minutes=item.get("minutes"))
    if kind is Announcement.HELD and "setter" in item:
        time = say_duration(item.get("gap_seconds", 0), words)
        return words.held.format(setter=item["setter"], time=time)
    if kind is Announcement.STUCK:
        return words.stuck.format(reason=item.get("reason", ""))
    return ""


def _say_words(item: Item, words: Words) -> str:
    comment = str(item.get("comment") or "")
    if not comment:
        return str(item.get("reason") or "")
    if len(comment) > _LONGEST_QUOTE:
        comment = comment[:_LONGEST_QUOTE] + "…"
    return words.quote.format(text=comment)


def _say_deadline(item: Item, words: Words) -> str:
    if not item.get("deadline"):
        return ""
    moment = datetime.fromisoformat(str(item["deadline"]))
    return words.until.format(deadline=f"{moment:%Y-%m-%d %H:%M} UTC")


def _say_silence(kind: Announcement, item: Item, words: Words) -> str:
    time = say_duration(float(item["silent_seconds"]), words)
    text = words.heard if kind is Announcement.WEBHOOK_BACK else words.silences[str(item["cause"])]
    return text.format(time=time, reason=item.get("reason", ""))


def _say_outcomes(item: Item, words: Words) -> str:
    outcomes = item.get("outcomes") or {}
    said = [
        text.format(outcomes[status])
        for status, text in words.outcomes.items()
        if outcomes.get(status)
    ]
    return _join(", ".join(said) + "." if said else "", words.see)


def _say_where(item: Item, words: Words) -> str:
    return words.where.format(upload=item["upload_id"], version=item["version"])


def _name(item: Item) -> str:
    return str(item.get("filename") or item["upload_id"])


def _join(*parts: str, separator: str = " ") -> str:
    return separator.join(part for part in parts if part)
