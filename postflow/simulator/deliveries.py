"""Signed deliveries to webhooks: five attempts each, backing off, all of them on record.

Frame.io promises little here (at least once, in any order, possibly never); faults make each
of these happen on purpose.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

import httpx

from postflow.frameio.webhooks import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    USER_AGENT,
    sign_delivery,
)
from postflow.simulator.clock import SimulatedClock
from postflow.simulator.config import SimulatorConfig
from postflow.simulator.faults import Fault, FaultKind, Faults
from postflow.simulator.records import StoredWebhook
from postflow.simulator.state import fresh_id

LOG_LENGTH = 20_000
AT_ONCE = 50  # attempts in flight; the rest waits its turn


class DeliveryState(StrEnum):
    """How far one delivery is."""

    QUEUED = "queued"  # waits for the answer of the call that caused it, or for its turn
    HELD = "held"  # waits for a later one (fault: reorder)
    BACKING_OFF = "backing_off"  # an attempt failed, the next one is due later
    DELIVERED = "delivered"  # answered with 2xx
    GAVE_UP = "gave_up"  # the last attempt failed
    DROPPED = "dropped"  # never sent (fault: drop), or its webhook is gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request: when, what was signed, and what came back."""

    at: datetime
    timestamp: int
    signature: str
    seconds: float
    status: int | None
    error: str | None


@dataclass(slots=True, kw_only=True)
class Delivery:
    """One happening on its way to one webhook."""

    number: int
    webhook: StoredWebhook
    event: str
    resource_id: str
    body: bytes
    id: str = field(default_factory=fresh_id)
    state: DeliveryState = DeliveryState.QUEUED
    attempts: list[Attempt] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    copy_of: str | None = None

    def has(self, kind: FaultKind) -> Fault | None:
        """Find the fault of this kind that was taken for this delivery."""
        return next((fault for fault in self.faults if fault.kind is kind), None)


