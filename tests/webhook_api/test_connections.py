"""Connections that say nothing, or too little, keep nobody else out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
from starlette.types import Receive, Scope, Send

from webhook_api.connections import GuardedConnection, connection_class
from webhook_api.listening import Server, address_of, listen

HALF_A_HEAD = b"POST /webhooks/frameio HTTP/1.1\r\nHost: x\r\n"
HALF_A_BODY = HALF_A_HEAD + b"Content-Length: 10\r\n\r\nhalf"


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the body, then say yes."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"yes"})


@asynccontextmanager
async def _serving(connection: type[GuardedConnection]) -> AsyncIterator[str]:
    with listen("127.0.0.1", 0, section="webhook") as listener:
        server = Server(_answer, connection=connection)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await server.listening.wait()
        yield address_of(listener)
        server.should_exit = True
        await serving


@asynccontextmanager
async def _connected(url: str, say: bytes) -> AsyncIterator[asyncio.StreamReader]:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(say)
    await writer.drain()
    yield reader
    writer.close()


async def _ask_among(say: bytes, *, others: int, most: int) -> int:
    """Ask honestly while others are connected, most of whom have no place."""
    async with _serving(connection_class(most=most)) as url, AsyncExitStack() as stack:
        for _ in range(others):
            await stack.enter_async_context(_connected(url, say))
        async with httpx.AsyncClient() as client:
            return (await client.post(url, content=b"honest", timeout=5)).status_code


def test_silent_connections_make_room() -> None:
    """Far more silent connections than fit do not keep an honest request from its answer."""
    assert asyncio.run(_ask_among(b"", others=50, most=10)) == 200


def test_half_heads_make_room() -> None:
    """A connection that stops in the middle of its head is as good as silent."""
    assert asyncio.run(_ask_among(HALF_A_HEAD, others=50, most=10)) == 200


def test_half_bodies_make_room() -> None:
    """Where everybody is in the middle of a body, the oldest gives way."""
    assert asyncio.run(_ask_among(HALF_A_BODY, others=50, most=10)) == 200


def test_slow_head_is_cut_off() -> None:
    """Who does not finish a request head in time is disconnected, without a word."""

    async def wait_for_the_end() -> bytes:
        connection = connection_class(patience=0.1)
        async with _serving(connection) as url, _connected(url, HALF_A_HEAD) as reader:
            try:
                return await asyncio.wait_for(reader.read(), timeout=5)
            except ConnectionResetError:
                return b""

    assert asyncio.run(wait_for_the_end()) == b""


def test_second_request_has_a_deadline_too() -> None:
    """A connection that was answered once cannot stay for ever by beginning again slowly."""

    async def wait_for_the_end() -> bytes:
        connection = connection_class(patience=0.2)
        whole = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        async with _serving(connection) as url, _connected(url, whole + HALF_A_HEAD) as reader:
            try:
                return await asyncio.wait_for(reader.read(), timeout=5)
            except ConnectionResetError:
                return b""

    assert b"yes" in asyncio.run(wait_for_the_end())
