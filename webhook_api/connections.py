"""Connections that cannot be used to keep honest senders out.

uvicorn waits for ever for the first request of a connection, and answers everybody 503 once too
many are open. Here a connection must bring a whole request head in time, and when there are too
many, those who owe us bytes make room, whoever has owed them for longest first.
"""

from __future__ import annotations

import asyncio
import resource
from typing import ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

_HEAD_SECONDS = 10.0
_MOST_CONNECTIONS = 2000
_OTHER_FILES = 200  # databases, logs, Frame.io and Prefect need some, too


class GuardedConnection(H11Protocol):
    """One connection; `open_ones` are those of the same server, longest idle first."""

    open_ones: ClassVar[dict[GuardedConnection, None]]
    most: ClassVar[int]
    patience: ClassVar[float]
    """Seconds for a request head."""
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, at the expense of one that is of no use if there are too many."""
        super().connection_made(transport)
        self._expect_head()
        if len(self.open_ones) > self.most:
            self._find_least_useful().transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.open_ones.pop(self, None)
        self._stop_expecting()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Go on as uvicorn does; a request head that is complete ends its deadline."""
        super().handle_events()
        if self.is_busy:
            self._stop_expecting()

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

    def _expect_head(self) -> None:
        """Give the connection its time for a request, as the last of those who wait to send."""
        self._stop_expecting()
        self.open_ones.pop(self, None)
        self.open_ones[self] = None
        self._deadline = self.loop.call_later(self.patience, self._give_up)

    def _stop_expecting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.abort()

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

    class Connection(GuardedConnection):
        """A connection of this one server."""

        open_ones: ClassVar[dict[GuardedConnection, None]] = {}

    Connection.most, Connection.patience = most or _affordable(), patience
    return Connection


def _affordable() -> int:
    """Return how many connections each of the two faces can hold with the files we may open."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return _MOST_CONNECTIONS
    return min(_MOST_CONNECTIONS, max((files - _OTHER_FILES) // 2, 50))
