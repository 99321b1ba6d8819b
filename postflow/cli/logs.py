"""Where log lines go and how they look: to stderr, readable or JSON, names and fields."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

import structlog

from postflow.settings.sections import LogSettings


def configure_logs(settings: LogSettings | None = None) -> None:
    """Send our log lines to stderr; `LOG_LEVEL` in the environment beats the setting."""
    chosen = settings or LogSettings()
    name = os.environ.get("LOG_LEVEL", chosen.level).upper()
    level = logging.getLevelNamesMapping().get(name, logging.INFO)
    as_json = chosen.format == "json"
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,  # the default one shows secrets
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info
            if as_json
            else structlog.processors.StackInfoRenderer(),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
