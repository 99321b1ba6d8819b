"""Addresses that carry their own permission: parts to PUT, media to GET.

They look like S3's presigned addresses, so that a client can read from the query when they
expire, and they fail like them: another content type, acl or host does not fit the signature.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode, urlsplit

PART_HEADERS = ("content-type", "host", "x-amz-acl")
_STAMP = "%Y%m%dT%H%M%SZ"


class LinkRefusedError(Exception):
    """What S3 would say, as its error code and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def presign(
    base_url: str,
    path: str,
    *,
    key: str,
    now: datetime,
    lifetime: timedelta,
    headers: Mapping[str, str] | None = None,
) -> str:
    """Sign an address for a time, and the headers it must be asked with, beside the host."""
    query = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Date": now.strftime(_STAMP),
        "X-Amz-Expires": str(int(lifetime.total_seconds())),
        "X-Amz-SignedHeaders": ";".join(sorted((headers or {}).keys() | {"host"})),
    }
    signed = dict(headers or {}) | {"host": urlsplit(base_url).netloc}
    query["X-Amz-Signature"] = _signature(key, path, query, signed)
    return f"{base_url}{path}?{urlencode(query)}"


def check_presigned(
    path: str, query: Mapping[str, str], headers: Mapping[str, str], *, key: str, now: datetime
) -> None:
    """Raise LinkRefusedError unless the address was signed for this request and still holds."""
    try:
        signed_at = datetime.strptime(query["X-Amz-Date"], _STAMP).replace(tzinfo=UTC)
        lifetime = timedelta(seconds=int(query["X-Amz-Expires"]))
        names = query["X-Amz-SignedHeaders"].split(";")
        signature = query["X-Amz-Signature"]
    except (KeyError, ValueError):
        raise LinkRefusedError("AccessDenied", "Access Denied") from None
    if now > signed_at + lifetime:
        raise LinkRefusedError("AccessDenied", "Request has expired")
    signed = {name: headers.get(name, "") for name in names}
    rest = {name: value for name, value in query.items() if name != "X-Amz-Signature"}
    if not hmac.compare_digest(signature.encode(), _signature(key, path, rest, signed).encode()):
        raise LinkRefusedError(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method.",
        )


def _signature(key: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
    message = "\n".join(
        [path, urlencode(sorted(query.items())), urlencode(sorted(headers.items()))]
    )
    return hmac.new(key.encode(), message.encode(), hashlib.sha256).hexdigest()
