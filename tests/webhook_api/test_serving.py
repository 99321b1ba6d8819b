"""The service as a whole: ports, missing parts, connections and a clean end."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from postflow.errors import ConfigurationError, StoreError
from postflow.settings import Settings
from tests.webhook_api.conftest import StartService
from tests.webhook_api.signing import BODY, PATH, signed
from webhook_api.listening import address_of, listen
from webhook_api.serving import serve

PROGRAM = """
import sys
from postflow.settings import load_settings
from webhook_api.serving import run
run(load_settings(sys.argv[1]), on_listening=lambda *urls: print(*urls, flush=True))
"""


@pytest.mark.parametrize("section", ["webhook", "dashboard"])
def test_taken_port_names_its_setting(make_config: Callable[..., Settings], section: str) -> None:
    """A port that another program has is one sentence with the port and the setting to change."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = make_config(**{section: {"port": port}})

        with pytest.raises(ConfigurationError, match=rf"{port}.* is taken.*{section}\.port"):
            asyncio.run(serve(settings))


def test_foreign_address_names_its_setting(make_config: Callable[..., Settings]) -> None:
    """A host that is no address of this machine is one sentence with the setting to change."""
    settings = make_config(dashboard={"host": "192.0.2.1", "token": "long-token"})

    with pytest.raises(ConfigurationError, match=r"192\.0\.2\.1.*dashboard\."):
        asyncio.run(serve(settings))


def test_open_private_face_does_not_start(make_config: Callable[..., Settings]) -> None:
    """Off loopback and without a token the service refuses to start at all."""
    settings = make_config(dashboard={"host": "0.0.0.0"})  # noqa: S104 - what the test is about

    with pytest.raises(ConfigurationError, match=r"dashboard\.token"):
        asyncio.run(serve(settings))


def test_impossible_store_ends_the_start(make_config: Callable[..., Settings]) -> None:
    """A store that cannot be opened is told, and both ports are given back."""
    settings = make_config(database={"url": "sqlite:////proc/nowhere/postflow.db"})

    with pytest.raises(StoreError):
        asyncio.run(serve(settings))


def test_webhooks_can_be_off(start_service: StartService) -> None:
    """With webhooks off there is a private face and no public one."""
    service = start_service(webhook={"enabled": False})

    assert service.public_url == ""
    assert service.private.get("/ready").status_code == 200


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_signal_ends_the_service(
    make_config: Callable[..., Settings], tmp_path: Path, end: signal.Signals
) -> None:
    """A signal ends the program within seconds, cleanly, and after the last commit."""
    make_config()
    program = [sys.executable, "-c", PROGRAM, str(tmp_path / "pipeline_config.json")]
    with subprocess.Popen(  # noqa: S603 - our own program
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        public = next(line for line in running.stdout if line.startswith("http")).split()[0]
        accepted = httpx.post(public + PATH, content=BODY, headers=signed())
        began = time.monotonic()
        running.send_signal(end)
        _, errors = running.communicate(timeout=20)

    assert accepted.status_code == 202
    assert running.returncode == 0, errors
    assert time.monotonic() - began < 8
    assert "Traceback" not in errors


def test_free_port_is_told() -> None:
    """Port 0 takes a free port, and the address says which."""
    with listen("127.0.0.1", 0, section="webhook") as listener:
        assert address_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"
