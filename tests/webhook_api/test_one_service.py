"""One service per SQLite store; what it leaves behind keeps nobody out."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest

from postflow.errors import ConfigurationError
from postflow.settings import Settings
from postflow.store.database import Store
from tests.webhook_api.conftest import StartService
from webhook_api.one_service import only_service
from webhook_api.serving import serve

HOLDER = """
import asyncio, sys
from postflow.store.database import open_store
from webhook_api.one_service import only_service

async def hold():
    async with only_service(open_store(sys.argv[1])):
        print("held", flush=True)
        await asyncio.sleep(600)

asyncio.run(hold())
"""


async def take(store: Store) -> None:
    """Be the only service for a moment, without patience."""
    async with only_service(store, patience=timedelta(seconds=0.1)):
        pass


def test_second_service_on_sqlite_is_refused(
    start_service: StartService, make_config: Callable[..., Settings]
) -> None:
    """A second `serve` on the same file ends with one sentence, and the first one works on."""
    first = start_service()
    with pytest.raises(ConfigurationError, match=r"already works on sqlite:.*PostgreSQL"):
        asyncio.run(serve(make_config()))
    assert first.private.get("/ready").status_code == 200


def test_killed_service_leaves_no_lock(sqlite_store: Store) -> None:
    """After kill -9 the next service starts at once: the system gives the lock back."""
    url = sqlite_store.engine.url.render_as_string(hide_password=False)
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", HOLDER, url], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ConfigurationError):
            asyncio.run(take(sqlite_store))
        holder.send_signal(signal.SIGKILL)
        holder.wait(timeout=10)
    asyncio.run(take(sqlite_store))


def test_services_on_postgresql_stand_side_by_side(postgres_store: Store) -> None:
    """Where the database keeps them apart, nobody is refused."""

    async def both() -> None:
        async with only_service(postgres_store):
            await take(postgres_store)

    asyncio.run(both())
