"""Waking threads when anything was committed to the store, by this process or another one.

While somebody waits, one thread asks the database for a number that changes with every commit.
That costs some microseconds, so it can be asked often; reading rows is left to those who wait.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from postflow.errors import PostFlowError
from postflow.store.database import Store

_ASK_EVERY = 0.05  # seconds; with one read after it, a wait ends well within 100 ms of a commit
_AFTER_A_FAILURE = 1.0
LOOK_AT_LEAST_EVERY = 1.0
"""Seconds after which a waiting thread looks even if it was not woken."""


class StoreChanges:
    """Counts the changes of one store for as long as somebody waits for them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._condition = threading.Condition()
        self._seen = 0
        self._waiting: list[threading.Thread] = []
        self._asking: threading.Thread | None = None
        self._farewell: str | None = None

    @property
    def is_awaited(self) -> bool:
        """Whether a thread waits that the program must not end without."""
        return any(not thread.daemon for thread in list(self._waiting))

    def end(self, farewell: str) -> None:
        """Let every wait fail with this sentence, those to come too."""
        with self._condition:
            self._farewell = farewell
            self._condition.notify_all()

    def wait_until(self, look: Callable[[], bool | None], *, timeout: float | None) -> bool:
        """Return what `look` says as soon as it says something; False after `timeout` seconds.

        `look` is called at once, and again after every change.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._watched():
            while True:
                seen = self._seen  # before looking, so that no change falls between
                answer = look()
                if answer is not None:
                    return answer
                left = LOOK_AT_LEAST_EVERY if deadline is None else deadline - time.monotonic()
                if left <= 0:
                    return False
                self._sleep(seen, min(left, LOOK_AT_LEAST_EVERY))

    def _sleep(self, seen: int, seconds: float) -> None:
        with self._condition:
            self._condition.wait_for(
                lambda: self._seen != seen or self._farewell is not None, seconds
            )
        if self._farewell is not None:
            if threading.current_thread().daemon:
                threading.Event().wait()  # until the interpreter is gone; it waits for no daemon
            raise PostFlowError(self._farewell)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        with self._condition:
            self._waiting.append(threading.current_thread())
            if self._asking is None or not self._asking.is_alive():
                self._asking = threading.Thread(
                    target=self._ask, name="postflow-changes", daemon=True
                )
                self._asking.start()
        try:
            yield
        finally:
            with self._condition:
                self._waiting.remove(threading.current_thread())

    def _ask(self) -> None:
        while not self._is_over():
            try:
                self._ask_until_over()
            except SQLAlchemyError:
                time.sleep(_AFTER_A_FAILURE)  # those who wait look by themselves meanwhile

    def _ask_until_over(self) -> None:
        known: object = None  # differs from any number: those who wait look once more
        with _opening_sensor(self._store) as read_number:
            while self._waiting:
                number = read_number()
                if number != known:
                    known = number
                    self._wake()
                time.sleep(_ASK_EVERY)

    def _wake(self) -> None:
        with self._condition:
            self._seen += 1
            self._condition.notify_all()

    def _is_over(self) -> bool:
        """Whether nobody waits any more; then the next wait starts a thread of its own."""
        with self._condition:
            if self._waiting:
                return False
            self._asking = None
            return True


@contextmanager
def _opening_sensor(store: Store) -> Iterator[Callable[[], object]]:
    """Give a function whose answer changes with every commit of anybody else.

    https://www.sqlite.org/pragma.html#pragma_data_version, and for PostgreSQL
    https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT
    """
    if store.engine.dialect.name == "sqlite":
        raw = store.engine.raw_connection()  # outside transactions, which would see one moment
        raw.detach()  # closed with the watch, also when the store was closed before it
        try:
            cursor = raw.cursor()
            yield lambda: cursor.execute("PRAGMA data_version").fetchone()
            cursor.close()
        finally:
            raw.close()
        return
    alone = store.engine.execution_options(isolation_level="AUTOCOMMIT")
    with alone.connect() as connection:
        connection.detach()
        yield lambda: connection.exec_driver_sql("SELECT pg_current_snapshot()::text").scalar()
