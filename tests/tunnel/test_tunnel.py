"""The tunnel by itself: its address, its deaths, and that it never outlives us."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from postflow.settings.sections import TunnelProgram, WebhookSettings
from postflow.tunnel.cloudflared import Tunnel
from postflow.tunnel.output import find_address, read_message
from tests.tunnel.conftest import Cloudflared

ORIGIN = "http://127.0.0.1:9"
Heard = list[tuple[str | None, str | None]]

PROGRAM = """
import asyncio, sys
from postflow.settings.sections import WebhookSettings
from postflow.tunnel.cloudflared import Tunnel
settings = WebhookSettings(tunnel="cloudflared", tunnel_command=sys.argv[1])
tunnel = Tunnel(settings, origin="http://127.0.0.1:9", on_change=lambda *told: print(*told, flush=True))
asyncio.run(tunnel.run(asyncio.Event()))
"""


def _settings(command: str, **more: object) -> WebhookSettings:
    return WebhookSettings.model_validate(
        {"tunnel": TunnelProgram.CLOUDFLARED, "tunnel_command": command, **more}
    )


def _until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        threading.Event().wait(0.01)


@contextmanager
def _running(settings: WebhookSettings) -> Iterator[Heard]:
    """Run a tunnel in a thread, and give what it tells."""
    heard: Heard = []
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    tunnel = Tunnel(settings, origin=ORIGIN, on_change=lambda *told: heard.append(told))
    thread = threading.Thread(target=loop.run_until_complete, args=(tunnel.run(stop),))
    thread.start()
    try:
        yield heard
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        assert not thread.is_alive()
        loop.close()


@pytest.mark.parametrize(
    ("line", "address"),
    [
        (
            "2026-03-02T09:00:00Z INF |  https://four-random-small-words.trycloudflare.com        |",
            "https://four-random-small-words.trycloudflare.com",
        ),
        ("INF |  http://127.0.0.1:40123/  |", "http://127.0.0.1:40123"),
        ("2026-03-02T09:00:00Z INF +--------------------------------------------+", None),
        (
            "INF |  Your quick Tunnel has been created! Visit it at (it may take some time):  |",
            None,
        ),
        ('failed: Post "https://api.trycloudflare.com/tunnel": dial tcp: lookup', None),
        ("INF Thank you … Terms of Use (https://www.cloudflare.com/website-terms/)", None),
        ("", None),
    ],
    ids=["quick", "own service", "frame", "caption", "error", "terms", "nothing"],
)
def test_address_stands_in_the_box(line: str, address: str | None) -> None:
    """Only the address in the frame is the tunnel's; others are Cloudflare's own."""
    assert find_address(line) == address


def test_message_is_without_time() -> None:
    """What the program said last is told without its time and level."""
    assert read_message("2026-03-02T09:00:00Z ERR no network\n") == "no network"


def test_quick_tunnel_tells_its_address(cloudflared: Cloudflared) -> None:
    """A quick tunnel is started for our port, reads no config of the user's, and is heard."""
    with _running(
        _settings(cloudflared.command, tunnel_arguments=["--protocol", "http2"])
    ) as heard:
        _until(lambda: heard)
        (call,) = cloudflared.calls

    assert heard[0] == (cloudflared.address, None)
    assert call["arguments"][:4] == ["tunnel", "--no-autoupdate", "--url", ORIGIN]
    assert call["arguments"][4:] == ["--config", os.devnull, "--protocol", "http2"]


def test_named_tunnel_has_its_own_address(cloudflared: Cloudflared) -> None:
    """A named tunnel is run by its name, and its address is the one in the settings."""
    (cloudflared.folder / "named-port").write_text("0")
    public = "https://review.studio.example"
    named = _settings(cloudflared.command, tunnel_name="review", public_url=public)
    with _running(named) as heard:
        _until(lambda: cloudflared.calls)

    assert heard[0] == (public, None)
    assert cloudflared.calls[0]["arguments"] == [
        *("tunnel", "--no-autoupdate", "--url", ORIGIN, "run", "review")
    ]


def test_dead_tunnel_comes_back(cloudflared: Cloudflared) -> None:
    """Its death is told with its last words, and the next run with the address that it has."""
    with _running(_settings(cloudflared.command)) as heard:
        _until(lambda: heard)
        cloudflared.kill()
        _until(lambda: len(heard) == 3)

    (_, (lost, why), (second, _)) = heard
    assert lost is None
    assert "Registered tunnel connection" in str(why)
    assert second == cloudflared.address  # the stand-in may get its old port again


def test_failing_tunnel_is_tried_again(cloudflared: Cloudflared) -> None:
    """A tunnel that cannot be had now is tried again, and what it said is passed on."""
    cloudflared.fail()
    with _running(_settings(cloudflared.command)) as heard:
        _until(lambda: heard)
        cloudflared.fail(fails=False)
        _until(lambda: heard[-1][0])

    assert "failed to request quick Tunnel" in str(heard[0][1])
    assert heard[-1] == (cloudflared.address, None)


def test_end_leaves_no_process(cloudflared: Cloudflared) -> None:
    """When the service ends, so does the tunnel."""
    with _running(_settings(cloudflared.command)) as heard:
        _until(lambda: heard)
        assert cloudflared.is_running()

    assert not cloudflared.is_running()


def test_stubborn_tunnel_is_ended_too(cloudflared: Cloudflared) -> None:
    """A tunnel that waits for its last requests is not waited for."""
    (cloudflared.folder / "stubborn").touch()
    with _running(_settings(cloudflared.command)) as heard:
        _until(lambda: heard)

    assert not cloudflared.is_running()


def test_missing_program_is_a_sentence(tmp_path: Path) -> None:
    """Without cloudflared people are told how to install it, once."""
    with _running(_settings(str(tmp_path / "cloudflared"))) as heard:
        _until(lambda: heard)

    assert len(heard) == 1
    assert "brew install cloudflared" in str(heard[0][1])


@pytest.mark.parametrize("victim", ["service", "keeper"])
def test_tunnel_dies_with_whoever_keeps_it(cloudflared: Cloudflared, victim: str) -> None:
    """Even kill -9 of the service, or of the program between, leaves no tunnel behind."""
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", PROGRAM, cloudflared.command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as service:
        assert service.stdout is not None
        service.stdout.readline()
        tunnel = psutil.Process(cloudflared.calls[0]["pid"])
        keeper = tunnel.ppid()
        os.kill(service.pid if victim == "service" else keeper, signal.SIGKILL)
        _until(lambda: not tunnel.is_running() or tunnel.status() == psutil.STATUS_ZOMBIE)
        service.kill()
    _until(lambda: not cloudflared.is_running())
