"""Where in the video a reviewer means: the timecodes that are written in the text of a comment.

A frame number of Frame.io stays a frame number: only the frame rate would make it a time, and
Frame.io does not give it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_LONGEST_TEXT = 20_000
_HOUR, _MINUTE = 3600, 60
_VERTICAL = {"9:16", "16:9", "09:16"}

_CLOCK = re.compile(
    r"(?<![\w:.,/])(?:(?P<h>\d{1,2}):)?(?P<m>[0-5]?\d):(?P<s>[0-5]\d)"
    r"(?:[:;](?P<f>\d{2})|[.,](?P<ms>\d{1,3}))?(?![\w:/]|[.,]\d)"
)
_MINUTES = re.compile(
    r"(?<![\w:.,])(?P<m>\d{1,3})\s?(?:min(?:utes?)?\b\.?|mn(?=\s?\d|\b)|m(?=\s?\d)|['’′](?!['’′]))"
    r"(?:\s?(?P<s>[0-5]?\d)\s?(?:s(?:ec(?:onde?s?|onds?)?)?\b|(?:[\"″”]|''|’’|′′)|(?![\w:])))?",
    re.IGNORECASE,
)
_SECONDS = re.compile(
    r"(?<![\w:.,])(?:(?P<at>à|a|at|@|vers|from|depuis|dès|around|bei|ab|en|al)\s+(?:the\s+|la\s+)?)?"
    r"(?P<s>\d{1,4})\s?(?P<unit>s(?:ec(?:onde?s?|onds?)?)?\b|[\"″”]|''|’’|′′)",
    re.IGNORECASE,
)
_ENDS_A_PHRASE = re.compile(r"\s*(?:$|[.,;:!?)\n])")
_NOT_A_TIMECODE = re.compile(r"\s?(?:am|pm|h\b|o'clock|uhr)", re.IGNORECASE)


class Timecode(NamedTuple):
    """A place in the video as somebody wrote it."""

    text: str
    seconds: float
    frames: int | None = None
    """Frames beyond the seconds, where they were written."""


def find_timecodes(text: str) -> tuple[Timecode, ...]:
    """Return the places in the video that a text names, in the order of the text, each once.

    A length ("20 seconds of music", `30"`) is no place unless a word like "at" stands before it.
    """
    text = text[:_LONGEST_TEXT]
    found: dict[int, Timecode] = {}
    taken: set[int] = set()
    for pattern, read in ((_CLOCK, _read_clock), (_MINUTES, _read_minutes), (_SECONDS, _read_at)):
        for match in pattern.finditer(text):
            timecode = read(match, text)
            if timecode is not None and taken.isdisjoint(range(*match.span())):
                taken.update(range(*match.span()))
                found[match.start()] = timecode
    return tuple(dict.fromkeys(found[start] for start in sorted(found)))


def say_place(timecode: str | None, text: str) -> str:
    """Return where a comment points, for people: Frame.io's frame or timecode, and the text's."""
    named = [each.text for each in find_timecodes(text)]
    given = [f"frame {timecode}" if timecode.isdigit() else timecode] if timecode else []
    return ", ".join(dict.fromkeys([*given, *named]))


def _read_clock(match: re.Match[str], text: str) -> Timecode | None:
    if match.group() in _VERTICAL or _NOT_A_TIMECODE.match(text, match.end()):
        return None
    hours, minutes = int(match["h"] or 0), int(match["m"])
    fraction = float(f"0.{match['ms']}") if match["ms"] else 0.0
    return Timecode(
        text=match.group(),
        seconds=hours * _HOUR + minutes * _MINUTE + int(match["s"]) + fraction,
        frames=int(match["f"]) if match["f"] else None,
    )


def _read_minutes(match: re.Match[str], text: str) -> Timecode | None:
    if match["s"] is None and not _stands_after_at(text, match.start()):
        return None
    seconds = int(match["m"]) * _MINUTE + int(match["s"] or 0)
    return Timecode(text=match.group().strip(), seconds=seconds)


def _read_at(match: re.Match[str], text: str) -> Timecode | None:
    if match["at"] is None:
        return None
    if match["at"] in "aA" and not _ENDS_A_PHRASE.match(text, match.end()):
        return None  # "a 30s spot" is a length, "son coupé a 32 s" is a place
    start = match.start("s") - match.start()
    return Timecode(text=match.group()[start:], seconds=int(match["s"]))


_AT = re.compile(r"(?:\b(?:à|a|at|vers|from|depuis|dès|around|bei|ab)|@)\s*$", re.IGNORECASE)


def _stands_after_at(text: str, start: int) -> bool:
    return _AT.search(text[max(0, start - 10) : start]) is not None


_OPTIONAL = re.compile(
    r"\b(?:option(?:al|nel)\w*|facultati\w+|(?:not?|non|pas|nicht)[ -]?(?:a )?block\w+|"
    r"(?:not?|non|pas) ?(?:a )?bloqu\w+|nice to have|nit(?:pick)?s?\b|"
    r"if you (?:have|get|find|can)|si (?:vous|tu|possible|on a)|"
    r"next (?:time|episode|video|film|one|edit|round)|prochaine?s?|à l['’]avenir|"
    r"for the future|nächste\w*|próxim\w+|prossim\w+|remarques?|remarks?|(?:small|minor) notes?)",
    re.IGNORECASE,
)


def has_remarks(text: str) -> bool:
    """Whether a sign-off seems to say more than yes: something for later, or a place."""
    text = text[:_LONGEST_TEXT]
    return _OPTIONAL.search(text) is not None or bool(find_timecodes(text))
