"""The service behind a tunnel: Frame.io follows every new address, and nothing depends on it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from postflow import PostFlowIntegration
from postflow.cli.main import run_program
from postflow.errors import ConfigurationError
from postflow.settings import load_settings
from postflow.simulator.config import SimulatorConfig
from postflow.simulator.serving import RunningSimulator, running_simulator
from postflow.webhook_registration import WEBHOOK_PATH
from postflow.webhook_secrets import load_webhook_secrets
from postflow.webhook_upkeep import register_webhook_at
from tests.integration.conftest import wait_until
from tests.tunnel.conftest import Cloudflared
from tests.webhook_api.conftest import Service, StartService


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[RunningSimulator]:
    """Serve a simulated Frame.io."""
    with running_simulator(SimulatorConfig(data_dir=tmp_path / "simulator")) as running:
        yield running


@pytest.fixture
def service(
    start_service: StartService, simulator: RunningSimulator, cloudflared: Cloudflared
) -> Service:
    """Give a service that keeps a quick tunnel."""
    return start_service(**_sections(simulator, cloudflared))


def _sections(
    simulator: RunningSimulator, cloudflared: Cloudflared
) -> dict[str, dict[str, object]]:
    tunnel = {"tunnel": "cloudflared", "tunnel_command": cloudflared.command, "secrets": []}
    return {
        "webhook": {"port": 0, **tunnel},
        "dashboard": {"port": 0},
        "frameio": {"base_url": simulator.base_url, "token": "postflow"},
    }


def _called(simulator: RunningSimulator) -> list[str]:
    """Return the addresses that Frame.io calls."""
    return [each.url for each in simulator.world.state.webhooks.values()]


def _calls_the_tunnel(simulator: RunningSimulator, cloudflared: Cloudflared) -> bool:
    return bool(cloudflared.calls) and _called(simulator) == [cloudflared.address + WEBHOOK_PATH]


def _create_file(simulator: RunningSimulator, name: str) -> str:
    answer = httpx.post(
        f"{simulator.base_url}/_sim/files", json={"file_name": name, "as": "postflow"}
    )
    return str(answer.raise_for_status().json()["id"])


def _received(service: Service) -> set[str]:
    return {each["resource_id"] for each in service.private.get("/api/events").json()}


def test_events_come_through_the_tunnel(
    service: Service, simulator: RunningSimulator, cloudflared: Cloudflared
) -> None:
    """Once the tunnel is up Frame.io is told its address, and its deliveries are believed."""
    wait_until(lambda: _calls_the_tunnel(simulator, cloudflared))
    file_id = _create_file(simulator, "cut.mp4")

    wait_until(lambda: file_id in _received(service))
    assert httpx.get(f"{cloudflared.address}/api/stats").status_code == 404


def test_webhook_follows_a_new_address(
    service: Service, simulator: RunningSimulator, cloudflared: Cloudflared
) -> None:
    """A tunnel that dies comes back elsewhere; the same webhook then calls there."""
    wait_until(lambda: _calls_the_tunnel(simulator, cloudflared))
    (before,) = simulator.world.state.webhooks.values()
    cloudflared.kill()
    wait_until(lambda: len(cloudflared.calls) == 2)
    wait_until(lambda: _calls_the_tunnel(simulator, cloudflared))
    file_id = _create_file(simulator, "cut.mp4")

    wait_until(lambda: file_id in _received(service))
    assert list(simulator.world.state.webhooks) == [before.id]


def test_service_works_without_the_program(
    start_service: StartService, simulator: RunningSimulator, cloudflared: Cloudflared
) -> None:
    """Without cloudflared both faces are there all the same, and the reason can be read."""
    Path(cloudflared.command).unlink()
    service = start_service(**_sections(simulator, cloudflared))

    assert service.public.get("/health").status_code == 200
    assert service.private.get("/ready").status_code == 200
    state = service.path.parent / ".postflow" / "tunnel.json"
    wait_until(lambda: "brew install" in (json.loads(state.read_text())["problem"] or ""))


def test_integration_tells_the_tunnel(
    sqlite_url: str, tmp_path: Path, simulator: RunningSimulator, cloudflared: Cloudflared
) -> None:
    """A script that starts tracking gets the tunnel's address, and its own face's after the end."""
    config = tmp_path / "pipeline_config.json"
    sections = {**_sections(simulator, cloudflared), "database": {"url": sqlite_url}}
    config.write_text(json.dumps(sections), encoding="utf-8")
    postflow = PostFlowIntegration(config)
    postflow.start_tracking()
    try:
        assert postflow.get_webhook_url() == cloudflared.address + WEBHOOK_PATH
        assert PostFlowIntegration(config).get_webhook_url() == cloudflared.address + WEBHOOK_PATH
        wait_until(lambda: _calls_the_tunnel(simulator, cloudflared))
    finally:
        postflow.stop_tracking()

    assert not cloudflared.is_running()
    assert postflow.get_webhook_url() == f"http://127.0.0.1:0{WEBHOOK_PATH}"


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_command_takes_its_tunnel_along(
    sqlite_url: str,
    tmp_path: Path,
    simulator: RunningSimulator,
    cloudflared: Cloudflared,
    end: signal.Signals,
) -> None:
    """However `postflow serve` ends, its tunnel ends too, and nobody tells its address any more."""
    config = tmp_path / "pipeline_config.json"
    sections = {**_sections(simulator, cloudflared), "database": {"url": sqlite_url}}
    config.write_text(json.dumps(sections), encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-m", "postflow", "serve"],
        env={**os.environ, "POSTFLOW_CONFIG": str(config)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as serve:
        wait_until(lambda: _calls_the_tunnel(simulator, cloudflared), seconds=60)
        other = PostFlowIntegration(config)
        assert other.get_webhook_url() == cloudflared.address + WEBHOOK_PATH
        serve.send_signal(end)
        serve.wait(20)

    wait_until(lambda: not cloudflared.is_running())
    assert cloudflared.address not in str(other.get_webhook_url())


def test_end_waits_for_a_stubborn_tunnel(
    sqlite_url: str, tmp_path: Path, simulator: RunningSimulator, cloudflared: Cloudflared
) -> None:
    """A script that stops tracking has no tunnel left, even of a program that heeds no signal."""
    (cloudflared.folder / "stubborn").touch()
    config = tmp_path / "pipeline_config.json"
    sections = {**_sections(simulator, cloudflared), "database": {"url": sqlite_url}}
    config.write_text(json.dumps(sections), encoding="utf-8")
    postflow = PostFlowIntegration(config)
    postflow.start_tracking()
    assert postflow.get_webhook_url() == cloudflared.address + WEBHOOK_PATH
    postflow.stop_tracking()

    assert not cloudflared.is_running()


def test_webhook_waits_for_frameio(
    start_service: StartService, tmp_path: Path, cloudflared: Cloudflared
) -> None:
    """While Frame.io does not answer, the service goes on, and says nothing that is not true."""
    service = start_service(
        webhook={"tunnel": "cloudflared", "tunnel_command": cloudflared.command},
        frameio={"base_url": "http://127.0.0.1:9", "token": "postflow"},
    )
    wait_until(lambda: cloudflared.calls)

    wait_until(lambda: httpx.get(f"{cloudflared.address}/health").status_code == 200)
    assert service.private.get("/ready").status_code == 200
    assert load_webhook_secrets(tmp_path / ".postflow" / "webhook-secrets.json") == ()


@pytest.mark.parametrize(
    ("webhook", "named"),
    [
        ({"tunnel_name": "review"}, r"webhook\.public_url"),
        ({"public_url": "https://review.studio.example"}, r"webhook\.tunnel_name"),
    ],
    ids=["no address", "two addresses"],
)
def test_contradicting_settings_are_told(
    tmp_path: Path, webhook: dict[str, str], named: str
) -> None:
    """A named tunnel needs its address, and a quick one cannot be given any."""
    config = tmp_path / "pipeline_config.json"
    config.write_text(json.dumps({"webhook": {"tunnel": "cloudflared", **webhook}}))

    with pytest.raises(ConfigurationError, match=named):
        load_settings(config)


def test_command_beside_the_config_is_found(tmp_path: Path) -> None:
    """A path of the program starts at the config file, a mere name is left to the PATH."""
    config = tmp_path / "pipeline_config.json"
    config.write_text(json.dumps({"webhook": {"tunnel_command": "bin/cloudflared"}}))

    assert load_settings(config).webhook.tunnel_command == str(tmp_path / "bin" / "cloudflared")
    config.write_text("{}")
    assert load_settings(config).webhook.tunnel_command == "cloudflared"


def test_register_finds_the_tunnel(
    service: Service,
    tmp_path: Path,
    simulator: RunningSimulator,
    cloudflared: Cloudflared,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The command by itself registers the address that the running tunnel has."""
    wait_until(lambda: _calls_the_tunnel(simulator, cloudflared))
    monkeypatch.setenv("POSTFLOW_CONFIG", str(tmp_path / "pipeline_config.json"))
    asyncio.run(register_webhook_at(load_settings(), "https://elsewhere.studio.example"))
    assert not _calls_the_tunnel(simulator, cloudflared)

    assert run_program(["webhook", "register"]) == 0
    assert _calls_the_tunnel(simulator, cloudflared)
