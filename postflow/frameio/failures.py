"""What goes wrong at Frame.io, told as one of our errors.

The only place that turns an answer or an httpx error into the tree of `postflow.errors`.
It must never quote a request's address, headers or body: they hold tokens and signatures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import httpx
from pydantic import ValidationError

from postflow.errors import (
    FrameioError,
    FrameioRefusedError,
    FrameioUnavailableError,
    NotFoundError,
    RateLimitedError,
    UploadError,
)
from postflow.frameio.wire import Errors

SHORTEST_RATE_WAIT = 1.0  # seconds; the guide asks for at least one after a 429
LONGEST_DETAIL = 300

# httpx roots its errors in three places; InvalidURL and StreamError are no HTTPError.
FOREIGN_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError)

ADVICE = {
    HTTPStatus.UNAUTHORIZED: "it does not accept the token; log in again or renew the token",
    HTTPStatus.FORBIDDEN: "the token has no right to do this, or the account is locked; "
    "check the token and the rights of its user",
    HTTPStatus.NOT_FOUND: "there is no such object; it was deleted, or the token's user "
    "cannot see it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back over the wire, read to its end."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


def failure_of(doing: str, failure: Answer | Exception) -> FrameioError:
    """Say in one sentence what failed while `doing`, sorted by who must act."""
    if isinstance(failure, Answer):
        return _failure_of_answer(doing, failure)
    if isinstance(failure, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return FrameioError(
            f"Frame.io could not be asked to {doing}: its address is no usable http(s) "
            "address; check `frameio.base_url`."
        )
    if isinstance(failure, httpx.TimeoutException):
        what = f"did not answer in time ({type(failure).__name__})"
    else:
        what = f"could not be reached ({type(failure).__name__})"
    return FrameioUnavailableError(f"Frame.io {what} when asked to {doing}; try again later.")


def unreadable(doing: str, why: str) -> FrameioError:
    """Say that an answer of success cannot be understood; nobody may guess what it meant."""
    return FrameioError(
        f"Frame.io's answer to '{doing}' cannot be read ({why}); check `frameio.base_url`, "
        "or report that Frame.io changed this answer."
    )


def most_telling(failures: ExceptionGroup[Exception]) -> Exception:
    """Pick one of several failures at once: what is wrong with the file explains the rest."""
    each_one = list(_single(failures))
    return next((each for each in each_one if isinstance(each, UploadError)), each_one[0])


def _single(failures: ExceptionGroup[Exception]) -> Iterator[Exception]:
    for each in failures.exceptions:
        if isinstance(each, ExceptionGroup):
            yield from _single(each)
        else:
            yield each


def _failure_of_answer(doing: str, answer: Answer) -> FrameioError:
    status = answer.status
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = _seconds_to_wait(answer.headers)
        return RateLimitedError(
            f"Frame.io is asked too often to {doing} (429); wait {wait:g} s and try again.",
            retry_after=wait,
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return FrameioUnavailableError(
            f"Frame.io failed when asked to {doing} ({status}); try again later."
        )
    if status < HTTPStatus.BAD_REQUEST:
        return unreadable(doing, f"unexpected status {status}")
    advice = ADVICE.get(HTTPStatus(status)) if status in ADVICE else None
    kind = NotFoundError if status == HTTPStatus.NOT_FOUND else FrameioRefusedError
    return kind(
        f"Frame.io refused to {doing} ({status}): {advice or _details(answer.body)}.",
        status_code=status,
    )


def _details(body: bytes) -> str:
    """Frame.io's own words; a proxy's page says nothing useful, so it is left out."""
    try:
        errors = Errors.model_validate_json(body).errors
    except ValidationError:
        return "no reason given"
    told = [
        f"{each.detail} at {each.source.pointer}"
        if each.source and each.source.pointer
        else each.detail
        for each in errors
    ]
    return ("; ".join(told) or "no reason given")[:LONGEST_DETAIL].rstrip(".")


def _seconds_to_wait(headers: Mapping[str, str]) -> float:
    """Obey Retry-After where it is sent, else wait for one more call to fit into the window.

    Frame.io documents `x-ratelimit-limit` calls per `x-ratelimit-window` milliseconds, filled up
    continuously, and no Retry-After.
    """
    told = _number(headers, "retry-after")
    if told is None:
        limit, window = (_number(headers, f"x-ratelimit-{name}") for name in ("limit", "window"))
        told = window / 1000 / limit if limit and window else SHORTEST_RATE_WAIT
    return max(told, SHORTEST_RATE_WAIT) if told < 3600 else SHORTEST_RATE_WAIT  # noqa: PLR2004 -- an hour is no rate limit


def _number(headers: Mapping[str, str], name: str) -> float | None:
    try:
        return float(headers.get(name, ""))
    except ValueError:
        return None
