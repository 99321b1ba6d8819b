"""The only thing a tunnel shows to the world: deliveries in, and whether anybody is at home.

Written against ASGI itself: nothing can be mounted here by accident, and the way of a delivery to
its commit is as short as it can be; what comes whole goes past ASGI. The answers stand in the order
in which they are given.
"""

from __future__ import annotations

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
from postflow.store.inbox import Delivery
from postflow.tracker.ports import Clock
from webhook_api.answers import AT_HOME, STORED, Answer, refusal, render_whole, send_answer
from webhook_api.bodies import (
    BodyBudget,
    BodyTooLongError,
    BodyTooSlowError,
    SenderGoneError,
    TooManyBodiesError,
)
from webhook_api.errors import status_of
from webhook_api.intake import Intake
from webhook_api.metrics import AnswerCounts
from webhook_api.whole_requests import Exchange, Headers

WEBHOOK_PATH = "/webhooks/frameio"
HEALTH_PATH = "/health"
_METHODS = {WEBHOOK_PATH: ("POST",), HEALTH_PATH: ("GET", "HEAD")}
_COMPLAIN_EVERY = timedelta(seconds=30)
_TIMESTAMP = TIMESTAMP_HEADER.lower().encode("ascii")
_SIGNATURE = SIGNATURE_HEADER.lower().encode("ascii")
_log = structlog.get_logger("postflow.webhooks")


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
        await send_answer(answer, scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        path, method = scope["path"], scope["method"]
        allowed = _METHODS.get(path)
        if allowed is None:
            return refusal(HTTPStatus.NOT_FOUND, "There is nothing here.")
        if method not in allowed:
            allow = ", ".join(allowed)
            return refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"Use {allow} here.", allow=allow)
        if path == HEALTH_PATH:
            return AT_HOME
        answer = await self._take_delivery(scope, receive)
        self._answers.note(answer.status)
        return answer

    async def _take_delivery(self, scope: Scope, receive: Receive) -> Answer:
        headers = _read_headers(scope["headers"])
        with self._budget.holding() as held:
            try:
                body = await held.read(receive, announced=headers.content_length)
            except BodyTooLongError:
                return refusal(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    "The body is longer than 1 MiB, so it is no event of Frame.io.",
                    closes=True,
                )
            except BodyTooSlowError:
                sentence = "The body did not arrive in time; send it again."
                return refusal(HTTPStatus.REQUEST_TIMEOUT, sentence, closes=True)
            except TooManyBodiesError:
                sentence = "Too much is being sent at once; send it again in a moment."
                return refusal(HTTPStatus.SERVICE_UNAVAILABLE, sentence, closes=True)
            return await self._record(headers, body)

    async def _record(self, headers: _Headers, body: bytes) -> Answer:
        delivery = self._check(headers, body)
        if isinstance(delivery, Answer):
            return delivery
        try:
            await self._intake.record(delivery)
        except StoreError as error:
            return _tell_unstored(delivery, error)
        return STORED

    def take_whole(self, headers: Headers, body: bytes, exchange: Exchange) -> bool:
        """Take a delivery that came whole, and answer it as `__call__` would, after the commit.

        Returns False, and does nothing, where too much is held already: `__call__` says so.
        """
        if not self._budget.has_room(len(body)):
            return False
        delivery = self._check(_read_headers(headers), body)
        if isinstance(delivery, Answer):
            self._answers.note(delivery.status)
            exchange.answer(*render_whole(delivery))
            return True
        whole = _Whole(self, exchange, delivery)
        self._budget.take(len(body))
        try:
            self._intake.take(delivery, whole.tell)
        except StoreError as error:
            whole.tell(error)
        return True

    def finish(self, answer: Answer, exchange: Exchange, delivery: Delivery) -> None:
        """Answer a delivery that came whole, and let its bytes go."""
        self._budget.give_back(len(delivery.body))
        self._answers.note(answer.status)
        exchange.answer(*render_whole(answer))

    def _check(self, headers: _Headers, body: bytes) -> Delivery | Answer:
        """Return what is to be stored, or why nothing is."""
        secrets = self._secrets()
        if not secrets:
            sentence = "No webhook secret is configured here, so no delivery can be trusted."
            return refusal(HTTPStatus.SERVICE_UNAVAILABLE, sentence)
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
            return refusal(status_of(error), str(error))
        try:
            event = parse_event(body)
        except ValueError:
            return refusal(HTTPStatus.BAD_REQUEST, "The body is not a JSON object.")
        return Delivery(
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


class _Whole:
    """A delivery that came whole, until it is answered."""

    __slots__ = ("_delivery", "_exchange", "_face")

    def __init__(self, face: PublicFace, exchange: Exchange, delivery: Delivery) -> None:
        self._face = face
        self._exchange = exchange
        self._delivery = delivery

    def tell(self, error: StoreError | None) -> None:
        """Hear that it is on disk, or why it is not."""
        answer = STORED if error is None else _tell_unstored(self._delivery, error)
        self._face.finish(answer, self._exchange, self._delivery)


def _tell_unstored(delivery: Delivery, error: StoreError) -> Answer:
    _log.warning("delivery not stored", event_type=delivery.event_type, error=str(error))
    sentence = "The delivery could not be stored just now; send it again."
    return refusal(status_of(error), sentence)


def _read_headers(headers: Headers) -> _Headers:
    """Read the headers that matter, each where it stands first."""
    length = timestamp = signature = None
    for name, value in headers:
        if name == _TIMESTAMP:
            timestamp = timestamp or value.decode("latin-1")
        elif name == _SIGNATURE:
            signature = signature or value.decode("latin-1")
        elif name == b"content-length" and length is None and value.isdigit():
            length = int(value)
    return _Headers(length, timestamp, signature)
