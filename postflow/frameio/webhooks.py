"""The signature on Frame.io's deliveries, and the little they say.

Pure: bytes and headers in, values out. An event that `parse_event` returned is not yet a
verified one; call `verify_delivery` first, on the bytes as they came. The scheme is
https://developer.adobe.com/frameio/guides/Webhooks/ (version `v0`, the only one).
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

from postflow.errors import DeliveryRejectedError
from postflow.frameio.wire import WebhookEvent

TIMESTAMP_HEADER = "X-Frameio-Request-Timestamp"
SIGNATURE_HEADER = "X-Frameio-Signature"
USER_AGENT = "Frame.io V4 API"

_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
_LONGEST_ID = 255  # a longer text is no id of Frame.io, and breaks an index of PostgreSQL


def sign_delivery(*, secret: str, timestamp: int, body: bytes) -> str:
    """Give the signature header's value for a body sent at `timestamp` (unix seconds)."""
    return _signature(secret, str(timestamp), body)


def verify_delivery(
    *,
    secrets: Iterable[str],
    timestamp_header: str | None,
    signature_header: str | None,
    body: bytes,
    now: datetime,
    tolerance: timedelta,
) -> str:
    """Return the secret that signed exactly these bytes lately, or raise DeliveryRejectedError."""
    live = [secret for secret in secrets if secret.strip()]
    if not live:
        raise DeliveryRejectedError(
            "No webhook secret is configured, so no delivery can be trusted; set one."
        )
    if not timestamp_header or not signature_header:
        missing = SIGNATURE_HEADER if timestamp_header else TIMESTAMP_HEADER
        raise DeliveryRejectedError(f"The delivery has no {missing} header; Frame.io sends one.")
    _refuse_untimely(timestamp_header, now=now, tolerance=tolerance)
    if not _SIGNATURE.fullmatch(signature_header):
        raise DeliveryRejectedError(
            f"The {SIGNATURE_HEADER} header is malformed; it must be v0= and 64 hex digits."
        )
    # Every secret is tried, so that the time taken does not tell which one was close.
    matches = [
        secret
        for secret in live
        if hmac.compare_digest(_signature(secret, timestamp_header, body), signature_header)
    ]
    if not matches:
        raise DeliveryRejectedError(
            "The delivery is not signed with any of the configured webhook secrets; "
            "check the secret that Frame.io showed when the webhook was created."
        )
    return matches[0]


def parse_event(body: bytes) -> WebhookEvent:
    """Read what a body says, as far as it goes; ValueError unless it is a JSON object.

    What is absent or of a strange shape is None, because a delivery that was signed is stored
    whatever it holds.
    """
    try:
        found: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = _parse_lenient(body)
    if not isinstance(found, dict):
        raise ValueError("The body is JSON but not an object, so it is no event of Frame.io.")  # noqa: TRY004 - the value is wrong, its Python type is our reading of it
    resource = found.get("resource")
    return WebhookEvent(
        type=_text(found.get("type")),
        resource_id=_part(resource, "id"),
        resource_type=_part(resource, "type"),
        project_id=_part(found.get("project"), "id"),
        user_id=_part(found.get("user"), "id"),
        workspace_id=_part(found.get("workspace"), "id"),
        account_id=_part(found.get("account"), "id"),
    )


def _parse_lenient(body: bytes) -> Any:
    """Parse what only Python's own parser reads: other encodings, NaN, great depths."""
    try:
        text = body.decode(json.detect_encoding(body), "surrogatepass")
        return _DECODER.decode(text)
    except RecursionError:
        # An object too deep to read is still an object that was signed: stored, with nothing known.
        return {} if body.lstrip().startswith(b"{") else []


def _refuse_untimely(timestamp_header: str, *, now: datetime, tolerance: timedelta) -> None:
    if not _TIMESTAMP.fullmatch(timestamp_header):
        raise DeliveryRejectedError(
            f"The {TIMESTAMP_HEADER} header is malformed; it must be unix seconds."
        )
    age = now.timestamp() - int(timestamp_header)
    if abs(age) > tolerance.total_seconds():
        side = "old" if age > 0 else "in the future"
        raise DeliveryRejectedError(
            f"The delivery is {abs(age):.0f} s {side}, more than the "
            f"{tolerance.total_seconds():.0f} s allowed; compare the clocks of both machines."
        )


def _signature(secret: str, timestamp: str, body: bytes) -> str:
    message = b"v0:" + timestamp.encode("ascii") + b":" + body
    keyed = _keyed(secret).copy()
    keyed.update(message)
    return "v0=" + keyed.hexdigest()


@lru_cache(maxsize=8)
def _keyed(secret: str) -> hmac.HMAC:
    """Return the key's part of a signature, which is the same for every body."""
    return hmac.new(secret.encode(), digestmod="sha256")


def _part(found: object, key: str) -> str | None:
    return _text(found.get(key)) if isinstance(found, dict) else None


def _short_int(digits: str) -> int:
    """Read a whole number; one that Python refuses to read for its length means nothing to us."""
    return int(digits) if len(digits) < _LONGEST_ID else 0


def _text(found: object) -> str | None:
    """Keep a text that a database can hold; NUL and lone surrogates cannot be stored."""
    if not isinstance(found, str) or not found or len(found) > _LONGEST_ID or "\0" in found:
        return None
    if found.isascii():
        return found
    try:
        found.encode()
    except UnicodeEncodeError:
        return None
    return found


_DECODER = json.JSONDecoder(parse_int=_short_int)
