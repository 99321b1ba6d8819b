"""The words this analyser knows, read once from packaged text files.

A file has [sections] named like the tags; entries are words or phrases between commas.
"~" before a French -er verb and "+" before an English one stand for its regular forms.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain

from postflow.domain.judgement import tags
from postflow.domain.judgement.inflections import english_forms, french_forms
from postflow.domain.judgement.packaged import packaged_text
from postflow.domain.judgement.text import fold
from postflow.domain.judgement.tokens import split_word, tokenise

_FILES = ("approval", "rejection", "changes", "objects", "grammar")
_ALIASES = {"changed_irregular": "changed"}
_ACCENTED_YES = re.compile(r"\bs[íì]\b")
_TYPO_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SHORTEST_STRETCHED = 3
_SHORTEST_SWAPPED = 5
_SHORTEST_MISSING = 6
_SHORTEST_EXTRA = 9
_TYPO_TARGETS = (
    tags.APPROVE | tags.REFUSE | tags.PRAISE | tags.FAULT | tags.CHANGE | tags.NOTHING | tags.PART
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lexicon:
    """Single words, phrases by their first two words, and other spellings of words."""

    words: dict[str, int]
    phrases: dict[tuple[str, str], list[tuple[tuple[str, ...], int]]]
    respellings: dict[str, tuple[str, ...]]
    known: frozenset[str]


@cache
def load_lexicon() -> Lexicon:
    """Read the packaged files; the first call costs some milliseconds, later ones nothing."""
    entries: dict[tuple[str, ...], int] = {}
    for name in _FILES:
        _read_sections(packaged_text("lexicon", f"{name}.txt"), entries)
    return _compile(entries, _read_respellings(packaged_text("lexicon", "respellings.txt")))


def words_of(folded: str) -> tuple[str, ...]:
    """Cut a folded phrase exactly as the words of a comment are cut."""
    words: list[str] = []
    for chunk in folded.replace("-", " ").split():
        if chunk.isalpha():
            words.append(chunk)
        elif chunk.replace("'", "").isalpha():
            words += [piece.word for piece in split_word(chunk)]
        else:
            words += [token.word for token in tokenise(chunk)]
    return tuple(words)


@lru_cache(maxsize=20_000)
def respell(word: str) -> tuple[str, ...]:
    """Read a hurried or wrong spelling as the words it stands for."""
    lexicon = load_lexicon()
    meant = lexicon.respellings.get(word)
    if meant is not None:
        return meant
    if word in lexicon.known or len(word) < _SHORTEST_STRETCHED:
        return (word,)
    if word[-1] == word[-2]:
        single = word[:-1]
        if single in lexicon.known or single in lexicon.respellings:
            return lexicon.respellings.get(single, (single,))
    return (_closest(word, lexicon),)


def _closest(word: str, lexicon: Lexicon) -> str:
    for candidate in _one_edit_away(word):
        if lexicon.words.get(candidate, 0) & _TYPO_TARGETS:
            return candidate
    return word


def _one_edit_away(word: str) -> list[str]:
    """List neighbours with the same first letter: letters swapped, one missing, one too many.

    A wrong letter is not corrected, and short words are left alone: "recette" is not a misspelt
    "rejette", and "later" is not "lauter".
    """
    size = len(word)
    if size < _SHORTEST_SWAPPED:
        return []
    places = range(1, size)
    near = [word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in places if i + 1 < size]
    near += [word[:i] + word[i + 1 :] for i in places if word[i] == word[i - 1]]
    if size >= _SHORTEST_MISSING:
        near += [word[:i] + char + word[i:] for i in (*places, size) for char in _TYPO_LETTERS]
    if size >= _SHORTEST_EXTRA:
        near += [word[:i] + word[i + 1 :] for i in places]
    return near


def _read_sections(content: str, entries: dict[tuple[str, ...], int]) -> None:
    mask = 0
    for line in fold(_ACCENTED_YES.sub("yes", content.lower())).splitlines():
        if line.startswith("["):
            section = line.strip("[]")
            mask = tags.BIT[_ALIASES.get(section, section)]
        elif line and not line.startswith("#"):
            for entry in line.split(","):
                _add_entry(entry.strip(), mask, entries)


def _add_entry(entry: str, mask: int, entries: dict[tuple[str, ...], int]) -> None:
    if not entry.startswith(("~", "+")):
        key = (entry,) if entry.isalpha() else words_of(entry)
        entries[key] = entries.get(key, 0) | mask
        return
    verb = entry[1:]
    forms = french_forms(verb) if entry[0] == "~" else english_forms(verb)
    base = mask if mask & tags.CHANGE_WEAK else tags.CHANGE
    for bit, spellings in (
        (base, forms.asking),
        (tags.CHANGED, forms.done),
        (tags.CHANGING, forms.going),
    ):
        for spelling in spellings:
            key = (spelling,)
            entries[key] = entries.get(key, 0) | bit


def _read_respellings(content: str) -> dict[str, tuple[str, ...]]:
    respellings: dict[str, tuple[str, ...]] = {}
    for line in fold(content).splitlines():
        if "=" in line and not line.startswith("#"):
            left, right = line.split("=")
            respellings[left] = words_of(right)
    return respellings


def _compile(
    entries: dict[tuple[str, ...], int], respellings: dict[str, tuple[str, ...]]
) -> Lexicon:
    words: dict[str, int] = {}
    phrases: dict[tuple[str, str], list[tuple[tuple[str, ...], int]]] = {}
    for key, mask in entries.items():
        if len(key) == 1:
            words[key[0]] = mask
        elif key:
            phrases.setdefault((key[0], key[1]), []).append((key[2:], mask))
    for starts in phrases.values():
        if len(starts) > 1:
            starts.sort(key=_longest_first)
    return Lexicon(
        words=words,
        phrases=phrases,
        respellings=respellings,
        known=frozenset(chain.from_iterable(entries)),
    )


def _longest_first(phrase: tuple[tuple[str, ...], int]) -> tuple[int, tuple[str, ...]]:
    return -len(phrase[0]), phrase[0]
