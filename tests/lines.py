"""A line between a program and a server, which can be cut, or forget who talks over it."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_BLOCK = 65536
_RESET = struct.pack("ii", 1, 0)
"""Linger for no time: the other end of a closed connection hears a reset."""


class Line:
    """Forwards every connection to a server."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._server = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._forgotten: set[socket.socket] = set()
        user, at, _ = parts.netloc.rpartition("@")
        host, port = self._listener.getsockname()
        self.address = parts._replace(netloc=f"{user}{at}{host}:{port}").geturl()
        """The server's own, but over this line."""

    def __enter__(self) -> Self:
        """Begin to forward."""
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Cut it, if it was not cut before."""
        self.cut()

    def cut(self) -> None:
        """End all connections and take no new one."""
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def forget(self) -> None:
        """Say nothing, and answer whatever comes next on a connection of now with a reset."""
        self._forgotten.update(self._open)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._server)
                self._open += [near, far]
                threading.Thread(target=self._forward, args=(near, far), daemon=True).start()

    def _forward(self, near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), selectors.DefaultSelector() as selector:
            selector.register(near, selectors.EVENT_READ, far)
            selector.register(far, selectors.EVENT_READ, near)
            while True:
                for key, _ in selector.select():
                    block = near.recv(_BLOCK) if key.fileobj is near else far.recv(_BLOCK)
                    if near in self._forgotten:
                        near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                        block = b""
                    if not block:
                        for each in (near, far):
                            each.close()
                        return
                    key.data.sendall(block)
