"""Ports and servers: taken before anything else is started, closed within a few seconds."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from postflow.errors import ConfigurationError
from webhook_api.connections import GuardedConnection, connection_class

_BACKLOG = 2048
_ACCEPTED_AT_ONCE = 100
"""asyncio takes this many connections before any of them can make room for another."""
_KEEP_ALIVE_SECONDS = 10
_STOP_SECONDS = 3


class Server(uvicorn.Server):
    """A server inside our own event loop: it leaves signals to us and says when it listens."""

    def __init__(self, app: ASGIApp, *, connection: type[GuardedConnection] | None = None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=connection or connection_class(),
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=_ACCEPTED_AT_ONCE,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_STOP_SECONDS,
            )
        )
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, then say so."""
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(_BACKLOG)  # asyncio has made the queue as short as its own steps
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: one place ends the whole service."""
        yield


def listen(host: str, port: int, *, section: str) -> socket.socket:
    """Return a socket that listens there; ConfigurationError names the port and the setting.

    Port 0 takes a free one.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise ConfigurationError(
            f"{section}.host is {host!r}, which is no address of this machine ({error.strerror}); "
            "write 127.0.0.1 for this machine alone."
        ) from error
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        advice = (
            f"set {section}.port (POSTFLOW_{section.upper()}__PORT) to another one, "
            "0 takes any free port"
        )
        if error.errno == errno.EADDRINUSE:
            raise ConfigurationError(
                f"Port {port} on {host} is taken by another program; {advice}."
            ) from error
        raise ConfigurationError(
            f"Port {port} on {host} cannot be used ({error.strerror}); {advice}."
        ) from error
    return listener


def address_of(listener: socket.socket) -> str:
    """Return the base address under which the socket can be reached, for example in a browser."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - only compared with
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def port_of(listener: socket.socket) -> int:
    """Return the port the socket really has, also when 0 was asked for."""
    port: int = listener.getsockname()[1]
    return port
