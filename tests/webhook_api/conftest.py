"""The real service on free ports, in a thread of its own, with real SQLite beneath it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from postflow.logs import configure_logs
from postflow.settings import Settings, load_settings
from postflow.store.database import Store, open_store
from tests.webhook_api.signing import SECRET
from webhook_api.serving import serve

configure_logs()  # log lines go to stderr, as in the program: stdout is what commands print

NOWHERE = "http://127.0.0.1:9/api"
StartService = Callable[..., "Service"]


class Service:
    """A running service, as its callers see it."""

    def __init__(self, public: str, private: str, store: Store, path: Path) -> None:
        self.public = httpx.Client(base_url=public, timeout=10)
        self.private = httpx.Client(base_url=private, timeout=10)
        self.public_url = public
        self.private_url = private
        self.store = store
        self.path = path

    def count_events(self) -> int:
        """Return how many deliveries are stored."""
        with sqlite3.connect(self.path) as connection:
            found: int = connection.execute("SELECT count(*) FROM events").fetchone()[0]
        connection.close()
        return found

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the store's write lock from another connection."""
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")
            connection.close()


def _settings(folder: Path, url: str, sections: dict[str, dict[str, object]]) -> Settings:
    defaults: dict[str, dict[str, object]] = {
        "webhook": {"port": 0, "secrets": [SECRET]},
        "dashboard": {"port": 0},
        "database": {"url": url},
        "prefect": {"api_url": NOWHERE},
    }
    content = {k: {**defaults.get(k, {}), **sections.get(k, {})} for k in {*defaults, *sections}}
    config = folder / "pipeline_config.json"
    config.write_text(json.dumps(content), encoding="utf-8")
    return load_settings(config)


@contextmanager
def _running(settings: Settings) -> Iterator[tuple[str, str]]:
    listening: Future[tuple[str, str]] = Future()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def work() -> None:
        def told(public: str, private: str) -> None:
            listening.set_result((public, private))

        try:
            loop.run_until_complete(serve(settings, stop=stop, on_listening=told))
        except BaseException as error:  # whatever it was, the test must see it
            if listening.done():
                raise
            listening.set_exception(error)
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield listening.result(timeout=30)
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=20)
        assert not thread.is_alive(), "the service does not stop"


@pytest.fixture
def make_config(sqlite_url: str, tmp_path: Path) -> Callable[..., Settings]:
    """Give a maker of settings for a service of this test's own; sections change the defaults."""

    def make(**sections: dict[str, object]) -> Settings:
        return _settings(tmp_path, sqlite_url, sections)

    return make


@pytest.fixture
def start_service(make_config: Callable[..., Settings], tmp_path: Path) -> Iterator[StartService]:
    """Give a starter of services; sections change the default settings."""
    with ExitStack() as stack:

        def start(**sections: dict[str, object]) -> Service:
            settings = make_config(**sections)
            public, private = stack.enter_context(_running(settings))
            store = open_store(settings.database.url)
            stack.callback(store.close)
            service = Service(public, private, store, tmp_path / "postflow.db")
            stack.callback(service.private.close)
            stack.callback(service.public.close)
            return service

        yield start


@pytest.fixture
def service(start_service: StartService) -> Service:
    """Give a running service with one webhook secret."""
    return start_service()