class Deliveries:
    """Sends what is posted, once `flush` says that the causing call was answered."""

    def __init__(self, *, config: SimulatorConfig, clock: SimulatedClock, faults: Faults) -> None:
        self._config = config
        self._clock = clock
        self._faults = faults
        self._numbers = itertools.count(1)
        self._queue: list[Delivery] = []
        self._held: list[Delivery] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._line: _Line | None = None
        self.log: deque[Delivery] = deque(maxlen=LOG_LENGTH)

    def post(self, webhook: StoredWebhook, *, event: str, resource_id: str, body: bytes) -> None:
        """Queue one delivery and decide which faults will hit it."""
        delivery = Delivery(
            number=next(self._numbers),
            webhook=webhook,
            event=event,
            resource_id=resource_id,
            body=body,
            faults=self._faults.for_delivery(event),
        )
        self._enter(delivery)
        repeat = delivery.has(FaultKind.DUPLICATE)
        for _ in range(repeat.copies if repeat else 0):
            copy = replace(delivery, number=next(self._numbers), id=fresh_id(), attempts=[])
            copy.copy_of = delivery.id
            self._enter(copy)

    def send_again(self, delivery: Delivery) -> Delivery:
        """Send a delivery of the log once more, freshly signed."""
        again = replace(
            delivery,
            number=next(self._numbers),
            id=fresh_id(),
            attempts=[],
            faults=[],
            copy_of=delivery.id,
            state=DeliveryState.QUEUED,
        )
        self._enter(again)
        return again

    def flush(self) -> None:
        """Start everything that was posted since; call it when the answer is out."""
        queue, self._queue = self._queue, []
        for delivery in queue:
            self._start(delivery)

    async def flush_and_wait(self) -> None:
        """Start everything that was posted and wait for the first attempts."""
        before = set(self._tasks)
        self.flush()
        await asyncio.gather(*(self._tasks - before))

    def release_held(self) -> None:
        """Send what was held back, without waiting for a later delivery."""
        held, self._held = self._held, []
        for delivery in held:
            delivery.state = DeliveryState.QUEUED
            self._spawn(delivery)

    @property
    def unsettled(self) -> int:
        """How many deliveries may still be sent."""
        open_states = (DeliveryState.QUEUED, DeliveryState.HELD, DeliveryState.BACKING_OFF)
        return sum(delivery.state in open_states for delivery in self.log)

    async def close(self) -> None:
        """Stop sending; what was not delivered stays so."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._line is not None:
            await self._line.client.aclose()
            self._line = None

    def _enter(self, delivery: Delivery) -> None:
        self.log.append(delivery)
        self._queue.append(delivery)

    def _start(self, delivery: Delivery) -> None:
        if delivery.has(FaultKind.DROP):
            delivery.state = DeliveryState.DROPPED
        elif delay := delivery.has(FaultKind.DELAY):
            self._clock.after(delay.span, self._spawner(delivery))
        elif delivery.has(FaultKind.REORDER):
            delivery.state = DeliveryState.HELD
            self._held.append(delivery)
        else:
            self._spawn(delivery)

    def _spawner(self, delivery: Delivery) -> Callable[[], None]:
        return lambda: self._spawn(delivery)

    def _spawn(self, delivery: Delivery) -> None:
        task = asyncio.get_running_loop().create_task(self._attempt(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attempt(self, delivery: Delivery) -> None:
        webhook = delivery.webhook
        if not webhook.active:
            delivery.state = DeliveryState.DROPPED
            return
        line = self._open_line()
        async with line.turns:
            attempt = await self._send(delivery, line.client)
        delivery.attempts.append(attempt)
        if attempt.status is not None and 200 <= attempt.status < 300:  # noqa: PLR2004 - HTTP's own numbers
            delivery.state = DeliveryState.DELIVERED
        elif len(delivery.attempts) >= self._config.delivery_attempts:
            delivery.state = DeliveryState.GAVE_UP
        else:
            delivery.state = DeliveryState.BACKING_OFF
            jitter = 1 + random.random() / 4  # noqa: S311 - spreads load, guards nothing
            wait = self._config.delivery_backoff * 2 ** (len(delivery.attempts) - 1) * jitter
            self._clock.after(wait, self._spawner(delivery))
        if self._held:
            self.release_held()

    async def _send(self, delivery: Delivery, client: httpx.AsyncClient) -> Attempt:
        body, headers = self._signed(delivery)
        began = time.monotonic()
        status, error = None, None
        try:
            async with asyncio.timeout(self._config.delivery_timeout.total_seconds()):
                answer = await client.post(delivery.webhook.url, content=body, headers=headers)
            status = answer.status_code
        except TimeoutError:
            error = f"no answer within {self._config.delivery_timeout.total_seconds():g} s"
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as problem:
            error = f"{type(problem).__name__}: {problem}"
        return Attempt(
            at=self._clock.now(),
            timestamp=int(headers[TIMESTAMP_HEADER]),
            signature=headers[SIGNATURE_HEADER],
            seconds=time.monotonic() - began,
            status=status,
            error=error,
        )

    def _signed(self, delivery: Delivery) -> tuple[bytes, dict[str, str]]:
        """Sign as of the real second, because the receiver's clock is never simulated."""
        timestamp, secret, body = int(time.time()), delivery.webhook.secret, delivery.body
        if not delivery.attempts:
            if shift := delivery.has(FaultKind.TIMESTAMP):
                timestamp += int(shift.seconds)
            if delivery.has(FaultKind.WRONG_SIGNATURE):
                secret = "somebody-else"  # noqa: S105 - it is meant to be wrong
        signature = sign_delivery(secret=secret, timestamp=timestamp, body=body)
        if not delivery.attempts and delivery.has(FaultKind.TAMPER):
            body = body.replace(b'"type"', b'"tampered":true,"type"', 1)
        return body, {
            "content-type": "application/json",
            "user-agent": USER_AGENT,
            TIMESTAMP_HEADER: str(timestamp),
            SIGNATURE_HEADER: signature,
        }

    def _open_line(self) -> _Line:
        loop = asyncio.get_running_loop()
        if self._line is None or self._line.loop is not loop:
            self._line = _Line(
                loop=loop,
                turns=asyncio.Semaphore(AT_ONCE),
                client=httpx.AsyncClient(
                    transport=self._config.delivery_transport,
                    trust_env=False,
                    timeout=None,  # noqa: S113 - the whole attempt is timed instead
                    # A kept connection would outlive an event loop that ends without a word.
                    limits=httpx.Limits(max_keepalive_connections=0),
                ),
            )
        return self._line


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """What sending needs, for as long as one event loop lives."""

    loop: asyncio.AbstractEventLoop
    turns: asyncio.Semaphore
    client: httpx.AsyncClient
