"""Group commit: deliveries that arrive together share one transaction, each awaits its commit.

One thread writes. It takes the write lock before it takes deliveries from the queue, so whoever
runs out of patience while the store is locked is simply taken out of the queue again: a delivery
that was answered 503 is never stored behind its sender's back.

Between the event loop and that thread nothing passes per delivery: the loop rings once for all that
came in one of its turns, and one call brings back the answer for a whole commit.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable
from datetime import timedelta
from enum import Enum, auto

import structlog

from postflow.errors import StoreError, StoreUnavailableError
from postflow.store.database import Store
from postflow.store.inbox import Delivery, record_deliveries

PATIENCE = timedelta(seconds=4)  # Frame.io gives up after 5 s
_BATCH = 256
_LONGEST_QUEUE = 10_000
_CLOSING_PATIENCE = 5.0  # seconds for the last commit when the service stops
_log = structlog.get_logger("postflow.intake")

Told = Callable[[StoreError | None], None]
"""Hears once, in the event loop, that a delivery is on disk, or why it is not."""


class _Step(Enum):
    QUEUED = auto()
    """Nobody has touched it: it can be taken back."""
    WRITTEN = auto()
    """Inside a transaction that has not begun to commit: it can be taken back."""
    COMMITTING = auto()
    """Only the database knows; whoever waits must wait for its answer."""
    WITHDRAWN = auto()
    """Taken back: it must not be stored."""


class _Line:
    """Those who wait in one event loop, whoever has waited for longest first."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.waiting: dict[_Entry, None] = {}
        self.is_ringing = False
        """Whether the writer will be told of what came in this turn of the loop."""
        self.is_watched = False
        """Whether a timer ends the patience of the first one."""

    def tell(self, entries: Iterable[_Entry], error: StoreError | None) -> None:
        """Give those of them that still wait their answer."""
        for entry in entries:
            if entry in self.waiting:
                del self.waiting[entry]
                entry.told(error)


class _Entry:
    __slots__ = ("delivery", "line", "step", "told", "until")

    def __init__(self, delivery: Delivery, told: Told, line: _Line, until: float) -> None:
        self.delivery = delivery
        self.told = told
        self.line = line
        self.until = until
        self.step = _Step.QUEUED


class _WithdrawnMeanwhileError(Exception):
    """Somebody took a delivery back that this transaction has written; begin again without it."""


