"""The simulated Frame.io on a port, with hands to make it fail and eyes to see what it holds."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

from postflow.simulator.app import create_app
from postflow.simulator.config import SimulatorConfig

DEADLINE = 10.0


class Simulated:
    """One running simulator and its control routes."""

    def __init__(self, address: str, control: httpx.Client) -> None:
        self.address = address
        self._control = control

    @property
    def state(self) -> Any:
        """Everything there is."""
        return self._control.get("/_sim/state").json()

    @property
    def account_id(self) -> str:
        """The only account."""
        return str(self.state["account_id"])

    @property
    def project(self) -> Any:
        """The only project."""
        return self.state["projects"][0]

    @property
    def root(self) -> str:
        """The folder of the only project."""
        return str(self.project["root_folder_id"])

    def fault(self, kind: str, /, **details: object) -> None:
        """Let something go wrong."""
        self.order("POST", "/faults", kind=kind, **details)

    def order(self, method: str, path: str, /, **body: object) -> Any:
        """Use a control route."""
        answer = self._control.request(method, f"/_sim{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def calls(self, method: str, path: str = "*") -> list[Any]:
        """List the calls of the API that it got."""
        params = {"method": method, "path": path}
        found: list[Any] = self._control.get("/_sim/calls", params=params).json()["calls"]
        return found


@contextmanager
def simulate(config: SimulatorConfig) -> Iterator[Simulated]:
    """Run a simulator on a free port until the block ends."""
    # The protocol is named because asyncio turns Nagle's wait (40 ms an answer) off only then.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(config), log_level="error", ws="none", timeout_graceful_shutdown=1
            )
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            _wait_until_started(server)
            with httpx.Client(base_url=address, trust_env=False) as control:
                yield Simulated(address, control)
        finally:
            server.should_exit = True
            thread.join(DEADLINE)


def _wait_until_started(server: uvicorn.Server) -> None:
    ends_at = time.monotonic() + DEADLINE
    while not server.started:
        assert time.monotonic() < ends_at, "the simulator did not start"
        time.sleep(0.005)
