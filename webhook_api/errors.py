"""Which HTTP status each of our errors is; the one table, and the one shape of an answer."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel

from postflow.errors import (
    ConfigurationError,
    DecisionError,
    DeliveryRejectedError,
    FlowRunError,
    FrameioError,
    PostFlowError,
    PrefectUnavailableError,
    StoreError,
    UnknownUploadError,
    UploadConflictError,
    UploadError,
)

# The first class that fits counts, so the special ones stand before the general ones.
STATUS_OF: tuple[tuple[type[PostFlowError], HTTPStatus], ...] = (
    (DeliveryRejectedError, HTTPStatus.UNAUTHORIZED),
    (DecisionError, HTTPStatus.CONFLICT),
    (UnknownUploadError, HTTPStatus.NOT_FOUND),
    (UploadConflictError, HTTPStatus.CONFLICT),
    (UploadError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (StoreError, HTTPStatus.SERVICE_UNAVAILABLE),
    (PrefectUnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
    (FlowRunError, HTTPStatus.BAD_GATEWAY),
    (FrameioError, HTTPStatus.BAD_GATEWAY),
    (ConfigurationError, HTTPStatus.INTERNAL_SERVER_ERROR),
)


def status_of(error: PostFlowError) -> HTTPStatus:
    """Return the HTTP status by which this error is told."""
    found = (status for kind, status in STATUS_OF if isinstance(error, kind))
    return next(found, HTTPStatus.INTERNAL_SERVER_ERROR)


class Refusal(BaseModel):
    """Every error as it is answered: one sentence."""

    detail: str


def refusals(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Return these statuses as FastAPI documents what a route may answer."""
    return {status.value: {"model": Refusal, "description": status.phrase} for status in statuses}
