"""Connections that cannot be used to keep honest senders out.

uvicorn waits for ever for the first request of a connection, answers everybody 503 once too many
are open, and its fast parser holds heads of any length. Here a connection must bring a whole
request head in time, and not more of it than Frame.io sends; and when there are too many, those who
owe us bytes make room, whoever has owed them for longest first.
"""

from __future__ import annotations

import asyncio
import resource
from typing import ClassVar, TypeVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HEAD_SECONDS = 10.0
_LONGEST_HEAD = 16 * 1024
_MOST_WAITING = 8  # requests sent ahead of our answers; honest senders send none
_MOST_CONNECTIONS = 2000
_OTHER_FILES = 200  # databases, logs, Frame.io and Prefect need some, too


class _TooMuchError(Exception):
    """A sender has sent more around its bodies than anybody needs to."""


Kind = TypeVar("Kind", bound="GuardedConnection")


class GuardedConnection(HttpToolsProtocol):
    """One connection; `open_ones` are those of the same server, longest idle first."""

    open_ones: ClassVar[dict[GuardedConnection, None]]
    most: ClassVar[int]
    patience: ClassVar[float]
    """Seconds for a request head."""
    _deadline: asyncio.TimerHandle | None = None
    _expected_since: float | None = None
    _received = 0
    """Bytes of the current request, and of its body."""
    _received_body = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, at the expense of one that is of no use if there are too many."""
        super().connection_made(transport)
        self._expect_head()
        self._deadline = self.loop.call_later(self.patience, self._check_deadline)
        if len(self.open_ones) > self.most:
            self._find_least_useful().transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.open_ones.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Go on as uvicorn does, unless this is too much that is no body."""
        self._received += len(data)
        super().data_received(data)
        # Chunk lengths may take as much as their chunks; a trailer without end may not.
        if self._received - self._received_body > _LONGEST_HEAD + self._received_body:
            self._refuse()

    def on_headers_complete(self) -> None:
        """Go on as uvicorn does; a request head that is complete ends its deadline."""
        if len(self.pipeline) >= _MOST_WAITING:
            raise _TooMuchError  # which the parser turns into an error, and uvicorn into a 400
        self.refuse_long_head()
        super().on_headers_complete()
        self._expected_since = None

    def on_body(self, body: bytes) -> None:
        """Go on as uvicorn does."""
        self._received_body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Go on as uvicorn does; what comes next is another request."""
        super().on_message_complete()
        self._received = self._received_body = 0

    def on_response_complete(self) -> None:
        """Go on as uvicorn does; the next head has its own deadline."""
        super().on_response_complete()
        if not self.is_busy and not self.transport.is_closing():
            self._expect_head()

    @property
    def is_busy(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def is_expected_to_send(self) -> bool:
        """Whether a request, or the rest of one, is still to come."""
        return not self.is_busy or self.cycle.more_body

    def refuse_long_head(self) -> None:
        """End a connection whose request head is longer than any that Frame.io sends."""
        if self._received <= _LONGEST_HEAD:
            return
        if len(self.url) + sum(len(k) + len(v) for k, v in self.headers) > _LONGEST_HEAD:
            raise _TooMuchError

    def _expect_head(self) -> None:
        """Give the connection its time for a request, as the last of those who wait to send."""
        self.open_ones.pop(self, None)
        self.open_ones[self] = None
        self._expected_since = self.loop.time()

    def _check_deadline(self) -> None:
        """End the connection if it is late; one timer for its whole life is enough for that."""
        if self.transport.is_closing():
            return
        left = self.patience
        if self._expected_since is not None:
            left -= self.loop.time() - self._expected_since
        if left <= 0:
            self.transport.abort()
            return
        self._deadline = self.loop.call_later(left, self._check_deadline)

    def _refuse(self) -> None:
        if not self.transport.is_closing():
            self.send_400_response("The request's head or trailer is too long.")

    def _find_least_useful(self) -> GuardedConnection:
        """Return who is to make room: who has been expected to send for longest, else this one."""
        return next(
            (
                each
                for each in self.open_ones
                if each is not self and each.is_expected_to_send and not each.transport.is_closing()
            ),
            self,
        )


def connection_class(
    *, most: int | None = None, patience: float = _HEAD_SECONDS
) -> type[GuardedConnection]:
    """Return the class for the connections of one server; `most` is what the machine affords."""
    return own_class(GuardedConnection, most=most, patience=patience)


def own_class(
    kind: type[Kind], *, most: int | None = None, patience: float = _HEAD_SECONDS
) -> type[Kind]:
    """Return a class of this kind for the connections of one server, which it counts."""
    own = {"open_ones": {}, "most": most or _affordable(), "patience": patience}
    return type("Connection", (kind,), own)


def _affordable() -> int:
    """Return how many connections each of the two faces can hold with the files we may open."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return _MOST_CONNECTIONS
    return min(_MOST_CONNECTIONS, max((files - _OTHER_FILES) // 2, 50))