class Intake:
    """Takes verified deliveries and tells once they are on disk.

    `on_commit` is called in the writing thread after every commit, with the projects of what was
    committed; it must be quick and must not raise.
    """

    def __init__(
        self,
        store: Store,
        *,
        on_commit: Callable[[Collection[str | None]], None] = lambda _: None,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._store = store
        self._on_commit = on_commit
        self._patience = patience.total_seconds()
        self._queue: deque[_Entry] = deque()
        self._line: _Line | None = None
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._closing = False
        self._writer = threading.Thread(target=self._write, name="postflow-intake", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._writer.start()

    def close(self) -> None:
        """Write what is queued, refuse what comes after; returns within some seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._writer.join(timeout=_CLOSING_PATIENCE)

    async def record(self, delivery: Delivery) -> None:
        """Return once the delivery is committed; StoreError means that it is not stored.

        Only a commit that the database itself does not answer can make this last longer than
        the patience.
        """
        committed = asyncio.get_running_loop().create_future()

        def told(error: StoreError | None) -> None:
            if committed.done():
                return
            if error is None:
                committed.set_result(None)
            else:
                committed.set_exception(error)

        self.take(delivery, told)
        await committed

    def take(self, delivery: Delivery, told: Told) -> None:
        """As `record`, for an event loop's own thread: `told` hears how it ended, and must not raise.

        Raises StoreUnavailableError, and tells nothing, where the delivery is not even queued.
        """
        loop = asyncio.get_running_loop()
        line = self._line
        if line is None or line.loop is not loop:
            line = self._line = _Line(loop)
        entry = _Entry(delivery, told, line, loop.time() + self._patience)
        with self._lock:
            if self._closing or len(self._queue) >= _LONGEST_QUEUE:
                why = "is stopping" if self._closing else "has too many deliveries to store"
                raise StoreUnavailableError(
                    f"The service {why}; the delivery was not stored, send it again."
                )
            self._queue.append(entry)
        line.waiting[entry] = None
        if not line.is_ringing:
            line.is_ringing = True
            loop.call_soon(self._ring, line)
        if not line.is_watched:
            line.is_watched = True
            loop.call_later(self._patience, self._end_patience, line)

    def _ring(self, line: _Line) -> None:
        """Wake the writer for all that came in one turn of the loop."""
        line.is_ringing = False
        with self._changed:
            self._changed.notify()

    def _end_patience(self, line: _Line) -> None:
        """Answer for deliveries that have waited too long, unless they are being committed."""
        now = line.loop.time()
        late = [entry for entry in line.waiting if entry.until <= now]
        withdrawn = [entry for entry in late if self._withdraw(entry)]
        error = StoreUnavailableError(
            f"The store at {self._store.address} was locked for too long; "
            "the delivery was not stored, send it again."
        )
        line.tell(withdrawn, error)
        following = next((entry for entry in line.waiting if entry.until > now), None)
        line.is_watched = following is not None
        if following is not None:
            line.loop.call_later(following.until - now, self._end_patience, line)

    def _withdraw(self, entry: _Entry) -> bool:
        with self._lock:
            if entry.step is _Step.COMMITTING:
                return False
            if entry.step is _Step.QUEUED:
                self._queue.remove(entry)
            entry.step = _Step.WITHDRAWN
            return True

    def _write(self) -> None:
        while self._wait_for_work():
            queued_before = self._snapshot()
            batch: list[_Entry] = []
            try:
                with self._store.writing() as session:
                    session.connection()  # takes the write lock: from here on nobody can be ahead
                    batch = self._take()
                    record_deliveries(session, [entry.delivery for entry in batch])
                    self._begin_commit(batch)
            except _WithdrawnMeanwhileError:
                self._put_back(batch)
            except StoreError as error:
                self._fail(batch or queued_before, error)
            except Exception as error:  # noqa: BLE001 - the one place that keeps the writer alive; it logs
                _log.exception("writing deliveries failed unexpectedly")
                self._fail(batch or queued_before, StoreError(f"The store failed: {error!r}."))
            else:
                _tell(batch, None)
                self._on_commit({entry.delivery.project_id for entry in batch})

    def _wait_for_work(self) -> bool:
        with self._changed:
            while not self._queue and not self._closing:
                self._changed.wait()
            return bool(self._queue)

    def _snapshot(self) -> list[_Entry]:
        with self._lock:
            return list(self._queue)

    def _take(self) -> list[_Entry]:
        with self._lock:
            batch = [self._queue.popleft() for _ in range(min(_BATCH, len(self._queue)))]
            for entry in batch:
                entry.step = _Step.WRITTEN
            return batch

    def _begin_commit(self, batch: list[_Entry]) -> None:
        with self._lock:
            if any(entry.step is _Step.WITHDRAWN for entry in batch):
                raise _WithdrawnMeanwhileError
            for entry in batch:
                entry.step = _Step.COMMITTING

    def _put_back(self, batch: list[_Entry]) -> None:
        with self._lock:
            kept = [entry for entry in batch if entry.step is not _Step.WITHDRAWN]
            for entry in reversed(kept):
                entry.step = _Step.QUEUED
                self._queue.appendleft(entry)

    def _fail(self, entries: list[_Entry], error: StoreError) -> None:
        """Tell those who wait that they are not stored, unless they went away by themselves."""
        with self._lock:
            failed = [entry for entry in entries if entry.step is not _Step.WITHDRAWN]
            for entry in failed:
                if entry.step is _Step.QUEUED:
                    self._queue.remove(entry)
                entry.step = _Step.WITHDRAWN
        _log.warning("deliveries not stored", count=len(failed), error=str(error))
        _tell(failed, error)


def _tell(entries: Iterable[_Entry], error: StoreError | None) -> None:
    """Give every entry its answer, in the loop that waits for it."""
    by_line: dict[_Line, list[_Entry]] = {}
    for entry in entries:
        by_line.setdefault(entry.line, []).append(entry)
    for line, waiting in by_line.items():
        if not line.loop.is_closed():
            line.loop.call_soon_threadsafe(line.tell, waiting, error)
