"""Help and usage errors in the reader's language; Typer knows English only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from typer import rich_utils

from postflow.messages import chosen_language, translate

_TITLES = (
    *("ARGUMENTS_PANEL_TITLE", "OPTIONS_PANEL_TITLE", "COMMANDS_PANEL_TITLE"),
    *("ERRORS_PANEL_TITLE", "REQUIRED_LONG_STRING", "DEFAULT_STRING", "ENVVAR_STRING"),
    *("DEPRECATED_STRING", "ABORTED_TEXT", "RICH_HELP"),
)
"""Typer's own words; it reads them when it prints."""
_Typer = Any
"""A command, an option or an error: classes that Typer keeps to itself."""


@contextmanager
def in_readers_language(program: _Typer) -> Iterator[None]:
    """Let a command and all below it, and Typer around them, speak the reader's language."""
    if chosen_language() == "en":
        yield
        return
    _translate_command(program)
    before = {name: getattr(rich_utils, name) for name in (*_TITLES, "rich_format_error")}
    try:
        for name in _TITLES:
            setattr(rich_utils, name, translate(before[name]))
        show = _after_translating(before["rich_format_error"])
        rich_utils.rich_format_error = show  # type: ignore[assignment]  # the error's class is private
        yield
    finally:
        for name, value in before.items():
            setattr(rich_utils, name, value)


def _translate_command(command: _Typer) -> None:
    command.help = translate_help(command.help or "")
    command.epilog = translate(command.epilog or "")
    for parameter in command.params:
        if getattr(parameter, "help", None):
            parameter.help = translate(parameter.help)
    usage, help_option = command.get_usage, command.get_help_option
    command.get_usage = lambda context: translate(usage(context))
    command.get_help_option = lambda context: _translated(help_option(context))
    for each in getattr(command, "commands", {}).values():
        _translate_command(each)


def translate_help(text: str) -> str:
    """Return a help text in the reader's language, paragraph by paragraph."""
    paragraphs = [" ".join(each.split()) for each in text.split("\n\n")]
    return "\n\n".join(map(translate, paragraphs))


def _translated(option: _Typer) -> _Typer:
    if option is not None:
        option.help = translate(option.help or "")
    return option


def _after_translating(show: Callable[[_Typer], None]) -> Callable[[_Typer], None]:
    def translate_and_show(error: _Typer) -> None:
        said = translate(error.format_message())
        error.format_message = lambda: said
        show(error)

    return translate_and_show
