"""Coroutines in a thread of their own, for callers whose thread may hold an event loop already.

A process that is told to end stops such a coroutine at once instead of waiting for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, TypeVar

T = TypeVar("T")

_LOOK_EVERY = 0.2  # seconds until an interrupted coroutine learns of it


def run_apart(
    coroutine: Coroutine[Any, Any, T],
    *,
    meanwhile: Callable[[], None] | None = None,
    every: float = 1.0,
) -> T:
    """Return the coroutine's result, calling `meanwhile` here every so many seconds.

    Whatever interrupts this call, such as a SIGTERM or Ctrl-C, cancels the coroutine.
    """
    over = threading.Event()
    with ThreadPoolExecutor(max_workers=1) as pool:
        future = pool.submit(asyncio.run, _until(coroutine, over))
        try:
            while not future.done():
                wait([future], timeout=every)
                if meanwhile is not None:
                    meanwhile()
            return future.result()
        finally:
            over.set()


async def _until(coroutine: Coroutine[Any, Any, T], over: threading.Event) -> T:
    work = asyncio.ensure_future(coroutine)
    while not work.done():
        await asyncio.wait([work], timeout=_LOOK_EVERY)
        if over.is_set():
            work.cancel()
    return await work
