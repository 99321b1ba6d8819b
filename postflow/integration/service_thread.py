"""The service of `postflow serve` in a thread of this process, with an event loop of its own."""

from __future__ import annotations

import asyncio
import importlib
import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass

import structlog

from postflow.logs import configure_logs
from postflow.settings import Settings

_STOP_SECONDS = 20.0
_log = structlog.get_logger("postflow.integration")


@dataclass(frozen=True, kw_only=True, slots=True)
class Faces:
    """Where the service listens: base addresses, `public` empty where there is none."""

    public: str
    private: str


class ServiceThread:
    """One run of the service, from its start to its end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._listening: Future[Faces] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="postflow-service", daemon=True)

    def start(self) -> Faces:
        """Return once both faces listen; raises what keeps the service from starting."""
        if not structlog.is_configured():  # a script may have its own way of logging
            configure_logs(self._settings.logs, program="service")
        self._thread.start()
        try:
            return self._listening.result()
        except BaseException:
            self.stop()
            raise

    @property
    def is_alive(self) -> bool:
        """Whether the service runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End the service and wait for its end."""
        if not self._thread.is_alive():  # also in a fork, which has the object but no thread
            return
        if self._loop is None:
            self._stop.set()
        else:
            with suppress(RuntimeError):  # the loop has just been closed
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=_STOP_SECONDS)
        if self._thread.is_alive():
            _log.warning("the service does not end", waited_seconds=_STOP_SECONDS)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - the thread that started us must see it
            if self._listening.done():
                _log.exception("the service ended unexpectedly")
            else:
                self._listening.set_exception(error)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()

        def note(public: str, private: str) -> None:
            self._listening.set_result(Faces(public=public, private=private))

        # By name: the web service and this package never import each other. Prefect, the longest
        # import, comes before the ports are taken: who holds them must answer soon.
        serving = importlib.import_module("webhook_api.serving")
        importlib.import_module("postflow.flow_runs")
        await serving.serve(self._settings, stop=self._stop, on_listening=note)
