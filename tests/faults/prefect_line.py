"""The line between a flow process and Prefect's server, which can be cut."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from types import TracebackType
from typing import Self

_BLOCK = 65536


class PrefectLine:
    """Forwards every connection to the server until it is cut; then nobody answers."""

    def __init__(self, api_url: str) -> None:
        host, _, port = api_url.removeprefix("http://").removesuffix("/api").partition(":")
        self._server = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.api_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/api"

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

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._server)
                self._open += [near, far]
                threading.Thread(target=_forward, args=(near, far), daemon=True).start()


def _forward(near: socket.socket, far: socket.socket) -> None:
    with contextlib.suppress(OSError, ValueError), selectors.DefaultSelector() as selector:
        selector.register(near, selectors.EVENT_READ, far)
        selector.register(far, selectors.EVENT_READ, near)
        while True:
            for key, _ in selector.select():
                block = near.recv(_BLOCK) if key.fileobj is near else far.recv(_BLOCK)
                if not block:
                    for each in (near, far):
                        each.close()
                    return
                key.data.sendall(block)
