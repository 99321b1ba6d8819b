"""The words this analyser knows, read once from packaged text files.

A file has [sections] named like the tags; entries are words or phrases between commas.
"~" before a French -er verb and "+" before an English one stand for its regular forms.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

from postflow.domain.judgement import inflections, tags
from postflow.domain.judgement.text import fold
from postflow.domain.judgement.tokens import tokenise

_FILES = ("approval", "rejection", "changes", "objects", "grammar")
_ALIASES = {"changed_irregular": "changed"}
_FORM_SECTIONS = {
    inflections.BASE: tags.CHANGE,
    inflections.DONE: tags.CHANGED,
    inflections.DOING: tags.CHANGING,
}
_TYPO_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_TYPO_MIN_LENGTH = 5
_TYPO_TARGETS = (
    tags.APPROVE | tags.REFUSE | tags.PRAISE | tags.FAULT | tags.CHANGE | tags.NOTHING | tags.PART
)


class Phrase(tuple[tuple[str, ...], int]):
    """The words after the first one, and the tags of the whole phrase."""

    __slots__ = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Lexicon:
    """Single words, phrases by their first word, and other spellings of words."""

    words: dict[str, int]
    phrases: dict[str, list[tuple[tuple[str, ...], int]]]
    respellings: dict[str, tuple[str, ...]]
    known: frozenset[str]


@cache
def load_lexicon() -> Lexicon:
    """Read the packaged files; the first call costs some milliseconds, later ones nothing."""
    entries: dict[tuple[str, ...], int] = {}
    for name in _FILES:
        _read_sections(_packaged(f"{name}.txt"), entries)
    return _compile(entries, _read_respellings(_packaged("respellings.txt")))


def words_of(phrase: str) -> tuple[str, ...]:
    """Words of a phrase, cut exactly as the words of a comment are."""
    if phrase.isascii() and phrase.isalpha() and phrase.islower():
        return (phrase,)
    return tuple(token.word for token in tokenise(phrase) if token.word != "-")


@lru_cache(maxsize=20_000)
def respell(word: str) -> tuple[str, ...]:
    """The words a reader understands when the spelling is hurried or wrong."""
    lexicon = load_lexicon()
    fixed = lexicon.respellings.get(word)
    if fixed is not None:
        return fixed
    if word in lexicon.known or len(word) <= 2:  # noqa: PLR2004 - two letters hold no typo
        return (word,)
    if word[-1] == word[-2]:
        single = word[:-1]
        if single in lexicon.known or single in lexicon.respellings:
            return lexicon.respellings.get(single, (single,))
    squeezed = "".join(char for index, char in enumerate(word) if char != word[index - 1 : index])
    if squeezed in lexicon.known:
        return (squeezed,)
    if len(word) < _TYPO_MIN_LENGTH:
        return (word,)
    return (_closest(word, lexicon),)


def _closest(word: str, lexicon: Lexicon) -> str:
    for candidate in _one_edit_away(word):
        mask = lexicon.words.get(candidate, 0)
        if mask & _TYPO_TARGETS and len(candidate) >= _TYPO_MIN_LENGTH:
            return candidate
    return word


def _one_edit_away(word: str) -> list[str]:
    """Neighbours with the same first letter: a swap, a letter too many, one too few, one wrong."""
    places = range(1, len(word))
    swaps = [word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in places if i + 1 < len(word)]
    shorter = [word[:i] + word[i + 1 :] for i in places]
    longer = [word[:i] + char + word[i:] for i in (*places, len(word)) for char in _TYPO_LETTERS]
    if len(word) <= _TYPO_MIN_LENGTH:
        return swaps + longer
    wrong = [word[:i] + char + word[i + 1 :] for i in places for char in _TYPO_LETTERS]
    return swaps + shorter + longer + wrong


def _packaged(name: str) -> str:
    folder = resources.files("postflow.domain.judgement") / "lexicon"
    return (folder / name).read_text(encoding="utf-8")


def _read_sections(content: str, entries: dict[tuple[str, ...], int]) -> None:
    section = ""
    for line in content.splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            section = line.strip("[]")
            continue
        mask = tags.BIT[_ALIASES.get(section, section)]
        for entry in line.split(","):
            _add_entry(entry.strip().lower(), mask, entries)


def _add_entry(entry: str, mask: int, entries: dict[tuple[str, ...], int]) -> None:
    if not entry:
        return
    if entry[0] in "~+":
        verb = entry[1:]
        forms = (
            inflections.french_forms(verb) if entry[0] == "~" else inflections.english_forms(verb)
        )
        for form, spellings in forms.items():
            for spelling in spellings:
                key = words_of(spelling)
                entries[key] = entries.get(key, 0) | _FORM_SECTIONS[form]
        return
    key = words_of(entry)
    entries[key] = entries.get(key, 0) | mask


def _read_respellings(content: str) -> dict[str, tuple[str, ...]]:
    respellings: dict[str, tuple[str, ...]] = {}
    for line in content.splitlines():
        if "=" in line and not line.startswith("#"):
            left, right = line.split("=")
            respellings[fold(left)] = words_of(right)
    return respellings


def _compile(
    entries: dict[tuple[str, ...], int], respellings: dict[str, tuple[str, ...]]
) -> Lexicon:
    words: dict[str, int] = {}
    phrases: dict[str, list[tuple[tuple[str, ...], int]]] = {}
    known: set[str] = set()
    for key, mask in entries.items():
        known.update(key)
        if len(key) == 1:
            words[key[0]] = mask
        else:
            phrases.setdefault(key[0], []).append((key[1:], mask))
    for starts in phrases.values():
        starts.sort(key=lambda phrase: (-len(phrase[0]), phrase[0]))
    return Lexicon(words=words, phrases=phrases, respellings=respellings, known=frozenset(known))
