"""The blocking side of an upload: connections to the storage service, each used by a thread.

Threads, because a part is hundreds of system calls that all wait: in threads they wait beside one
another, and encryption runs on several processors, while an event loop would do all of it in one.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import httpx

T = TypeVar("T")

CONNECT_TIMEOUT = 15.0  # seconds
CONNECTED = (".connect_tcp.complete", ".start_tls.complete")


class Storage:
    """Sends requests in threads; `open_storage` makes and ends one."""

    def __init__(self, http: httpx.Client, *, threads: int) -> None:
        self._http = http
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="upload")
        self._sockets: set[socket.socket] = set()
        self._is_over = False

    async def run(self, call: Callable[[], T]) -> T:
        """Await what `call` returns in a thread; it uses `send`."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request from one of the threads."""
        request.extensions["trace"] = self._note
        return self._http.send(request, auth=None, follow_redirects=False)

    async def end(self) -> None:
        """Break off whatever is under way, and return when no thread is left."""
        self._is_over = True
        for each in tuple(self._sockets):
            _break_off(each)
        await asyncio.shield(asyncio.to_thread(self._close))

    def _close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        self._http.close()

    def _note(self, event: str, info: dict[str, Any]) -> None:
        """Keep each new connection, so that a thread which waits on it can be ended."""
        if not event.endswith(CONNECTED):
            return
        connected: socket.socket = info["return_value"].get_extra_info("socket")
        self._sockets.add(connected)
        if self._is_over:
            _break_off(connected)


@asynccontextmanager
async def open_storage(http: httpx.Client, *, threads: int) -> AsyncIterator[Storage]:
    """Give a storage that may use so many threads; at the end all of them end at once."""
    storage = Storage(http, threads=threads)
    try:
        yield storage
    finally:
        await storage.end()


def _break_off(connected: socket.socket) -> None:
    """Wake whoever waits on the connection; that thread, not this one, closes it."""
    with suppress(OSError):
        socket.socket.shutdown(connected, socket.SHUT_RDWR)
