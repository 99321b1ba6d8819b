"""Tracking for a script: a service of our own in a thread, or one that runs already."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from postflow.errors import ConfigurationError, PostFlowError
from postflow.integration.neighbour import Presence, look_next_door
from postflow.integration.service_thread import Faces, ServiceThread
from postflow.settings import Settings

_ASK_SECONDS = 2.0
_START_SECONDS = 6.0
"""How long who holds the port may take to say that it is a service of ours, ready or starting."""
_LOOK_EVERY = 2.0
_log = structlog.get_logger("postflow.integration")


class Tracking:
    """Sees to it that somebody tracks our store until told to stop; safe to call from any thread.

    While another service does, it is only watched; where that one ends, ours takes over.
    """

    def __init__(self, settings: Settings, *, read_address: Callable[[], str]) -> None:
        self._settings = settings
        self._read_address = read_address
        self._lock = threading.RLock()
        self._service: ServiceThread | None = None
        self._watch: threading.Thread | None = None
        self._stop_watch = threading.Event()
        self.faces: Faces | None = None
        """Where our own service listens, while it does."""

    @property
    def has_own_service(self) -> bool:
        """Whether the service runs in this process because of us."""
        return self._service is not None and self._service.is_alive

    def start(self) -> None:
        """Start or find a service; raises ConfigurationError where neither is possible."""
        with self._lock:
            if self.has_own_service or (self._watch is not None and self._watch.is_alive()):
                return
            if self._look() is Presence.READY or not self._start_own():
                self._stop_watch = threading.Event()
                self._watch = threading.Thread(
                    target=self._keep_tracked, name="postflow-watch", daemon=True
                )
                self._watch.start()

    def stop(self) -> None:
        """End our part; a service of somebody else goes on."""
        self._stop_watch.set()
        watch = self._watch
        if watch is not None and watch is not threading.current_thread():
            watch.join()
        with self._lock:
            service, self._service = self._service, None
            self._watch = self.faces = None
        if service is not None:
            service.stop()

    def _start_own(self) -> bool:
        """Start our own service; False when another one on our store was faster."""
        service = ServiceThread(self._settings)
        try:
            self.faces = service.start()
        except ConfigurationError:
            if self._is_another_coming_up():
                return False
            raise
        self._service = service
        return True

    def _is_another_coming_up(self) -> bool:
        until = time.monotonic() + _START_SECONDS
        while True:
            presence = self._look()
            if presence is Presence.READY:
                return True
            waits = presence in (Presence.SILENT, Presence.STARTING)
            if not waits or time.monotonic() > until:
                return False
            time.sleep(0.1)

    def _look(self) -> Presence:
        return look_next_door(self._settings, store=self._read_address(), patience=_ASK_SECONDS)

    def _keep_tracked(self) -> None:
        """Watch the other service; where it has ended, start our own and be done."""
        stop = self._stop_watch
        while not stop.wait(_LOOK_EVERY):
            if self._look() is not Presence.NOBODY:
                continue
            try:
                if self._start_own():
                    _log.info("the service that tracked has ended, this process tracks on")
                    return
            except PostFlowError as error:
                _log.warning("nobody tracks, will try again", error=str(error))
