"""The only thing a tunnel shows to the world: deliveries in, and whether anybody is at home.

Written against ASGI itself: nothing can be mounted here by accident, and the way of a delivery to
its commit is as short as it can be. The answers stand in the order in which they are given.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

import structlog
from starlette.types import Receive, Scope, Send

from postflow.errors import DeliveryRejectedError, StoreError
from postflow.frameio.webhooks import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    parse_event,
    verify_delivery,
)
from postflow.store.inbox import Delivery
from postflow.tracker.ports import Clock
from webhook_api.bodies import (
    BodyBudget,
    BodyTooLongError,
    BodyTooSlowError,
    SenderGoneError,
    TooManyBodiesError,
    drain,
)
from webhook_api.errors import status_of
from webhook_api.intake import Intake
from webhook_api.metrics import AnswerCounts

WEBHOOK_PATH = "/webhooks/frameio"
HEALTH_PATH = "/health"
_METHODS = {WEBHOOK_PATH: ("POST",), HEALTH_PATH: ("GET", "HEAD")}
_COMPLAIN_EVERY = timedelta(seconds=30)
_TIMESTAMP = TIMESTAMP_HEADER.lower().encode("ascii")
_SIGNATURE = SIGNATURE_HEADER.lower().encode("ascii")
_log = structlog.get_logger("postflow.webhooks")


class _Answer(NamedTuple):
    status: HTTPStatus
    sentence: str
    key: str = "detail"
    closes: bool = False
    """Whether the rest of the body is not wanted."""
    allow: str = ""


_AT_HOME = _Answer(HTTPStatus.OK, "ok", key="status")
_STORED = _Answer(HTTPStatus.ACCEPTED, "stored", key="status")


class _Headers(NamedTuple):
    content_length: int | None
    timestamp: str | None
    signature: str | None


class _Complaints:
    """Says why deliveries are refused, but not for every one: anybody can send some."""

    def __init__(self) -> None:
        self._unsaid = 0
        self._next: datetime | None = None

    def note(self, error: DeliveryRejectedError, *, now: datetime) -> None:
        """Log the refusal, unless one was logged a moment ago."""
        self._unsaid += 1
        if self._next is None or now >= self._next:
            _log.warning("delivery refused", why=str(error), count=self._unsaid)
            self._unsaid, self._next = 0, now + _COMPLAIN_EVERY


class PublicFace:
    """The public ASGI application."""

    def __init__(
        self,
        *,
        secrets: Callable[[], Mapping[str, str | None]],
        tolerance: timedelta,
        intake: Intake,
        answers: AnswerCounts,
        clock: Clock,
    ) -> None:
        self._secrets = secrets
        self._tolerance = tolerance
        self._intake = intake
        self._answers = answers
        self._clock = clock
        self._budget = BodyBudget()
        self._complaints = _Complaints()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            answer = await self._answer(scope, receive)
        except SenderGoneError:
            return
        await _send(answer, scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> _Answer:
        path, method = scope["path"], scope["method"]
        allowed = _METHODS.get(path)
        if allowed is None:
            return _refusal(HTTPStatus.NOT_FOUND, "There is nothing here.")
        if method not in allowed:
            allow = ", ".join(allowed)
            return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"Use {allow} here.", allow=allow)
        if path == HEALTH_PATH:
            return _AT_HOME
        answer = await self._take_delivery(scope, receive)
        self._answers.note(answer.status)
        return answer

    async def _take_delivery(self, scope: Scope, receive: Receive) -> _Answer:
        headers = _read_headers(scope)
        with self._budget.holding() as held:
            try:
                body = await held.read(receive, announced=headers.content_length)
            except BodyTooLongError:
                return _refusal(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    "The body is longer than 1 MiB, so it is no event of Frame.io.",
                    closes=True,
                )
            except BodyTooSlowError:
                sentence = "The body did not arrive in time; send it again."
                return _refusal(HTTPStatus.REQUEST_TIMEOUT, sentence, closes=True)
            except TooManyBodiesError:
                sentence = "Too much is being sent at once; send it again in a moment."
                return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, sentence, closes=True)
            return await self._record(headers, body)

    async def _record(self, headers: _Headers, body: bytes) -> _Answer:
        secrets = self._secrets()
        if not secrets:
            sentence = "No webhook secret is configured here, so no delivery can be trusted."
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, sentence)
        timestamp, now = headers.timestamp, self._clock()
        try:
            secret = verify_delivery(
                secrets=secrets,
                timestamp_header=timestamp,
                signature_header=headers.signature,
                body=body,
                now=now,
                tolerance=self._tolerance,
            )
        except DeliveryRejectedError as error:
            self._complaints.note(error, now=now)
            return _refusal(status_of(error), str(error))
        try:
            event = parse_event(body)
        except ValueError:
            return _refusal(HTTPStatus.BAD_REQUEST, "The body is not a JSON object.")
        try:
            await self._intake.record(
                Delivery(
                    body=body,
                    request_timestamp=timestamp or "",
                    received_at=now,
                    event_type=event.type,
                    resource_type=event.resource_type,
                    resource_id=event.resource_id,
                    project_id=event.project_id,
                    workspace_id=event.workspace_id,
                    account_id=event.account_id,
                    user_id=event.user_id,
                    webhook_id=secrets[secret],
                )
            )
        except StoreError as error:
            _log.warning("delivery not stored", event_type=event.type, error=str(error))
            sentence = "The delivery could not be stored just now; send it again."
            return _refusal(status_of(error), sentence)
        return _STORED


def _refusal(status: HTTPStatus, detail: str, *, closes: bool = False, allow: str = "") -> _Answer:
    return _Answer(status, detail, closes=closes, allow=allow)


def _read_headers(scope: Scope) -> _Headers:
    """Read the headers that matter, each where it stands first."""
    length = timestamp = signature = None
    for name, value in scope["headers"]:
        if name == _TIMESTAMP:
            timestamp = timestamp or value.decode("latin-1")
        elif name == _SIGNATURE:
            signature = signature or value.decode("latin-1")
        elif name == b"content-length" and length is None and value.isdigit():
            length = int(value)
    return _Headers(length, timestamp, signature)


async def _send(answer: _Answer, scope: Scope, receive: Receive, send: Send) -> None:
    body, headers = _render(answer)
    await send({"type": "http.response.start", "status": answer.status.value, "headers": headers})
    shown = b"" if scope["method"] == "HEAD" else body
    await send({"type": "http.response.body", "body": shown, "more_body": answer.closes})
    if answer.closes:
        await drain(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@lru_cache(maxsize=64)
def _render(answer: _Answer) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    body = json.dumps({answer.key: answer.sentence}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode("ascii")),
    ]
    if answer.allow:
        headers.append((b"allow", answer.allow.encode("ascii")))
    if answer.closes:
        headers.append((b"connection", b"close"))
    return body, headers
