"""Integrations as a script makes them, beside a simulated Frame.io that calls their webhook."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from postflow import PostFlowIntegration
from postflow.simulator.config import SimulatorConfig
from postflow.simulator.serving import running_simulator
from postflow.webhook_secrets import StoredWebhook, add_webhook_secret

NOWHERE = "http://127.0.0.1:9/api"
TOKEN = "editor@studio.example"
EVENTS = ["file.created", "file.upload.completed", "file.ready", "comment.created"]

WriteConfig = Callable[..., Path]
Integrate = Callable[..., PostFlowIntegration]


def wait_until(condition: Callable[[], object], *, seconds: float = 20) -> None:
    """Wait for a condition, at most so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        threading.Event().wait(0.01)


@dataclass(frozen=True, kw_only=True)
class Frameio:
    """The simulated Frame.io: what people do there, and how it is made to call us."""

    base_url: str
    account: str
    workspace: str

    def put_file(self, name: str) -> str:
        """Let a file be there at once; its id."""
        return str(self._order("/files", {"file_name": name, "as": "postflow"})["id"])

    def finish(self, file_id: str) -> None:
        """Finish the transcode now."""
        self._order(f"/files/{file_id}/ready", {})

    def comment(self, file_id: str, text: str) -> None:
        """Let the client comment."""
        self._order(f"/files/{file_id}/comments", {"as": "julie@client.com", "text": text})

    def call_webhook_of(self, integration: PostFlowIntegration) -> None:
        """Register the integration's webhook and keep its secret, as the command does."""
        url = integration.get_webhook_url()
        answer = httpx.post(
            f"{self.base_url}/v4/accounts/{self.account}/workspaces/{self.workspace}/webhooks",
            json={"data": {"name": "PostFlow", "url": url, "events": EVENTS}},
            headers={"authorization": f"Bearer {TOKEN}"},
        )
        made = answer.raise_for_status().json()["data"]
        add_webhook_secret(
            integration.settings.webhook.secrets_file,
            StoredWebhook(webhook_id=made["id"], url=made["url"], secret=made["secret"]),
        )

    def _order(self, path: str, body: dict[str, object]) -> dict[str, object]:
        answer = httpx.post(f"{self.base_url}/_sim{path}", json=body).raise_for_status()
        told: dict[str, object] = answer.json() if answer.content else {}
        return told


@pytest.fixture
def frameio(tmp_path: Path) -> Iterator[Frameio]:
    """Serve a simulated Frame.io; transcodes take a moment."""
    config = SimulatorConfig(
        data_dir=tmp_path / "frameio", transcode_delay=timedelta(milliseconds=200)
    )
    with running_simulator(config) as running:
        project = next(iter(running.world.state.projects.values()))
        accounts = httpx.get(
            f"{running.base_url}/v4/accounts", headers={"authorization": f"Bearer {TOKEN}"}
        )
        yield Frameio(
            base_url=running.base_url,
            account=accounts.json()["data"][0]["id"],
            workspace=project.workspace_id,
        )


@pytest.fixture
def write_config(tmp_path: Path, sqlite_url: str) -> WriteConfig:
    """Give a writer of config files for this test's own store; sections change the defaults."""

    def write(**sections: dict[str, object]) -> Path:
        defaults: dict[str, dict[str, object]] = {
            "webhook": {"port": 0},
            "dashboard": {"port": 0},
            "database": {"url": sqlite_url},
            "prefect": {"api_url": NOWHERE},
        }
        names = {*defaults, *sections}
        content = {n: {**defaults.get(n, {}), **sections.get(n, {})} for n in names}
        path = tmp_path / "pipeline_config.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return write


@pytest.fixture
def integrate(write_config: WriteConfig) -> Iterator[Integrate]:
    """Give a maker of integrations that leave nothing behind."""
    made: list[PostFlowIntegration] = []

    def make(**sections: dict[str, object]) -> PostFlowIntegration:
        made.append(PostFlowIntegration(write_config(**sections)))
        return made[-1]

    yield make
    for integration in reversed(made):
        integration.stop_tracking()


@pytest.fixture
def tracking(integrate: Integrate, frameio: Frameio) -> PostFlowIntegration:
    """Give an integration that tracks, called by the simulated Frame.io."""
    integration = integrate(
        frameio={"base_url": frameio.base_url, "token": TOKEN},
        post_processing={"profile": ["-c:v", "libx264", "-preset", "ultrafast"]},
    )
    integration.start_tracking()
    frameio.call_webhook_of(integration)
    return integration
