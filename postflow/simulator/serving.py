"""The simulated Frame.io on a port of its own."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI

from postflow.errors import ConfigurationError
from postflow.simulator.app import create_app
from postflow.simulator.calling import world_of
from postflow.simulator.config import SimulatorConfig
from postflow.simulator.world import World

PATIENCE = 1  # seconds that open connections get when it is told to end


def serve_simulator(host: str, port: int, config: SimulatorConfig) -> None:
    """Serve until SIGTERM or Ctrl-C; prints its address once it listens, also for port 0."""
    with _listen(host, port) as listener:
        _AnnouncingServer(_configure(create_app(config))).run(sockets=[listener])


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningSimulator:
    """A simulated Frame.io that listens in a thread of this process."""

    base_url: str
    world: World


@contextmanager
def running_simulator(config: SimulatorConfig | None = None) -> Iterator[RunningSimulator]:
    """Serve on a free port of this machine, in a thread, for as long as the block lasts."""
    app = create_app(config)
    server = _QuietServer(_configure(app))
    with _listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        server.listening.wait()
        try:
            port = listener.getsockname()[1]
            yield RunningSimulator(base_url=f"http://127.0.0.1:{port}", world=world_of(app))
        finally:
            server.should_exit = True
            thread.join()


def _configure(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="warning",
        lifespan="on",
        timeout_graceful_shutdown=PATIENCE,
    )


class _QuietServer(uvicorn.Server):
    """Tells the starting thread, instead of the user, that it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


class _AnnouncingServer(uvicorn.Server):
    """Says where it listens, once it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or []:
            host, port = listener.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            print(f"Simulated Frame.io listens on http://{shown}:{port}", flush=True)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named TCP, because only then does asyncio send small answers at once (TCP_NODELAY).
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as problem:
        listener.close()
        if problem.errno == errno.EADDRINUSE:
            raise ConfigurationError(
                f"Port {port} on {host} is taken; choose another one for the simulated Frame.io."
            ) from problem
        raise ConfigurationError(
            f"Port {port} on {host} cannot be used ({problem.strerror}); choose another one for "
            "the simulated Frame.io."
        ) from problem
    return listener
