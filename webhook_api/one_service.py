"""One service per SQLite store: a second one is refused; on PostgreSQL several share the work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from postflow.errors import ConfigurationError
from postflow.frameio.filelock import locked
from postflow.store.database import Store

_PATIENCE = timedelta(seconds=7)
"""A service that was told to stop takes up to five seconds, and its successor may start at once."""


@asynccontextmanager
async def only_service(store: Store, *, patience: timedelta = _PATIENCE) -> AsyncIterator[None]:
    """Be the only service on this store until the block ends, if it is on SQLite.

    The lock ends with its process, however that ends. Raises ConfigurationError when another
    service has it; commands, scripts and flow processes need no lock.
    """
    lock = _lock_of(store)
    if lock is None:
        yield
        return
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(patience.total_seconds()):
                await stack.enter_async_context(locked(lock))
        except TimeoutError:
            raise ConfigurationError(
                f"Another PostFlow service already works on {store.address}; stop that one, or set "
                "database.url to PostgreSQL, where several may share the work."
            ) from None
        yield


def _lock_of(store: Store) -> Path | None:
    database = store.engine.url.database
    if store.engine.dialect.name != "sqlite" or not database:
        return None
    return Path(f"{database}.service").resolve()
