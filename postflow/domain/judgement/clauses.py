"""A comment as sentences and clauses of units: words and known phrases with their tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from postflow.domain.judgement import tags
from postflow.domain.judgement.lexicon import Lexicon, respell
from postflow.domain.judgement.tokens import Token

_ENDS = frozenset(".!?…;\n")
_CUTS = frozenset(",:()–—-")
_OPENING = frozenset("«“")
_CLOSING = frozenset("»”")
_STARTERS = frozenset(
    [
        "mais",
        "but",
        "however",
        "yet",
        "sauf",
        "cependant",
        "toutefois",
        "pourtant",
        "neanmoins",
        "except",
        "hormis",
        "although",
        "though",
        "aber",
        "pero",
        "ma",
        "pero",
        "tranne",
        "salvo",
        "allerdings",
        "because",
        "car",
        "donc",
        "puis",
        "so",
        "then",
        "parce",
        "while",
        "alors",
    ]
)


_NOT_DONE = tags.CHANGE | tags.CHANGE_WEAK | tags.MUST | tags.WANT
"""What a participle is not: "demandé" demands nothing, "coupé" does not ask to cut."""


class Unit(NamedTuple):
    """A word or a known phrase: how it reads, what it can be, where it stands."""

    text: str
    tags: int
    start: int
    end: int
    quoted: bool
    accented_done: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Clause:
    """Units between two commas, contrast words or ends of sentence."""

    units: tuple[Unit, ...]
    sentence: int
    asked: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A whole comment, cut for the rules; `units` are those of all clauses in order."""

    clauses: tuple[Clause, ...]
    units: tuple[Unit, ...]


def respelt(tokens: list[Token]) -> list[Token]:
    """Replace hurried spellings by the words that are meant, at the same place."""
    result: list[Token] = []
    for token in tokens:
        if token.kind != "word":
            result.append(token)
            continue
        meant = respell(token.word)
        if meant[0] == token.word:
            result.append(token)
        else:
            result.extend(token._replace(word=word, raw=word) for word in meant)
    return result


def read_clauses(tokens: list[Token], lexicon: Lexicon) -> Reading:
    """Merge known phrases, follow quotation marks, and cut into clauses."""
    clauses: list[Clause] = []
    everything: list[Unit] = []
    sentence: list[list[Unit]] = [[]]
    number = 0
    quoted = False
    quotes_left = sum(token.word == '"' for token in tokens)
    position = 0
    count = len(tokens)
    while position < count:
        token = tokens[position]
        if token.kind == "punct":
            word = token.word
            position += 1
            if word == '"' and (quoted or quotes_left > 1):
                quoted = not quoted
                quotes_left -= 1
            elif word in _OPENING or word in _CLOSING:
                quoted = word in _OPENING
            elif word in _ENDS:
                number = _close(clauses, sentence, number, asked=word == "?")
                sentence = [[]]
            elif word in _CUTS:
                sentence.append([])
            continue
        unit, position = _next_unit(tokens, position, lexicon, quoted=quoted)
        if sentence[-1] and (unit.tags & (tags.CONTRAST | tags.EXCEPT) or unit.text in _STARTERS):
            sentence.append([])
        sentence[-1].append(unit)
        everything.append(unit)
    _close(clauses, sentence, number, asked=False)
    return Reading(clauses=tuple(clauses), units=tuple(everything))


def _close(clauses: list[Clause], sentence: list[list[Unit]], number: int, *, asked: bool) -> int:
    filled = [units for units in sentence if units]
    if not filled:
        if asked and clauses:
            last = clauses[-1].sentence
            for index, clause in enumerate(clauses):
                if clause.sentence == last:
                    clauses[index] = Clause(units=clause.units, sentence=last, asked=True)
        return number
    clauses.extend(Clause(units=tuple(units), sentence=number, asked=asked) for units in filled)
    return number + 1


def _next_unit(
    tokens: list[Token], position: int, lexicon: Lexicon, *, quoted: bool
) -> tuple[Unit, int]:
    token = tokens[position]
    phrase = _longest_phrase(tokens, position, lexicon)
    if phrase is not None:
        length, mask = phrase
        last = tokens[position + length - 1]
        text = " ".join(part.word for part in tokens[position : position + length])
        done = last.raw.endswith(("é", "ée", "és", "ées"))
        return Unit(text, mask, token.start, last.end, quoted, done), position + length
    mask = lexicon.words.get(token.word, 0)
    done = token.raw.endswith(("é", "ée", "és", "ées"))
    if done:
        mask &= ~_NOT_DONE
    return Unit(token.word, mask, token.start, token.end, quoted, done), position + 1


def _longest_phrase(tokens: list[Token], position: int, lexicon: Lexicon) -> tuple[int, int] | None:
    if position + 1 == len(tokens):
        return None
    candidates = lexicon.phrases.get((tokens[position].word, tokens[position + 1].word))
    if candidates is None:
        return None
    following = [
        token.word for token in tokens[position + 2 : position + 2 + len(candidates[0][0])]
    ]
    for rest, mask in candidates:
        if tuple(following[: len(rest)]) == rest:
            return len(rest) + 2, mask
    return None
