"""A limit that holds for a whole process: its uploads may live in several event loops."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import AbstractAsyncContextManager
from functools import cache


class ProcessSlots(AbstractAsyncContextManager[None]):
    """So many holders at once, first come first served; a semaphore knows one loop only."""

    def __init__(self, limit: int) -> None:
        self._lock = threading.Lock()
        self._free = limit
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        """Wait for a free slot."""
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if self._gives_up(turn):
                raise
            self._release()  # it was ours already
            raise

    async def __aexit__(self, *_exception: object) -> None:
        """Give the slot to whoever waits longest."""
        self._release()

    def _gives_up(self, turn: asyncio.Future[None]) -> bool:
        with self._lock:
            if turn not in self._waiting:
                return False
            self._waiting.remove(turn)
            return True

    def _release(self) -> None:
        with self._lock:
            while self._waiting:
                turn = self._waiting.popleft()
                try:
                    turn.get_loop().call_soon_threadsafe(_give, turn)
                except RuntimeError:  # its loop is closed
                    continue
                return
            self._free += 1


@cache
def process_slots(limit: int) -> ProcessSlots:
    """Return the slots that all uploads of this process share."""
    return ProcessSlots(limit)


def _give(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)
