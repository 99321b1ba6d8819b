"""The simulated Frame.io on a port of its own."""

from __future__ import annotations

import errno
import socket

import uvicorn

from postflow.errors import ConfigurationError
from postflow.simulator.app import create_app
from postflow.simulator.config import SimulatorConfig

PATIENCE = 1  # seconds that open connections get when it is told to end


def serve_simulator(host: str, port: int, config: SimulatorConfig) -> None:
    """Serve until SIGTERM or Ctrl-C; prints its address once it listens, also for port 0."""
    listener = _listen(host, port)
    server = _AnnouncingServer(
        uvicorn.Config(
            create_app(config),
            log_level="warning",
            lifespan="on",
            timeout_graceful_shutdown=PATIENCE,
            h11_max_incomplete_event_size=64 * 1024,
        )
    )
    with listener:
        server.run(sockets=[listener])


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
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as problem:
        listener.close()
        reason = "is taken" if problem.errno == errno.EADDRINUSE else f"cannot be used ({problem})"
        raise ConfigurationError(
            f"Port {port} on {host} {reason}; choose another one for the simulated Frame.io."
        ) from problem
    return listener
