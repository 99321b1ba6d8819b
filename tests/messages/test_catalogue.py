"""Every sentence that a person can read in the terminal has its French line, and no line is idle."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from string import Formatter
from typing import Any

import typer.main

from postflow.cli.main import app
from postflow.domain.judgement.wording import RULES, VERDICTS
from postflow.domain.runs import RunState
from postflow.domain.standing import DecisionSource, ReviewStatus
from postflow.domain.uploads import UploadStatus, WaitKind, WaitOutcome
from postflow.integration.neighbour import Presence
from postflow.messages.catalogue import load_catalogue, read_lines
from postflow.settings.origins import DEFAULT
from postflow.store.notices import NoticeStatus
from tests.messages.collecting import NOT_FOR_READERS, ROOT, Found, find_templates, shape_of

FILE = "postflow/messages/fr.po"
ADVICE = f"""
Each of these can be read in a terminal and has no French line. Add one to {FILE}:

    msgid "the sentence as above, each value in braces"
    msgstr "la même en français, avec les mêmes valeurs" (see the top of the file)

or, if nobody reads it in a terminal, name its place in NOT_FOR_READERS of tests/messages/collecting.py.
"""
SHOWN_WORDS = (
    *(
        UploadStatus,
        ReviewStatus,
        WaitKind,
        WaitOutcome,
        DecisionSource,
        Presence,
        NoticeStatus,
        RunState,
    ),
)
OF_RULES = {*VERDICTS["en"].values(), *RULES["en"].values()}


@cache
def _sources() -> tuple[Found, ...]:
    return tuple(find_templates())


def _commands() -> Iterator[Any]:
    """Give every command; they are of a private class of Typer's."""
    waiting = [typer.main.get_command(app)]
    while waiting:
        command = waiting.pop()
        yield command
        waiting += getattr(command, "commands", {}).values()


def _help_texts() -> Iterator[tuple[str, str]]:
    for command in _commands():
        place = f"help of `{command.name}`"
        for paragraph in (command.help or "").split("\n\n"):
            text = " ".join(paragraph.split())
            if text:
                yield place, text
        for parameter in command.params:
            if getattr(parameter, "help", None):
                yield place, parameter.help


def _words() -> set[str]:
    return {DEFAULT, *(str(word) for words in SHOWN_WORDS for word in words)}


def test_every_sentence_has_its_french_line() -> None:
    """What commands, errors and views can say is in the catalogue."""
    known = {shape_of(line.english) for line in read_lines()}
    missing = [
        f"{found.place}: {json.dumps(found.template, ensure_ascii=False)}"
        for found in _sources()
        if found.must_be_french and found.shape not in known and found.template not in OF_RULES
    ]
    assert not missing, "\n".join([*missing, ADVICE])


def test_every_help_text_has_its_french_line() -> None:
    """What `--help` says of commands and options is in the catalogue."""
    own = {line.english for line in read_lines()}
    missing = [
        f"{place}: {text}"
        for place, text in _help_texts()
        if text not in own and not text.startswith("Example: ")
    ]
    assert not missing, "\n".join([*missing, ADVICE])


def test_every_shown_word_has_its_french_line() -> None:
    """Statuses, kinds and outcomes, which tables show by themselves, are in the catalogue."""
    catalogue = load_catalogue()
    assert [word for word in sorted(_words()) if not catalogue.knows(word)] == []


def test_no_line_of_the_catalogue_is_idle() -> None:
    """A line whose sentence nobody says any more is to be removed."""
    said = {found.shape for found in _sources()} | _words() | {shape_of("Example: {command}")}
    said |= {text for _, text in _help_texts()}
    idle = [
        line.english
        for line in read_lines()
        if not line.is_of_a_library and shape_of(line.english) not in said
    ]
    assert not idle, f"nothing says these any more, remove them from {FILE}: {idle}"


def test_both_sides_have_the_same_values() -> None:
    """No value of a sentence is lost or invented by its translation."""
    unequal = [
        line.english
        for line in read_lines()
        if _names(line.english) != _names(line.french) and not line.is_of_a_library
    ]
    assert unequal == []


def test_no_sentence_is_translated_twice() -> None:
    """A shape has one line, so that nobody corrects the one that is not used."""
    shapes = Counter(shape_of(line.english) for line in read_lines())
    assert [shape for shape, count in shapes.items() if count > 1] == []


def test_sentences_are_recognised_with_their_values() -> None:
    """Each sentence, with values in it, is taken for itself and not for another one."""
    catalogue = load_catalogue()
    wrong = []
    for found in _sources():
        if not found.must_be_french or "{" not in found.template:
            continue
        sentence = _fill(found.template)
        line = catalogue.find_line(sentence)
        if line is None or shape_of(line.english) != found.shape:
            wrong.append(f"{found.place}: {sentence!r} is taken for {line}")
    assert not wrong, "\n".join(wrong)


def test_exceptions_name_places_that_exist() -> None:
    """A place that is not for readers is still there."""
    paths = [each.partition(":")[0] for each in NOT_FOR_READERS]
    assert [path for path in paths if not (ROOT / path).exists()] == []


def _names(template: str) -> Counter[str]:
    return Counter(name for _, name, _, _ in Formatter().parse(template) if name is not None)


def _fill(template: str) -> str:
    """Put a value into each place that cannot be mistaken for words of ours."""
    numbered = iter(range(1, 100))
    quoted = re.sub(r"\{\w*!r\}", lambda _: f"'v{next(numbered)}'", template)
    return re.sub(r"\{\w*\}", lambda _: f"v{next(numbered)}", quoted)
