"""Letting a person sign in with their browser, which comes back to an address of this machine.

Whoever answers there is checked twice: the state proves that the answer belongs to our question,
and the code is of no use without the verifier that never left this process (RFC 8252, RFC 7636).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx

from postflow.errors import ConfigurationError, FrameioError
from postflow.frameio.oauth import OAuthApp, authorize_url, fetch_token_for_code
from postflow.frameio.wire import IssuedToken

LOOPBACK = "127.0.0.1"
CALLBACK = "/callback"
PATIENCE = timedelta(minutes=5)
TIME_TO_ASK = 10.0  # seconds in which a browser must have sent its request
LONGEST_REQUEST = 16 * 1024
NO_REQUEST = (
    *(TimeoutError, ValueError, OSError),
    *(asyncio.IncompleteReadError, asyncio.LimitOverrunError),
)

Opener = Callable[[str], object]
"""Opens an address in a browser, or does nothing where there is none."""
Answer = dict[str, str]


async def log_in(
    app: OAuthApp,
    *,
    port: int,
    open_browser: Opener,
    show: Callable[[str], None],
    patience: timedelta = PATIENCE,
) -> IssuedToken:
    """Return the tokens of whoever signs in at Adobe in the browser.

    `show` is told the address first, for whoever must open it by hand. Raises FrameioError
    where Adobe or the person says no or nobody comes back in time, and ConfigurationError where
    the port is taken.
    """
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    async with _listening(port, state) as (redirect_uri, returned):
        address = authorize_url(
            app, redirect_uri=redirect_uri, state=state, code_challenge=_challenge_of(verifier)
        )
        show(address)
        # In a thread of its own: a browser for the terminal returns only when it is closed.
        threading.Thread(target=open_browser, args=[address], daemon=True).start()
        try:
            answer = await asyncio.wait_for(returned, patience.total_seconds())
        except TimeoutError:
            raise FrameioError(
                f"Nobody signed in within {patience.total_seconds() / 60:g} minutes; run "
                "`postflow login` again."
            ) from None
    async with httpx.AsyncClient() as http:
        return await fetch_token_for_code(
            http,
            app,
            code=_code_in(answer),
            redirect_uri=redirect_uri,
            code_verifier=verifier,
        )


def redirect_uri_of(port: int) -> str:
    """Return the address that the credential in Adobe's console must allow."""
    return f"http://{LOOPBACK}:{port}{CALLBACK}"


@asynccontextmanager
async def _listening(port: int, state: str) -> AsyncIterator[tuple[str, asyncio.Future[Answer]]]:
    """Give the address to come back to, and what a browser brings there with our state."""
    returned: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(*NO_REQUEST):
            target = await asyncio.wait_for(_read_target(reader), TIME_TO_ASK)
            writer.write(_answer_to(target, state, returned))
            await writer.drain()
        writer.close()

    try:
        server = await asyncio.start_server(converse, LOOPBACK, port, limit=LONGEST_REQUEST)
    except OSError as error:
        raise ConfigurationError(
            f"Port {port} of this machine is taken ({error.strerror}); give another one with "
            "--port that the credential in Adobe's console allows."
        ) from error
    try:
        yield redirect_uri_of(server.sockets[0].getsockname()[1]), returned
    finally:
        server.close()
        returned.cancel()


async def _read_target(reader: asyncio.StreamReader) -> str:
    """Read one request; return what it asks for, or nothing where it is no GET."""
    head = await reader.readuntil(b"\r\n\r\n")
    method, target, _version = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
    return target if method == "GET" else ""


def _answer_to(target: str, state: str, returned: asyncio.Future[Answer]) -> bytes:
    """Take what the browser brings, if it is ours, and tell the person where to look."""
    asked = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(asked.query).items()}
    if asked.path != CALLBACK:
        return _page("404 Not Found", "There is nothing here.")
    if not hmac.compare_digest(query.get("state", "").encode(), state.encode()):
        return _page("400 Bad Request", "This is not the sign-in that PostFlow waits for.")
    if not returned.done():
        returned.set_result(query)
    return _page("200 OK", "PostFlow goes on in your terminal. You can close this page.")


def _page(status: str, sentence: str) -> bytes:
    body = f"<!doctype html><title>PostFlow</title><p>{sentence}</p>\n".encode()
    head = (
        f"HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\n"
        f"content-length: {len(body)}\r\nreferrer-policy: no-referrer\r\n"
        "cache-control: no-store\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


def _code_in(answer: Answer) -> str:
    code = answer.get("code", "")
    if not code:
        why = answer.get("error_description") or answer.get("error") or "no code came back"
        raise FrameioError(
            f"Adobe did not let PostFlow sign in ({why[:200]}); run `postflow login` again."
        )
    return code


def _challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
