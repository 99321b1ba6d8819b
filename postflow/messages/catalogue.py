"""Finished English sentences into French, by the lines of `fr.po` and the words of the analyser.

Errors are raised and verdicts stored in English, by layers that know nothing of languages. Here
a sentence is recognised by what stands between its values. A line's values keep their order in
English and may move in French, where `{name!r}` puts a quoted value between guillemets and
`{name!t}` translates the value too, `{name!m}` does so unless a person may have said it; every
other value is left alone, whatever it looks like.
"""

from __future__ import annotations

import ast
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import NamedTuple

from postflow.domain.judgement.wording import RULES, VERDICTS

_BEFORE_SIGN = re.compile(r" (?=[:;?!»])|(?<=«) ")
_ENTRY = re.compile(r'^(?:#, (library|reason)\n)?msgid (".*")\nmsgstr (".*")$', re.MULTILINE)
_UNBREAKABLE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Line:
    """A template in English and in French, with values in braces."""

    english: str
    french: str
    is_of_a_library: bool = False
    """Whether Typer or pydantic says it, and not this source."""
    is_a_reason: bool = False
    """Whether it is stored with a verdict, where a person's own words may stand instead."""


class Catalogue:
    """All lines, ready to translate."""

    def __init__(self, lines: Iterable[Line]) -> None:
        templates = [_Template(line) for line in lines]
        self._sentences = {each.literals[0]: each for each in templates if not each.names}
        self._templates: dict[str, list[_Template]] = defaultdict(list)
        for each in templates:
            if each.names:
                self._templates[each.mark].append(each)

    def knows(self, sentence: str) -> bool:
        """Whether there is a line for this sentence."""
        return self.find_line(sentence) is not None

    def find_line(self, sentence: str) -> Line | None:
        """Return the line by which a sentence is translated, if there is one."""
        said = self._say(sentence.strip())
        return said.line if said else None

    def translate(self, sentence: str) -> str:
        """Return the sentence in French; its blanks around stay, and without a line all of it."""
        return self.translate_counting(sentence)[0]

    def translate_reason(self, reason: str) -> str:
        """Return the reason of a verdict in French, but not what a person gave as a reason.

        "Delivered to the client" is no line of ours then, though it looks like one.
        """
        said = self._say(reason.strip(), is_known=lambda line: line.is_a_reason)
        return said.french if said else reason

    def translate_counting(self, sentence: str) -> tuple[str, int]:
        """Return the French, and how many characters of the sentence lines account for."""
        core = sentence.strip()
        said = self._say(core)
        if said is None:
            lines = core.split("\n")
            if len(lines) == 1:
                return sentence, 0
            french, known = "\n".join(map(self.translate, lines)), 0
        else:
            french, known = said.french, said.known
        start = sentence.index(core)
        return sentence[:start] + french + sentence[start + len(core) :], known

    def _say(self, core: str, *, is_known: Callable[[Line], bool] = lambda _: True) -> _Said | None:
        """Say it by the line that accounts for most of it, with the lines of its values."""
        whole = self._sentences.get(core)
        if whole is not None:
            return whole.fill([], self)
        said = [
            template.fill(values, self)
            for mark in (f"^{core[:1]}", f"{core[-1:]}$", "")
            for template in self._templates.get(mark, ())
            if is_known(template.line) and (values := template.match(core)) is not None
        ]
        return max(said, key=lambda each: each.known, default=None)


class _Said(NamedTuple):
    line: Line
    french: str
    known: int
    """How many characters stand in lines, and are no values."""


class _Template:
    """One line, taken apart: `literals` stand around the values, so there is one more of them."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.literals, self.names, self._quoted = _take_apart(line.english)
        self._french = tuple(Formatter().parse(_set_signs(line.french)))

    @property
    def mark(self) -> str:
        """What can be seen of it at a glance: its first sign, else its last, else nothing."""
        first, last = self.literals[0], self.literals[-1]
        return f"^{first[0]}" if first else f"{last[-1]}$" if last else ""

    def match(self, sentence: str) -> list[str] | None:
        """Return the values of a sentence that is made like this; in linear time."""
        first, *between, last = self.literals
        end = len(sentence) - len(last)
        if not (sentence.startswith(first) and sentence.endswith(last) and len(first) <= end):
            return None
        values, at = [], len(first)
        for literal in between:
            found = sentence.find(literal, at, end)
            if found < 0:
                return None
            values.append(sentence[at:found])
            at = found + len(literal)
        values.append(sentence[at:end])
        return values if all(_is_quoted(values[each]) for each in self._quoted) else None

    def fill(self, values: list[str], catalogue: Catalogue) -> _Said:
        """Return the French sentence with these values."""
        named = dict(zip(self.names, values, strict=True))
        said, known = [], sum(map(len, self.literals))
        for literal, name, _, conversion in self._french:
            said.append(literal)
            if name is None:
                continue
            value = named[name]
            if conversion == "t":
                value, of_value = catalogue.translate_counting(value)
                known += of_value
            elif conversion == "m":
                value = catalogue.translate_reason(value)
            said.append(_quote(value) if conversion == "r" else value)
        return _Said(self.line, "".join(said), known)


@cache
def load_catalogue() -> Catalogue:
    """Return the catalogue that is shipped with PostFlow."""
    return Catalogue([*read_lines(), *_verdict_lines()])


def read_lines() -> list[Line]:
    """Return the lines of `fr.po`, in the part of gettext's format that it keeps to."""
    text = files("postflow.messages").joinpath("fr.po").read_text(encoding="utf-8")
    return [
        Line(
            json.loads(english),
            json.loads(french),
            is_of_a_library=flag == "library",
            is_a_reason=flag == "reason",
        )
        for flag, english, french in _ENTRY.findall(text)
    ]


def _verdict_lines() -> Iterator[Line]:
    """Give the lines of stored reasons, from the very words that made them."""
    for verdict, english in VERDICTS["en"].items():
        yield Line(english, VERDICTS["fr"][verdict])
        french = f"{VERDICTS['fr'][verdict]} : {{reason!t}}"
        yield Line(f"{english}: {{reason}}", french, is_a_reason=True)
    for rule, english in RULES["en"].items():
        yield Line(english, RULES["fr"][rule])
        yield Line(f"{english}, {{words}}", f"{RULES['fr'][rule]}, {{words}}")


def _take_apart(template: str) -> tuple[list[str], list[str], list[int]]:
    """Return what stands between the values, their names, and which of them are quoted."""
    parts = list(Formatter().parse(template.strip()))
    names = [name for _, name, _, _ in parts if name is not None]
    literals = [literal for literal, _, _, _ in parts]
    quoted = [number for number, (_, _, _, conversion) in enumerate(parts) if conversion == "r"]
    return (literals if len(literals) > len(names) else [*literals, ""]), names, quoted


def _set_signs(french: str) -> str:
    """Let no line break come before a French colon; written with plain spaces in the file."""
    return _BEFORE_SIGN.sub(_UNBREAKABLE, french)


def _is_quoted(value: str) -> bool:
    return len(value) > 1 and value[0] == value[-1] and value[0] in "'\""


def _quote(value: str) -> str:
    """Put what Python has quoted between guillemets; anything else stays as it is."""
    if not _is_quoted(value):
        return value
    try:
        return f"«{_UNBREAKABLE}{ast.literal_eval(value)}{_UNBREAKABLE}»"
    except (SyntaxError, ValueError):
        return value
