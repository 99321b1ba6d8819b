"""Coroutines for callers that know nothing of them, also where an event loop runs already."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

_LOOK_EVERY = 0.2  # seconds until an interrupted coroutine learns of it


def run_apart(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the coroutine's result, from an event loop in a thread of its own.

    Whatever interrupts this call, such as Ctrl-C, cancels the coroutine.
    """
    over = threading.Event()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="postflow-apart") as pool:
        try:
            return pool.submit(asyncio.run, _until(coroutine, over)).result()
        finally:
            over.set()


async def _until(coroutine: Coroutine[Any, Any, T], over: threading.Event) -> T:
    work = asyncio.ensure_future(coroutine)
    while not work.done():
        await asyncio.wait([work], timeout=_LOOK_EVERY)
        if over.is_set():
            work.cancel()
    return await work
