"""The only thing a tunnel shows to the world: deliveries in, and whether anybody is at home.

Written against ASGI itself: nothing can be mounted here by accident, and the way of a delivery to
its commit is as short as it can be. The answers stand in the order in which they are given.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
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
from postflow.frameio.wire import Reference, WebhookEvent
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
_log = structlog.get_logger("postflow.webhooks")


class _Answer(NamedTuple):
    status: HTTPStatus
    content: dict[str, str]
    closes: bool = False
    """Whether the rest of the body is not wanted."""
    allow: str = ""


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
            return _Answer(HTTPStatus.OK, {"status": "ok"})
        answer = await self._take_delivery(scope, receive)
        self._answers.note(answer.status)
        return answer

    async def _take_delivery(self, scope: Scope, receive: Receive) -> _Answer:
        headers = _read_headers(scope)
        with self._budget.holding() as held:
            try:
                body = await held.read(receive, announced=_content_length(headers))
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

    async def _record(self, headers: dict[bytes, bytes], body: bytes) -> _Answer:
        secrets = self._secrets()
        if not secrets:
            sentence = "No webhook secret is configured here, so no delivery can be trusted."
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, sentence)
        timestamp = _text(headers, TIMESTAMP_HEADER)
        try:
            secret = verify_delivery(
                secrets=secrets,
                timestamp_header=timestamp,
                signature_header=_text(headers, SIGNATURE_HEADER),
                body=body,
                now=self._clock(),
                tolerance=self._tolerance,
            )
        except DeliveryRejectedError as error:
            self._complaints.note(error, now=self._clock())
            return _refusal(status_of(error), str(error))
        try:
            event = parse_event(body)
        except ValueError:
            return _refusal(HTTPStatus.BAD_REQUEST, "The body is not a JSON object.")
        try:
            await self._intake.record(
                self._delivery(event, body, timestamp or "", webhook_id=secrets[secret])
            )
        except StoreError as error:
            _log.warning("delivery not stored", event_type=event.type, error=str(error))
            sentence = "The delivery could not be stored just now; send it again."
            return _refusal(status_of(error), sentence)
        return _Answer(HTTPStatus.ACCEPTED, {"status": "stored"})

    def _delivery(
        self, event: WebhookEvent, body: bytes, timestamp: str, *, webhook_id: str | None
    ) -> Delivery:
        return Delivery(
            body=body,
            request_timestamp=timestamp,
            webhook_id=webhook_id,
            received_at=self._clock(),
            event_type=event.type,
            resource_type=event.resource.type if event.resource else None,
            resource_id=_id_of(event.resource),
            project_id=_id_of(event.project),
            workspace_id=_id_of(event.workspace),
            account_id=_id_of(event.account),
            user_id=_id_of(event.user),
        )


def _refusal(status: HTTPStatus, detail: str, *, closes: bool = False, allow: str = "") -> _Answer:
    return _Answer(status, {"detail": detail}, closes, allow)


def _id_of(reference: Reference | None) -> str | None:
    return reference.id if reference else None


def _read_headers(scope: Scope) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name, value)
    return headers


def _text(headers: dict[bytes, bytes], name: str) -> str | None:
    value = headers.get(name.lower().encode("ascii"))
    return None if value is None else value.decode("latin-1")


def _content_length(headers: dict[bytes, bytes]) -> int | None:
    value = headers.get(b"content-length", b"")
    return int(value) if value.isdigit() else None


async def _send(answer: _Answer, scope: Scope, receive: Receive, send: Send) -> None:
    body = json.dumps(answer.content).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode("ascii")),
    ]
    if answer.allow:
        headers.append((b"allow", answer.allow.encode("ascii")))
    if answer.closes:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status.value, "headers": headers})
    shown = b"" if scope["method"] == "HEAD" else body
    await send({"type": "http.response.body", "body": shown, "more_body": answer.closes})
    if answer.closes:
        await drain(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
