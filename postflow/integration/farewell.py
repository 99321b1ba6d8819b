"""The end of the program: what must happen while threads and pools still work.

`atexit` comes too late: by then Python has closed every thread pool, and a service that still runs
would meet that closed door and complain.
"""

from __future__ import annotations

import atexit
import concurrent.futures.thread as pools  # imported first: what registers later is called earlier
import functools
import os
import threading
import time
import weakref
from typing import Protocol

_LOOK_EVERY = 0.05
_GRACE = 0.5  # seconds without a wait after which the threads of a pool count as done


class Leaving(Protocol):
    """Something that has to end before the interpreter does."""

    @property
    def is_awaited(self) -> bool:
        """Whether a thread that the program waits for, waits for us."""
        ...

    def leave(self) -> None:
        """End it; the program is about to."""
        ...


_open: weakref.WeakSet[Leaving] = weakref.WeakSet()


def end_with_program(thing: Leaving) -> None:
    """See to it that the thing ends in time, once the script's own threads have finished."""
    _register(os.getpid())
    _open.add(thing)


@functools.cache
def _register(process: int) -> None:
    def leave_all() -> None:
        if os.getpid() != process:  # a fork has the objects, but neither threads nor sockets
            return
        _join_threads()
        _let_waits_end()
        for thing in list(_open):
            thing.leave()

    getattr(threading, "_register_atexit", atexit.register)(leave_all)


def _join_threads() -> None:
    """Wait for the script's threads, as Python itself does a moment later."""
    mine = (threading.main_thread(), threading.current_thread())
    of_pools = getattr(pools, "_threads_queues", ())
    for thread in threading.enumerate():
        if not thread.daemon and thread not in mine and thread not in of_pools:
            thread.join()


def _let_waits_end() -> None:
    """Wait for threads of pools, which never finish by themselves, while they wait for us."""
    if not _is_awaited():
        return
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < _GRACE:
        time.sleep(_LOOK_EVERY)
        if _is_awaited():
            quiet_since = time.monotonic()


def _is_awaited() -> bool:
    return any(thing.is_awaited for thing in list(_open))
