"""Waiting for a store that is away: a database that was stopped for a while costs time, no run.

Only for work that may be done twice: a commit whose answer was lost may have happened.
"""

from __future__ import annotations

import functools
import logging
import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from prefect import get_run_logger
from prefect.exceptions import MissingContextError

from postflow.errors import StoreUnavailableError
from postflow.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")

_FIRST_PAUSE = 0.2  # seconds; every pause is about twice as long as the one before
_LONGEST_PAUSE = 5.0
# Shorter than the tracker's own watch over silent runs (two lease renewals): whoever waited for
# the store must show that it lives before it is taken for dead.


class _HasSettings(Protocol):
    @property
    def settings(self) -> Settings: ...


Desk = TypeVar("Desk", bound=_HasSettings)


def patient(
    function: Callable[Concatenate[Desk, P], R],
) -> Callable[Concatenate[Desk, P], R]:
    """Let a function that works on a desk wait for the store as long as `database.patience`."""

    @functools.wraps(function)
    def wait_and_do(desk: Desk, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return wait_for_store(
            lambda: function(desk, *args, **kwargs), patience=desk.settings.database.patience
        )

    return wait_and_do


def wait_for_store(work: Callable[[], R], *, patience: timedelta) -> R:
    """Do the work, again and again while the store is away; raises its error after `patience`.

    Said once when the waiting begins and once when it ends, not for every try, so not by stamina.
    """
    until = time.monotonic() + patience.total_seconds()
    pause, is_waiting = _FIRST_PAUSE, False
    while True:
        try:
            result = work()
        except StoreUnavailableError as error:
            if time.monotonic() + pause > until:
                raise
            if not is_waiting:
                run_logger().warning("waiting up to %s for the store: %s", patience, error)
            is_waiting = True
        else:
            if is_waiting:
                run_logger().info("the store is back, going on")
            return result
        time.sleep(pause * random.uniform(0.75, 1))  # noqa: S311 - not to come back all at once
        pause = min(2 * pause, _LONGEST_PAUSE)


def run_logger() -> logging.Logger | logging.LoggerAdapter[logging.Logger]:
    """Return the run's logger, whose lines Prefect shows, or a plain one outside of a run."""
    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger("postflow.flows")
