"""Signing in with a browser: the way there, the way back, and everything that can come instead."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from postflow.errors import ConfigurationError, FrameioError, FrameioRefusedError
from postflow.frameio.login import log_in
from postflow.frameio.oauth import OAuthApp
from postflow.frameio.wire import IssuedToken
from postflow.simulator.config import SimulatorConfig
from tests.frameio.simulated import Simulated, simulate

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def frameio() -> Iterator[Simulated]:
    """Run one simulated Adobe for these tests."""
    with simulate(SimulatorConfig()) as running:
        yield running


def get(address: str) -> httpx.Response:
    """Open an address as a browser does."""
    return httpx.get(address, follow_redirects=True, trust_env=False)


def query_of(address: str) -> dict[str, str]:
    """Read what an address asks for."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


async def sign_in(frameio: Simulated, browse: object = get, **wishes: object) -> IssuedToken:
    """Sign in with a browser that does `browse`."""
    app = OAuthApp(client_id="studio", ims_base_url=frameio.address)
    wishes = {"port": 0, "show": lambda _: None, "open_browser": browse, **wishes}
    return await log_in(app, **wishes)  # type: ignore[arg-type]


async def test_browser_brings_back_tokens(frameio: Simulated) -> None:
    """Whoever agrees at Adobe gets a token and one to refresh it with."""
    issued = await sign_in(frameio)
    assert issued.access_token
    assert issued.refresh_token


async def test_address_is_shown_where_no_browser_opens(frameio: Simulated) -> None:
    """Without a browser on this machine, the shown address works when opened by hand."""
    shown: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    signing_in = asyncio.create_task(sign_in(frameio, lambda _: False, show=shown.set_result))
    await asyncio.to_thread(get, await shown)
    assert (await signing_in).access_token


async def test_question_carries_state_and_challenge(frameio: Simulated) -> None:
    """Adobe is asked with a fresh state and a challenge, never with the verifier itself."""
    shown: list[str] = []
    await sign_in(frameio, show=shown.append)
    await sign_in(frameio, show=shown.append)
    first, second = map(query_of, shown)
    assert first["code_challenge_method"] == "S256"
    assert first["state"] != second["state"]
    assert first["code_challenge"] != second["code_challenge"]


async def test_foreign_state_is_not_taken(frameio: Simulated) -> None:
    """A page that calls our address with a code of its own changes nothing."""
    refused: list[int] = []

    def browse(address: str) -> None:
        back = query_of(address)["redirect_uri"]
        elsewhere = back.replace("callback", "favicon.ico")
        foreign = (f"{back}?code=code-thief&state=guessed", f"{back}?code=code-thief")
        refused.extend(get(target).status_code for target in (*foreign, back, elsewhere))
        get(address)

    assert (await sign_in(frameio, browse)).access_token
    assert refused == [400, 400, 400, 404]


async def test_stolen_code_needs_the_verifier(frameio: Simulated) -> None:
    """A code that was issued for another challenge is refused in one sentence."""

    def browse(address: str) -> None:
        asked = query_of(address)
        get(f"{asked['redirect_uri']}?code=code-thief~other&state={asked['state']}")

    with pytest.raises(FrameioRefusedError, match="postflow login"):
        await sign_in(frameio, browse)


async def test_person_who_says_no_ends_it(frameio: Simulated) -> None:
    """Adobe's own words come with the error."""

    def browse(address: str) -> None:
        asked = query_of(address)
        get(f"{asked['redirect_uri']}?error=access_denied&state={asked['state']}")

    with pytest.raises(FrameioError, match="access_denied"):
        await sign_in(frameio, browse)


async def test_waiting_for_a_person_ends(frameio: Simulated) -> None:
    """Nobody who comes back leaves no program that waits for ever."""
    with pytest.raises(FrameioError, match="Nobody signed in"):
        await sign_in(frameio, lambda _: None, patience=timedelta(milliseconds=20))


async def test_taken_port_is_named(frameio: Simulated) -> None:
    """A port in use is told with what to do about it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"Port {port} .*--port"):
            await sign_in(frameio, port=port)


async def test_noise_on_the_port_is_survived(frameio: Simulated) -> None:
    """What is no request of a browser is hung up on, and the wait goes on."""

    def browse(address: str) -> None:
        port = urlsplit(query_of(address)["redirect_uri"]).port or 0
        for noise in (b"", b"\x16\x03\x01\r\n\r\n", b"GET\r\n\r\n", b"x" * 70_000):
            with socket.create_connection(("127.0.0.1", port)) as sent:
                sent.sendall(noise)
        get(address)

    assert (await sign_in(frameio, browse)).access_token


def postflow_login(frameio: Simulated, folder: Path, *, browser: str, minutes: str = "0.5") -> str:
    """Run the command as a person does and return what it says."""
    settings = {"base_url": frameio.address, "ims_base_url": frameio.address, "client_id": "app"}
    (folder / "pipeline_config.json").write_text(json.dumps({"frameio": settings}))
    arguments = ["login", "--port", "0", "--minutes", minutes]
    ran = subprocess.run(  # noqa: S603 -- our own interpreter and module
        [sys.executable, "-m", "postflow", *arguments],
        cwd=folder,
        env={**os.environ, "BROWSER": browser, "COLUMNS": "60"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ran.stdout + ran.stderr


def test_command_keeps_the_login(frameio: Simulated, tmp_path: Path) -> None:
    """`postflow login` leaves a file for its owner alone and says who PostFlow now is."""
    visit = tmp_path / "visit.py"
    visit.write_text("import sys, urllib.request as r; r.urlopen(sys.argv[1]).read()")
    told = postflow_login(frameio, tmp_path, browser=f"{sys.executable} {visit} %s")
    kept = tmp_path / ".postflow" / "frameio-login.json"
    assert "works as person" in told
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    secrets = json.loads(kept.read_text())
    assert secrets["access_token"] not in told
    assert secrets["refresh_token"] not in told


def test_command_prints_an_address_to_copy(frameio: Simulated, tmp_path: Path) -> None:
    """The address stands on one line, however narrow the terminal is; the error is a sentence."""
    told = postflow_login(frameio, tmp_path, browser="false %s", minutes="0.02")
    [address] = [line for line in told.splitlines() if line.startswith(frameio.address)]
    assert {"state", "code_challenge", "redirect_uri"} <= set(query_of(address))
    assert "Nobody signed in" in told
    assert "Traceback" not in told
