"""The door every call comes through: call log, faults, rate limits, and deliveries after it.

It is plain ASGI, because a broken connection and a late answer cannot be made from a route.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from urllib.parse import parse_qs

import httpx
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from postflow.simulator.faults import Fault, FaultKind
from postflow.simulator.limits import Allowance
from postflow.simulator.paging import page_number
from postflow.simulator.refusals import Refusal, render_refusal
from postflow.simulator.world import CallRecord, World

_SIMULATED = ("/v4/", "/ims/", "/parts/", "/media/")  # control routes are never hit
_COUNTED = (200, 201)  # answers that tell the rate limit


class Gate:
    """Wraps the app; the world is the one its routes use."""

    def __init__(self, app: ASGIApp, *, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one call through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._world.clock.run_due()
        try:
            if scope["path"].startswith(_SIMULATED):
                passage = _Passage(app=self._app, world=self._world, scope=scope)
                await passage.run(receive, send)
            else:
                await self._app(scope, receive, send)
        except ClientDisconnect:
            pass  # the caller is gone; there is nobody to answer and nothing to repair
        finally:
            self._world.deliveries.flush()


class _Passage:
    """One call of the simulated API on its way in and out."""

    def __init__(self, *, app: ASGIApp, world: World, scope: Scope) -> None:
        self._app = app
        self._world = world
        self._scope = scope
        self._method: str = scope["method"]
        self._path: str = scope["path"]
        self._query: str = scope.get("query_string", b"").decode("latin-1")
        self._headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        self._status: int | None = None

    async def run(self, receive: Receive, send: Send) -> None:
        """Let the call through, with whatever faults hit it, and log it."""
        after = parse_qs(self._query).get("after", [None])[0]
        faults = self._world.faults.for_call(
            method=self._method,
            target=f"{self._path}?{self._query}" if self._query else self._path,
            page=page_number(after),
        )
        by_kind: dict[FaultKind, Fault] = {fault.kind: fault for fault in faults}
        try:
            if slow := by_kind.get(FaultKind.SLOW):
                await asyncio.sleep(slow.seconds)
            if reset := by_kind.get(FaultKind.RESET):
                await self._break(reset, receive, send)
            elif answer := by_kind.get(FaultKind.ANSWER):
                await self._answer(answer, receive, send)
            else:
                await self._limit(receive, send)
        finally:
            self._log()

    async def _answer(self, fault: Fault, receive: Receive, send: Send) -> None:
        if fault.after_effect:
            await self._app(self._scope, receive, _ignore)
        response = render_refusal(fault.status)
        if fault.body is not None:
            response.body = fault.body.encode()
            response.headers["content-length"] = str(len(response.body))
        response.headers.update(fault.headers)
        self._status = fault.status
        await response(self._scope, receive, send)

    async def _break(self, fault: Fault, receive: Receive, send: Send) -> None:
        """Break the connection, after part of the body or, with `after_effect`, of the answer."""
        if fault.after_effect:
            await self._app(self._scope, receive, _ignore)
        else:
            await self._app(self._scope, _Torn(receive, after=fault.after_bytes), _ignore)
        # uvicorn's cycle is the only way from ASGI to the socket.
        transport = getattr(getattr(receive, "__self__", None), "transport", None)
        if transport is None:  # in process: what a client sees when a connection breaks
            raise httpx.ReadError("The simulated connection was reset.")
        # Without lingering, closing is a reset and not an orderly end.
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        transport.abort()
        await asyncio.sleep(0)  # uvicorn hears of it first, else it complains of no answer

    async def _limit(self, receive: Receive, send: Send) -> None:
        if not self._path.startswith("/v4/"):
            await self._app(self._scope, receive, self._noting(send, None))
            return
        allowance = self._world.limits.take(
            caller=self._headers.get("authorization", ""),
            method=self._method,
            path=self._path,
            now=self._world.clock.now(),
        )
        if self._world.config.enforce_rate_limits and not allowance.allowed:
            self._status = 429
            await render_refusal(429)(self._scope, receive, send)
            return
        await self._app(self._scope, receive, self._noting(send, allowance))

    def _noting(self, send: Send, allowance: Allowance | None) -> Send:
        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._status = message["status"]
                if allowance is not None and self._status in _COUNTED:
                    message["headers"] = [
                        *message["headers"],
                        *((k.encode(), v.encode()) for k, v in allowance.headers().items()),
                    ]
            await send(message)

        return noting

    def _log(self) -> None:
        self._world.calls.append(
            CallRecord(
                at=self._world.clock.now(),
                method=self._method,
                path=self._path,
                query=self._query,
                caller=self._caller(),
                status=self._status,
            )
        )

    def _caller(self) -> str | None:
        header = self._headers.get("authorization")
        if header is None:
            return None
        try:
            return self._world.people.authenticate(header, now=self._world.clock.now()).email
        except Refusal:
            return None


class _Torn:
    """Receives a body until so many bytes have come, then says that the sender is gone."""

    def __init__(self, receive: Receive, *, after: int) -> None:
        self._receive = receive
        self._left = after

    async def __call__(self) -> Message:
        if self._left <= 0:
            return {"type": "http.disconnect"}
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        return message


async def _ignore(_message: Message) -> None:
    """Swallow an answer that nobody is to see."""
