"""A delivery that PostFlow sends to itself, through the address that Frame.io calls.

It is signed like Frame.io's, stored like Frame.io's, and settled without any effect: what arrives
proves the way from outside, the secret, and the store behind them.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from uuid import uuid4

import httpx

from postflow.frameio.webhooks import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign_delivery
from postflow.settings import Settings
from postflow.store.database import Store
from postflow.store.inbox import SELF_TEST, has_resource_come, newest_event_id
from postflow.webhook_secrets import load_webhook_secrets

_SECONDS = 10.0
FOREIGN_ERRORS = (httpx.HTTPError, httpx.InvalidURL)


class SelfTestOutcome(StrEnum):
    """How far the delivery came."""

    ARRIVED = "arrived"
    """It was stored in our store."""
    ELSEWHERE = "elsewhere"
    """It was accepted, by somebody who does not use our store."""
    REFUSED = "refused"
    """Somebody answered, and did not take it."""
    UNREACHABLE = "unreachable"
    """Nobody answered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SelfTest:
    """The outcome, and a sentence on it."""

    outcome: SelfTestOutcome
    says: str


async def send_signed(address: str, *, secret: str, body: bytes, seconds: float) -> httpx.Response:
    """Send bytes as Frame.io would send them; raises one of FOREIGN_ERRORS."""
    timestamp = int(time.time())
    signature = sign_delivery(secret=secret, timestamp=timestamp, body=body)
    headers = {
        "content-type": "application/json",
        TIMESTAMP_HEADER: str(timestamp),
        SIGNATURE_HEADER: signature,
    }
    async with httpx.AsyncClient(timeout=seconds) as http:
        return await http.post(address, content=body, headers=headers)


async def run_self_test(store: Store, *, address: str, secret: str) -> SelfTest:
    """Send a delivery to the address and look whether it came into the store; raises StoreError."""
    name = str(uuid4())
    body = json.dumps({"type": SELF_TEST, "resource": {"id": name, "type": "self-test"}}).encode()
    before = await asyncio.to_thread(_newest, store)
    try:
        answer = await send_signed(address, secret=secret, body=body, seconds=_SECONDS)
    except FOREIGN_ERRORS as error:
        told = f"{address} cannot be reached from here ({type(error).__name__}: {error})"
        return SelfTest(outcome=SelfTestOutcome.UNREACHABLE, says=told)
    if answer.status_code != HTTPStatus.ACCEPTED:
        return SelfTest(outcome=SelfTestOutcome.REFUSED, says=_explain(address, answer))
    if not await asyncio.to_thread(_has_come, store, name, before):
        told = f"a PostFlow with another store answers at {address}"
        return SelfTest(outcome=SelfTestOutcome.ELSEWHERE, says=told)
    return SelfTest(
        outcome=SelfTestOutcome.ARRIVED,
        says=f"a signed delivery to {address} came into the store",
    )


def find_secret(settings: Settings, address: str) -> str | None:
    """Return the secret that deliveries to the address are signed with, as far as we know."""
    filed = load_webhook_secrets(settings.webhook.secrets_file)
    fitting = [each for each in filed if each.url == address] or list(filed)
    if fitting:
        return fitting[-1].secret.get_secret_value()
    return next((each.get_secret_value() for each in settings.webhook.secrets), None)


def _newest(store: Store) -> int:
    with store.reading() as session:
        return newest_event_id(session)


def _has_come(store: Store, name: str, before: int) -> bool:
    with store.reading() as session:
        return has_resource_come(session, name, after=before)


def _explain(address: str, answer: httpx.Response) -> str:
    """Return what an answer means that is no acceptance."""
    code = answer.status_code
    match code:
        case HTTPStatus.UNAUTHORIZED:
            why = "the service there does not trust our secret, or its clock is off"
        case HTTPStatus.SERVICE_UNAVAILABLE if b"secret" in answer.content:
            why = "the service there has no secret"
        case HTTPStatus.NOT_FOUND | HTTPStatus.METHOD_NOT_ALLOWED:
            why = "that is not PostFlow's public face"
        case _ if code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            why = "nothing listens behind it, or the store cannot be written"
        case _:
            why = "that is no answer of PostFlow's"
    return f"{address} answers {code}: {why}"
