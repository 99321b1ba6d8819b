"""Deliveries as Frame.io signs them."""

from __future__ import annotations

import time

from postflow.frameio.webhooks import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign_delivery

SECRET = "postflow-test-secret"
PATH = "/webhooks/frameio"
BODY = (
    b'{"type":"file.ready","resource":{"id":"file-1","type":"file"},"project":{"id":"project-1"}}'
)


def signed(body: bytes = BODY, *, secret: str = SECRET, late: int = 0) -> dict[str, str]:
    """Return the headers of a delivery that was signed `late` seconds ago."""
    timestamp = int(time.time()) - late
    signature = sign_delivery(secret=secret, timestamp=timestamp, body=body)
    return {TIMESTAMP_HEADER: str(timestamp), SIGNATURE_HEADER: signature}
