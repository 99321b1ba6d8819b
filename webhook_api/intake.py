"""Group commit: deliveries that arrive together share one transaction, each awaits its commit.

One thread writes. It takes the write lock before it takes deliveries from the queue, so whoever
runs out of patience while the store is locked is simply taken out of the queue again: a delivery
that was answered 503 is never stored behind its sender's back.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable
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


class _Step(Enum):
    QUEUED = auto()
    """Nobody has touched it: it can be taken back."""
    WRITTEN = auto()
    """Inside a transaction that has not begun to commit: it can be taken back."""
    COMMITTING = auto()
    """Only the database knows; whoever waits must wait for its answer."""
    WITHDRAWN = auto()
    """Taken back: it must not be stored."""


class _Entry:
    __slots__ = ("committed", "delivery", "loop", "step")

    def __init__(self, delivery: Delivery, loop: asyncio.AbstractEventLoop) -> None:
        self.delivery = delivery
        self.loop = loop
        self.committed: asyncio.Future[None] = loop.create_future()
        self.step = _Step.QUEUED


class _WithdrawnMeanwhileError(Exception):
    """Somebody took a delivery back that this transaction has written; begin again without it."""


class Intake:
    """Takes verified deliveries and returns once they are on disk.

    `on_commit` is called in the writing thread after every commit; it must be quick and must
    not raise.
    """

    def __init__(
        self,
        store: Store,
        *,
        on_commit: Callable[[], None] = lambda: None,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._store = store
        self._on_commit = on_commit
        self._patience = patience.total_seconds()
        self._queue: deque[_Entry] = deque()
        self._changed = threading.Condition()
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
        entry = self._enqueue(delivery)
        impatience = entry.loop.call_later(self._patience, self._lose_patience, entry)
        try:
            await entry.committed
        finally:
            impatience.cancel()

    def _lose_patience(self, entry: _Entry) -> None:
        """Answer for a delivery that has waited too long, unless it is being committed."""
        if self._withdraw(entry):
            error = StoreUnavailableError(
                f"The store at {self._store.address} was locked for too long; "
                "the delivery was not stored, send it again."
            )
            _answer([entry], error)

    def _enqueue(self, delivery: Delivery) -> _Entry:
        entry = _Entry(delivery, asyncio.get_running_loop())
        with self._changed:
            if self._closing or len(self._queue) >= _LONGEST_QUEUE:
                why = "is stopping" if self._closing else "has too many deliveries to store"
                raise StoreUnavailableError(
                    f"The service {why}; the delivery was not stored, send it again."
                )
            self._queue.append(entry)
            self._changed.notify()
        return entry

    def _withdraw(self, entry: _Entry) -> bool:
        with self._changed:
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
                _settle(batch, None)
                self._on_commit()

    def _wait_for_work(self) -> bool:
        with self._changed:
            while not self._queue and not self._closing:
                self._changed.wait()
            return bool(self._queue)

    def _snapshot(self) -> list[_Entry]:
        with self._changed:
            return list(self._queue)

    def _take(self) -> list[_Entry]:
        with self._changed:
            batch = [self._queue.popleft() for _ in range(min(_BATCH, len(self._queue)))]
            for entry in batch:
                entry.step = _Step.WRITTEN
            return batch

    def _begin_commit(self, batch: list[_Entry]) -> None:
        with self._changed:
            if any(entry.step is _Step.WITHDRAWN for entry in batch):
                raise _WithdrawnMeanwhileError
            for entry in batch:
                entry.step = _Step.COMMITTING

    def _put_back(self, batch: list[_Entry]) -> None:
        with self._changed:
            kept = [entry for entry in batch if entry.step is not _Step.WITHDRAWN]
            for entry in reversed(kept):
                entry.step = _Step.QUEUED
                self._queue.appendleft(entry)

    def _fail(self, entries: list[_Entry], error: StoreError) -> None:
        """Tell those who wait that they are not stored, unless they went away by themselves."""
        with self._changed:
            failed = [entry for entry in entries if entry.step is not _Step.WITHDRAWN]
            for entry in failed:
                if entry.step is _Step.QUEUED:
                    self._queue.remove(entry)
                entry.step = _Step.WITHDRAWN
        _log.warning("deliveries not stored", count=len(failed), error=str(error))
        _settle(failed, error)


def _settle(entries: Iterable[_Entry], error: StoreError | None) -> None:
    """Give every entry its answer, in the loop that waits for it."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Entry]] = {}
    for entry in entries:
        by_loop.setdefault(entry.loop, []).append(entry)
    for loop, waiting in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_answer, waiting, error)


def _answer(entries: Iterable[_Entry], error: StoreError | None) -> None:
    for entry in entries:
        if entry.committed.done():
            continue
        if error is None:
            entry.committed.set_result(None)
        else:
            entry.committed.set_exception(error)
