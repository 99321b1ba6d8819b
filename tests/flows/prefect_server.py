"""A real Prefect server for the session, and the processes that work for it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from postflow.tunnel import keeper

T = TypeVar("T")

DEADLINE = 180.0  # seconds; generous, because several such tests may share two cores
_SERVER: pytest.StashKey[PrefectServer] = pytest.StashKey()


def eventually(look: Callable[[], T | None], *, doing: str, seconds: float = DEADLINE) -> T:
    """Return the first answer that is true, or fail saying what was waited for."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"did not come true in {seconds:.0f} s: {doing}")
        threading.Event().wait(0.3)
    return found


@dataclass(frozen=True, kw_only=True)
class PrefectServer:
    """A Prefect server on a free port, with a home of its own."""

    api_url: str
    home: Path
    http: httpx.Client
    """One for all: a client of its own for each question costs more than the question."""

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of a process that works for this server and knows no other."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "POSTFLOW_"))}
        return {
            **clean,
            "PREFECT_API_URL": self.api_url,
            "PREFECT_HOME": str(self.home),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_RUNNER_POLL_FREQUENCY": "1",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_LOGGING_COLORS": "false",
            "NO_COLOR": "1",
        }

    def get(self, path: str) -> httpx.Response:
        """Ask the server's REST API."""
        return self._ask("GET", path)

    def post(self, path: str, body: object) -> httpx.Response:
        """Ask the server's REST API with a body; refusals fail the test."""
        answer = self._ask("POST", path, json=body)
        assert answer.is_success, answer.text
        return answer

    def _ask(self, method: str, path: str, *, json: object = None) -> httpx.Response:
        """Ask again while the answer is 503: a busy server on SQLite says so, and means it."""
        deadline = time.monotonic() + DEADLINE
        while True:
            answer = self.http.request(method, f"{self.api_url}{path}", json=json)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
                return answer
            threading.Event().wait(0.5)


def shared_server(request: pytest.FixtureRequest, tmp: pytest.TempPathFactory) -> PrefectServer:
    """Return the session's Prefect server, started when first asked for."""
    stash = request.config.stash
    if _SERVER not in stash:
        home = tmp.mktemp("prefect")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        http = httpx.Client(timeout=30)
        request.session.addfinalizer(http.close)
        server = PrefectServer(api_url=f"http://127.0.0.1:{port}/api", home=home, http=http)
        command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
        process = start_process(
            [sys.executable, keeper.__file__, *command],  # Ctrl-C leaves no finalizer any time
            environment=server.environment,
            folder=home,
            log=home / "server.log",
            stdin=subprocess.PIPE,  # the kernel closes it when we are gone, and the keeper sees it
        )
        request.session.addfinalizer(lambda: stop_process(process))
        eventually(lambda: _is_healthy(server), doing="the Prefect server answers")
        stash[_SERVER] = server
    return stash[_SERVER]


def start_process(
    command: list[str],
    *,
    environment: dict[str, str],
    folder: Path,
    log: Path,
    stdin: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process as the head of a group, so that all of it can be ended."""
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own command, and no shell
            command,
            env=environment,
            cwd=folder,
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def stop_process(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end and wait until it has; after a while end its whole group."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=30)
    if process.stdin is not None:
        process.stdin.close()


def _is_healthy(server: PrefectServer) -> bool:
    try:
        return server.get("/health").is_success
    except httpx.TransportError:
        return False
