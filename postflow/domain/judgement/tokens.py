"""Cuts a text into words, punctuation, emoji and timecodes, each with its place in the text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from postflow.domain.judgement.text import fold, word_set

TIMECODE = "<tc>"
NUMBER = "<num>"
VERSION = "<v>"
HOUR = "<hour>"
MENTION = "<at>"
LINK = "<url>"
SMILE = "<smile>"
FROWN = "<frown>"
FULL_MARKS = "<full>"


class Token(NamedTuple):
    """One word as it is read (`word`), as it was accented (`raw`), and where it stands."""

    word: str
    raw: str
    start: int
    end: int
    kind: str


class Piece(NamedTuple):
    """A part of one written chunk: "j'approuve" has two."""

    word: str
    raw: str
    start: int
    end: int


_CHUNK = re.compile(
    r"""
    (?P<link>(?:https?://|www\.)\S+)
  | (?P<at>@[\w.\-]+)
  | (?P<tc>\b\d{1,3}(?::\d{2}){1,3}(?:[.,]\d+)?|\b\d{1,2}'\d{2}\b|\b\d{1,3}\s?(?:mn|min|m)\s?\d{0,2}\s?s?\b|\b\d{1,4}\s?(?:s|sec|secs|seconds?|secondes?)\b)
  | (?P<hour>\b\d{1,2}\s?(?:h\d{0,2}|am|pm)\b)
  | (?P<version>\b[vV]\.?\s?\d{1,3}\b)
  | (?P<num>\d+(?:[.,/]\d+)*%?(?:st|nd|rd|th|er|e|eme)?\b|\d+)
  | (?P<smile>[:;=]-?[)D]|<3|\^\^)
  | (?P<frown>[:=]-?[(/])
  | (?P<word>[^\W\d_]+(?:'[^\W\d_]+)*'?|w/o?(?=\s))
  | (?P<punct>[.!?…;:,()"«»“”/+&=\n–—]|(?<!\S)-(?=\s))
  | (?P<emoji>[\u2190-\u2bff\u3030\U0001f000-\U0001faff\u203c\u2049])
    """,
    re.VERBOSE,
)
_SYMBOLS = {
    "link": LINK,
    "at": MENTION,
    "tc": TIMECODE,
    "hour": HOUR,
    "version": VERSION,
    "num": NUMBER,
    "smile": SMILE,
    "frown": FROWN,
}
_FULL_MARKS = re.compile(r"(\d+)/\1")
_ELISIONS = word_set(
    "c d j l m n s t qu jusqu lorsqu puisqu quoiqu quelqu un all dell nell sull aujourd presqu"
)
_NOT_STEMS = {"ca": "can", "wo": "will", "sha": "shall", "ai": "is"}
_ENDINGS = {"s": "is", "re": "are", "ve": "have", "ll": "will", "d": "would", "m": "am"}
_IS_HOSTS = word_set(
    "it that here there what who where how he she this everything nothing something everyone one "
    "all when"
)
_ACCENTED_YES = frozenset(["sí", "sì"])
"""Spanish and Italian yes: without its accent it would be a French if."""
_RUN = re.compile(r"(.)\1{2,}")


def tokenise(text: str) -> list[Token]:
    """Cut the text; every character is looked at a bounded number of times."""
    tokens: list[Token] = []
    for match in _CHUNK.finditer(text):
        kind = match.lastgroup or "punct"
        chunk = match.group()
        start, end = match.span()
        if kind == "word":
            for piece in split_word(chunk.lower()):
                tokens.append(  # noqa: PERF401 - a comprehension hides the offsets
                    Token(piece.word, piece.raw, start + piece.start, start + piece.end, kind)
                )
        elif kind == "num" and _FULL_MARKS.fullmatch(chunk):
            tokens.append(Token(FULL_MARKS, chunk, start, end, kind))
        else:
            tokens.append(Token(_SYMBOLS.get(kind, chunk), chunk, start, end, kind))
    return tokens


@lru_cache(maxsize=20_000)
def split_word(chunk: str) -> tuple[Piece, ...]:
    """Split elisions and contractions: "n'est" is two words, so is "isn't"."""
    if chunk in _ACCENTED_YES:
        return (Piece("yes", chunk, 0, len(chunk)),)
    if "'" not in chunk:
        return (Piece(_shorten(fold(chunk)), chunk, 0, len(chunk)),)
    if chunk.endswith("n't"):
        stem = fold(chunk[:-3])
        end = len(chunk)
        return (
            Piece(_NOT_STEMS.get(stem, stem), chunk, 0, end),
            Piece("not", "not", 0, end),
        )
    return tuple(_split_apostrophes(chunk))


def _split_apostrophes(chunk: str) -> list[Piece]:
    pieces: list[Piece] = []
    start = 0
    while True:
        cut = chunk.find("'", start)
        if cut < 0:
            break
        head = fold(chunk[start:cut])
        tail = chunk[cut + 1 :]
        if head in _ELISIONS and tail and not (head == "s" and not tail):
            pieces.append(Piece(f"{head}'", chunk[start : cut + 1], start, cut + 1))
            start = cut + 1
            continue
        pieces.append(Piece(_shorten(head), chunk[start:cut], start, cut))
        ending = _ENDINGS.get(tail)
        if head == "let" and tail == "s":
            pieces[-1] = Piece("let's", chunk[start:], start, len(chunk))
        elif ending is not None and (tail != "s" or head in _IS_HOSTS):
            pieces.append(Piece(ending, tail, cut, len(chunk)))
        elif tail and ending is None:
            start = cut + 1
            continue
        return pieces
    if start < len(chunk):
        pieces.append(Piece(_shorten(fold(chunk[start:])), chunk[start:], start, len(chunk)))
    return pieces


def _shorten(word: str) -> str:
    """Bring "merciiii" to "mercii"; the lexicon decides whether one letter is enough."""
    return _RUN.sub(r"\1\1", word)
