"""A Prefect server that is away ends this process, and never the run.

Whoever cannot tell Prefect that a run suspends must not tell our store that it failed either: the
lease runs out, and the tracker starts the run again once Prefect answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from prefect.exceptions import Abort, PrefectHTTPStatusError

from flows.patience import run_logger
from postflow.errors import PrefectUnavailableError


@contextmanager
def outliving_prefect() -> Iterator[None]:
    """Turn an error that says nothing but that Prefect is away into the end of this process.

    Must stand inside of the lease, which an error of the run itself would end.
    """
    try:
        yield
    except Exception as error:
        if not is_prefect_away(error):
            raise
        run_logger().warning(
            "Prefect's server does not answer (%s); this process ends, its run goes on later",
            type(error).__name__,
        )
        raise Abort("Prefect's server does not answer.") from error


@contextmanager
def showing(what: str) -> Iterator[None]:
    """Let a Prefect that is away cost what is shown, and nothing else."""
    try:
        yield
    except Exception as error:
        if not is_prefect_away(error):
            raise
        run_logger().warning("%s not shown: %s", what, type(error).__name__)


def is_prefect_away(error: Exception) -> bool:
    """Whether the error is about reaching Prefect; Frame.io's never come as httpx's own."""
    if isinstance(error, PrefectHTTPStatusError):
        return error.response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR
    return isinstance(error, httpx.TransportError | PrefectUnavailableError)
