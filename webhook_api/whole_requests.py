"""Requests that came whole in one piece, answered without a task, an event or a timer of their own.

That is how honest deliveries come, by the thousand. Everything else, from the half of a body to a
request that was sent ahead, goes uvicorn's way, where it is waited for and limited.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from webhook_api.connections import GuardedConnection, own_class

Headers = Sequence[tuple[bytes, bytes]]


class _NobodyWaits:
    """Where uvicorn rings for a task that waits for more of a request."""

    def set(self) -> None:
        """Do nothing: there is no such task."""


class Exchange:
    """A whole request until it is answered, in the place of one of uvicorn's cycles."""

    __slots__ = ("_connection", "disconnected", "keep_alive", "response_complete")

    more_body = False
    message_event = _NobodyWaits()

    def __init__(self, connection: WholeRequests, *, keep_alive: bool) -> None:
        self._connection = connection
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False

    def answer(self, head: bytes, body: bytes) -> None:
        """Send the answer in one piece; `head` are its status line and headers, each with its end.

        Whoever has hung up meanwhile gets nothing.
        """
        self.response_complete = True
        connection = self._connection
        transport = connection.transport
        if transport.is_closing():
            return
        closing = b"" if self.keep_alive else b"connection: close\r\n"
        transport.write(b"%b%b%b\r\n%b" % (head, connection.dated(), closing, body))
        if not self.keep_alive:
            transport.close()
        connection.on_exchange_complete()


Take = Callable[[Headers, bytes, Exchange], bool]
"""Takes a whole request and answers it now or later, or says that uvicorn is to go its way."""


class WholeRequests(GuardedConnection):
    """A connection whose POSTs to `path` are given to `take` if they come whole."""

    path: ClassVar[bytes]
    take: ClassVar[Take]
    _held: list[bytes] | None = None
    """The body so far of a request that may turn out to be whole."""
    _date: tuple[object, bytes] = (None, b"")

    def data_received(self, data: bytes) -> None:
        """Go on as ever; a request that is not whole by now goes uvicorn's way."""
        super().data_received(data)
        if self._held is not None:
            held, self._held = self._held, None
            if not self.transport.is_closing():
                self._go_uvicorns_way(held)

    def on_headers_complete(self) -> None:
        """Hold the request, if it may be one of ours."""
        if self._may_be_whole():
            self.refuse_long_head()
            self._held = []
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hold it, too."""
        if self._held is None:
            super().on_body(body)
        else:
            self._received_body += len(body)
            self._held.append(body)

    def on_message_complete(self) -> None:
        """Hand over what has come whole."""
        if self._held is None:
            super().on_message_complete()
            return
        held, self._held = self._held, None
        before, keep_alive = self.cycle, bool(self.parser.should_keep_alive())
        exchange = self.cycle = Exchange(self, keep_alive=keep_alive)  # type: ignore[assignment]  # all of a cycle that is used
        if self._give(b"".join(held), exchange):
            self._received = self._received_body = 0
            if not exchange.response_complete:
                self._expected_since = None
        else:
            self.cycle = before
            self._go_uvicorns_way(held)
            super().on_message_complete()

    def on_exchange_complete(self) -> None:
        """Expect another request, or begin with one that was sent ahead."""
        if self.pipeline:
            self.on_response_complete()
            return
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self.flow.resume_reading()
            self._expect_head()  # which also ends a connection that stays silent

    def dated(self) -> bytes:
        """Return the headers that every answer has; uvicorn makes new ones each second."""
        made_of, dated = self._date
        headers = self.server_state.default_headers
        if made_of is not headers:
            dated = b"".join(b"%b: %b\r\n" % each for each in headers)
            self._date = headers, dated
        return dated

    def _give(self, body: bytes, exchange: Exchange) -> bool:
        try:
            return type(self).take(self.headers, body, exchange)
        except Exception:  # noqa: BLE001 - uvicorn's way meets it again, logs it and answers 500
            return False

    def _may_be_whole(self) -> bool:
        return (
            self.url == self.path
            and not self.is_busy
            and not self.expect_100_continue
            and not self.flow.write_paused
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and not self.parser.should_upgrade()
        )

    def _go_uvicorns_way(self, held: Sequence[bytes]) -> None:
        super().on_headers_complete()
        for part in held:
            HttpToolsProtocol.on_body(self, part)  # its bytes are counted already


def whole_requests_class(path: str, take: Take) -> type[WholeRequests]:
    """Return the class for the connections of one server."""
    own = own_class(WholeRequests)
    own.path, own.take = path.encode("ascii"), take
    return own
