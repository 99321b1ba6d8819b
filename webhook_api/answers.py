"""What the public face says, and how it is sent: in uvicorn's way, or in one piece."""

from __future__ import annotations

import json
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

from starlette.types import Receive, Scope, Send

from webhook_api.bodies import drain


class Answer(NamedTuple):
    """A status and one sentence."""

    status: HTTPStatus
    sentence: str
    key: str = "detail"
    closes: bool = False
    """Whether the rest of the body is not wanted."""
    allow: str = ""


AT_HOME = Answer(HTTPStatus.OK, "ok", key="status")
STORED = Answer(HTTPStatus.ACCEPTED, "stored", key="status")


def refusal(status: HTTPStatus, detail: str, *, closes: bool = False, allow: str = "") -> Answer:
    """Say why not, and whether more of the body is wanted, and what is allowed instead."""
    return Answer(status, detail, closes=closes, allow=allow)


async def send_answer(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    """Send it in uvicorn's way."""
    body, headers = _render(answer)
    await send({"type": "http.response.start", "status": answer.status.value, "headers": headers})
    shown = b"" if scope["method"] == "HEAD" else body
    await send({"type": "http.response.body", "body": shown, "more_body": answer.closes})
    if answer.closes:
        await drain(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@lru_cache(maxsize=64)
def _render(answer: Answer) -> tuple[bytes, list[tuple[bytes, bytes]]]:
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


@lru_cache(maxsize=64)
def render_whole(answer: Answer) -> tuple[bytes, bytes]:
    """Return the status line with the headers, each with its end, and the body."""
    body, headers = _render(answer)
    status = f"HTTP/1.1 {answer.status.value} {answer.status.phrase}\r\n".encode("ascii")
    return status + b"".join(b"%b: %b\r\n" % header for header in headers), body
