"""What a failed try means: whose fault it is, how to say and log it, and when to try again."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

import structlog

from postflow.errors import ConfigurationError, FrameioRefusedError, PostFlowError

_FIRST_RETRY = timedelta(seconds=2)
_LONGEST_RETRY = timedelta(minutes=5)
_log = structlog.get_logger("postflow.tracker")
_MOST_DOUBLINGS = 10  # beyond, the longest retry is reached long since


def is_tokens_fault(error: Exception) -> bool:
    """Whether Frame.io refuses us and not the request: a new token mends it."""
    statuses = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
    return isinstance(error, FrameioRefusedError) and error.status_code in statuses


def is_events_fault(error: Exception) -> bool:
    """Whether trying the same events for ever would be in vain."""
    if isinstance(error, ConfigurationError) or is_tokens_fault(error):
        return False
    return not (isinstance(error, PostFlowError) and error.retryable)


def plan_retry(attempts: int) -> timedelta:
    """Return how long to wait after so many tries."""
    doublings = min(max(attempts, 1) - 1, _MOST_DOUBLINGS)
    return min(_FIRST_RETRY * int(2**doublings), _LONGEST_RETRY)


def describe(error: Exception) -> str:
    """Return our sentence, or for an error that nobody foresaw its kind and text."""
    return str(error) if isinstance(error, PostFlowError) else f"{type(error).__name__}: {error}"


def warn(what: str, error: Exception, **fields: object) -> None:
    """Log what failed; with its traceback if nobody foresaw it."""
    unforeseen = not isinstance(error, PostFlowError)
    _log.warning(what, error=describe(error), exc_info=unforeseen, **fields)
