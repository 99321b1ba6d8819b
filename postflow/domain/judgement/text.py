"""What a reviewer typed, made readable, and what makes it unreadable.

Nothing is judged here: the flags only say what must never count as a sign-off.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

READ_LIMIT = 4_000
"""Characters that are read; a sign-off never needs more, and time stays bounded."""

_TAG = re.compile(r"<[a-zA-Z/!][^<>]{0,300}>")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200c\u200e-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_JOINERS = re.compile("[\u200d\ufe0e\ufe0f\U0001f3fb-\U0001f3ff\u20e3]")
_ACCENTS = re.compile("[\u0300-\u036f]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ue000-\uf8ff\ufffd]")
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "´": "'", "`": "'", "′": "'"})
_LIGATURES = (("œ", "oe"), ("æ", "ae"), ("ß", "ss"), ("ø", "o"), ("ł", "l"))


@dataclass(frozen=True, kw_only=True, slots=True)
class CleanText:
    """Readable text and the reasons why it must not be taken as a sign-off."""

    text: str
    too_long: bool
    has_markup: bool
    has_hidden_characters: bool
    has_foreign_script: bool


def fold(word: str) -> str:
    """Lower-case without accents, so that hurried and careful typing look the same."""
    lowered = word.lower()
    if lowered.isascii():
        return lowered
    for ligature, letters in _LIGATURES:
        lowered = lowered.replace(ligature, letters)
    return _ACCENTS.sub("", unicodedata.normalize("NFD", lowered))


def clean(raw: str) -> CleanText:
    """Strip what nobody sees, unescape what a form escaped, and bound the length."""
    text = raw if len(raw) <= READ_LIMIT else f"{raw[: READ_LIMIT - 1_000]}\n{raw[-1_000:]}"
    if text.isascii():
        composed, hidden, foreign = text, False, False
    else:
        composed = unicodedata.normalize("NFKC", text)
        hidden = _INVISIBLE.search(text) is not None
        composed = _JOINERS.sub("", _INVISIBLE.sub("", composed)).translate(_APOSTROPHES)
        foreign = any(_is_foreign(char) for char in composed if char > "\u024f")
    if "&" in composed:
        import html  # noqa: PLC0415 - rarely needed, and slow to import

        composed = html.unescape(composed)
    marked_up = "<" in composed and _TAG.search(composed) is not None
    if marked_up:
        composed = _TAG.sub(" ", composed)
    garbled = _CONTROL.search(composed) is not None
    if garbled:
        composed = _CONTROL.sub(" ", composed)
    return CleanText(
        text=composed,
        too_long=len(raw) > READ_LIMIT,
        has_markup=marked_up,
        has_hidden_characters=hidden or garbled,
        has_foreign_script=foreign,
    )


def _is_foreign(char: str) -> bool:
    """Tell whether a letter is of a writing we cannot read: it could say the opposite."""
    if not char.isalpha():
        return False
    return char < "\u1e00" or char > "\u1eff"


def word_set(words: str) -> frozenset[str]:
    """Make a set of words that are written in one string."""
    return frozenset(words.split())
