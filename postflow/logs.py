"""Where log lines go and how they look: the terminal's error side and a rotating file.

Only PostFlow's own loggers, and that of its retries, are touched; those of Prefect and of scripts stay as they are.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, TextIO

import structlog

from postflow.settings.sections import LogSettings

_ROOT = "postflow"
_RETRIES = "stamina"


def configure_logs(settings: LogSettings | None = None, *, program: str | None = None) -> None:
    """Send our log lines to stderr, and those of a named program to its file as well.

    `LOG_LEVEL` in the environment beats the setting. Calling it again replaces what was set
    before. A folder that cannot be written costs the file and one line, nothing else.
    """
    chosen = settings or LogSettings()
    level = _level(chosen)
    as_json = chosen.format == "json"
    logger = logging.getLogger(_ROOT)
    for old in logger.handlers[:]:
        logger.removeHandler(old)
        old.close()
    logger.propagate = False
    logger.setLevel(level)
    terminal = _Terminal()
    terminal.setFormatter(_formatter(as_json=as_json, colours=sys.stderr.isatty()))
    logger.addHandler(terminal)
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    if program is not None and chosen.to_file:
        _add_file(logger, chosen, program, as_json=as_json)
    # A command says in its own sentence what did not work in the end.
    _adopt_retries(logger, are_told=program is not None or level <= logging.DEBUG)


def log_path(settings: LogSettings, program: str) -> Path:
    """Return where the log of a program of ours is."""
    return settings.folder / f"postflow_{program}.log"


def rotate_in_place(path: Path, settings: LogSettings) -> None:
    """Move what a running program has printed aside once it is too much.

    The program keeps its open file, which must append; a line that it prints at that very
    moment may be lost. For programs whose output we only catch.
    """
    try:
        if path.stat().st_size < settings.max_bytes:
            return
    except FileNotFoundError:
        return
    for number in range(settings.keep, 1, -1):
        older = path.with_name(f"{path.name}.{number - 1}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number}"))
    if settings.keep:
        shutil.copyfile(path, path.with_name(f"{path.name}.1"))
    os.truncate(path, 0)


class _Terminal(logging.StreamHandler[TextIO]):
    """Writes to whatever `sys.stderr` is at each line: notebooks and test runners exchange it."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def _add_file(
    logger: logging.Logger, settings: LogSettings, program: str, *, as_json: bool
) -> None:
    path = log_path(settings, program)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = RotatingFileHandler(
            path, maxBytes=settings.max_bytes, backupCount=settings.keep, encoding="utf-8"
        )
    except OSError as error:
        structlog.get_logger("postflow.logs").warning(
            "no log file", path=str(path), error=error.strerror, remedy="set logs.folder"
        )
        return
    file.setFormatter(_formatter(as_json=as_json, colours=False))
    logger.addHandler(file)


def _adopt_retries(logger: logging.Logger, *, are_told: bool) -> None:
    """Write what stamina says of our calls that are tried again like lines of our own, or not."""
    retries = logging.getLogger(_RETRIES)
    retries.handlers[:] = logger.handlers
    retries.propagate = False
    retries.setLevel(logger.level if are_told else logging.ERROR)


def _level(settings: LogSettings) -> int:
    name = os.environ.get("LOG_LEVEL", settings.level).upper()
    return logging.getLevelNamesMapping().get(name, logging.INFO)


def _shared() -> list[Any]:
    """Return what is done to every line, whoever wrote it and wherever it goes."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _formatter(*, as_json: bool, colours: bool) -> logging.Formatter:
    last: list[Any] = (
        [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
        if as_json
        else [
            structlog.dev.ConsoleRenderer(
                colors=colours,
                exception_formatter=structlog.dev.plain_traceback,  # the default one shows secrets
            )
        ]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )
