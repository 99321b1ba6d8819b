"""Doctor on the states of a real machine: service, simulated Frame.io, tunnel, store."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket
from typing import Any

import pytest

from postflow.cli.main import run_program
from postflow.simulator.config import SimulatorConfig
from postflow.simulator.serving import RunningSimulator, running_simulator

# The fixtures of a running service and a stand-in for cloudflared serve these tests too.
from tests.tunnel.conftest import cloudflared
from tests.webhook_api.conftest import make_config, start_service

__all__ = ["cloudflared", "make_config", "start_service"]

CHECKS = [
    *("settings", "ffmpeg", "who decides", "store", "notices", "polling", "disk", "service"),
    *("Frame.io", "project", "webhook rights", "webhook", "clock"),
    *("tunnel", "public address", "webhook secret", "Prefect", "deployments", "runner"),
]


@dataclass(frozen=True, kw_only=True)
class Report:
    """What doctor found, and how it ended."""

    code: int
    findings: dict[str, dict[str, Any]] = field(default_factory=dict)

    def mark(self, check: str) -> str:
        """Return how a check came out."""
        return str(self.findings[check]["mark"])

    def line(self, check: str) -> str:
        """Return what was said, with the remedy."""
        found = self.findings[check]
        return f"{found['says']}; {found['remedy']}"


Doctor = Callable[..., Report]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every setting of the machine out of the test."""
    for name in [n for n in os.environ if n.startswith(("POSTFLOW_", "PREFECT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nowhere"))
    monkeypatch.setenv("POSTFLOW_PREFECT__API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("POSTFLOW_FRAMEIO__BASE_URL", "http://127.0.0.1:9")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """Run the command with some settings and read what it prints for programs."""

    def run(**settings: object) -> Report:
        for name, value in settings.items():
            text = value if isinstance(value, str) else json.dumps(value)
            monkeypatch.setenv(f"POSTFLOW_{name.upper()}", text)
        capsys.readouterr()
        code = run_program(["doctor", "--json"])
        printed = capsys.readouterr().out
        found = json.loads(printed[printed.index("[\n") :])  # a service of this process may log
        return Report(code=code, findings={each["check"]: each for each in found})

    return run


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[RunningSimulator]:
    """Serve a simulated Frame.io."""
    with running_simulator(SimulatorConfig(data_dir=tmp_path / "simulator")) as running:
        yield running


@pytest.fixture
def free_port() -> int:
    """Give a port that is free at this moment."""
    with closing(socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
