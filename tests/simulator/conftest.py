"""A simulated Frame.io on a real port, one in process, and a receiver for its deliveries."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from postflow.simulator.app import create_app
from postflow.simulator.calling import world_of
from postflow.simulator.config import SimulatorConfig
from postflow.simulator.serving import RunningSimulator, running_simulator
from postflow.simulator.world import World

DEADLINE = 10.0


def wait_until(condition: Callable[[], object]) -> None:
    """Wait for a condition, at most ten seconds."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("the condition did not come true in time")
        threading.Event().wait(0.01)


async def eventually(condition: Callable[[], object]) -> None:
    """Let the event loop work until a condition is true, at most ten seconds."""
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110 - any condition, not one that sets an event
            await asyncio.sleep(0)


@dataclass
class Received:
    """One delivery as it arrived."""

    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A webhook endpoint that keeps what comes and answers as told."""

    url: str
    received: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)  # one per delivery, then 202

    def events(self) -> list[bytes]:
        """Give the bodies in order of arrival."""
        return [each.body for each in self.received]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Listen for deliveries on a free port."""
    kept = Receiver(url="")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            kept.received.append(Received(headers=headers, body=body))
            self.send_response(kept.answers.pop(0) if kept.answers else 202)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name upstream
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_address[1]}/webhooks/frameio"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield kept
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def live(tmp_path: Path) -> Iterator[RunningSimulator]:
    """Serve a simulated Frame.io on a real port; transcodes take no time."""
    config = SimulatorConfig(data_dir=tmp_path / "simulator", transcode_delay=timedelta(0))
    with running_simulator(config) as running:
        yield running


@dataclass(frozen=True, kw_only=True)
class InProcess:
    """A simulated Frame.io without a port, with the ids that every test needs."""

    client: httpx.AsyncClient
    world: World
    account: str
    workspace: str
    project: str
    root: str

    async def call(
        self, method: str, path: str, *, as_user: str = "postflow", **kwargs: object
    ) -> httpx.Response:
        """Call the API below the account as somebody."""
        headers = {"authorization": f"Bearer {as_user}"}
        return await self.client.request(
            method,
            f"/v4/accounts/{self.account}{path}",
            headers=headers,
            **kwargs,  # type: ignore[arg-type] # passed on as they are
        )

    async def control(self, method: str, path: str, **kwargs: object) -> httpx.Response:
        """Call a control route, which must not fail."""
        answer = await self.client.request(method, f"/_sim{path}", **kwargs)  # type: ignore[arg-type] # passed on
        answer.raise_for_status()
        return answer

    async def subscribe(self, *events: str, url: str = "http://postflow.test/hook") -> str:
        """Subscribe to events and give the secret."""
        path = f"/workspaces/{self.workspace}/webhooks"
        body = {"data": {"name": "PostFlow", "url": url, "events": list(events)}}
        return str((await self.call("POST", path, json=body)).json()["data"]["secret"])

    async def fault(self, kind: str, **fields: object) -> None:
        """Switch a fault on."""
        await self.control("POST", "/faults", json={"kind": kind, **fields})

    async def ready_file(self, name: str = "cut.mp4") -> str:
        """Put a file there that is ready, and give its id."""
        answer = await self.control("POST", "/files", json={"file_name": name, "as": "postflow"})
        file_id = answer.json()["id"]
        await self.control("POST", f"/files/{file_id}/ready")
        return str(file_id)


@asynccontextmanager
async def simulated(config: SimulatorConfig | None = None) -> AsyncIterator[InProcess]:
    """Open a simulated Frame.io in process."""
    app = create_app(config)
    world = world_of(app)
    project = next(iter(world.state.projects.values()))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://frameio.test") as client:
        accounts = await client.get("/v4/accounts", headers={"authorization": "Bearer postflow"})
        yield InProcess(
            client=client,
            world=world,
            account=accounts.json()["data"][0]["id"],
            workspace=project.workspace_id,
            project=project.id,
            root=project.root_folder_id,
        )
        await world.close()
