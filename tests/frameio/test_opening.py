"""From the settings to a client: how it signs in, and how patient it is."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from postflow.errors import ConfigurationError
from postflow.frameio.opening import has_token, open_frameio, sign_in_of, suited_to, token_source
from postflow.frameio.retries import RetryPolicy
from postflow.frameio.tokens import (
    FixedToken,
    ServerToServerToken,
    StoredLogin,
    WebAppToken,
    save_login,
)
from postflow.settings.sections import FrameioSettings, SignIn
from postflow.simulator.config import SimulatorConfig
from tests.frameio.simulated import simulate

pytestmark = pytest.mark.anyio

SECRET = SecretStr("secret-of-the-app")
DOCUMENTED = timedelta(seconds=30)


@pytest.fixture
def login_file(tmp_path: Path) -> Path:
    """Write the file of somebody who ran `postflow login`."""
    path = tmp_path / "login.json"
    save_login(path, StoredLogin(refresh_token="refresh"))
    return path


async def test_token_comes_before_every_other_way(login_file: Path) -> None:
    """A token that somebody wrote into the settings is the one they meant."""
    settings = FrameioSettings(
        token=SecretStr("t"), client_id="app", client_secret=SECRET, login_file=login_file
    )
    async with httpx.AsyncClient() as http:
        assert isinstance(token_source(settings, http), FixedToken)


async def test_login_comes_before_the_service_account(login_file: Path) -> None:
    """Who logged in with the client is meant, although its secret could serve as well."""
    settings = FrameioSettings(client_id="app", client_secret=SECRET, login_file=login_file)
    async with httpx.AsyncClient() as http:
        assert isinstance(token_source(settings, http), WebAppToken)


async def test_client_secret_alone_means_service_account(tmp_path: Path) -> None:
    """Without a token and a login, the client's secret signs in."""
    settings = FrameioSettings(client_id="app", client_secret=SECRET, login_file=tmp_path / "no")
    async with httpx.AsyncClient() as http:
        assert isinstance(token_source(settings, http), ServerToServerToken)


async def test_sign_in_can_be_chosen(login_file: Path) -> None:
    """The setting beats the order in which ways are looked for."""
    settings = FrameioSettings(
        sign_in=SignIn.SERVER, client_id="app", client_secret=SECRET, login_file=login_file
    )
    assert sign_in_of(settings) is SignIn.SERVER


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        (FrameioSettings(), "postflow login"),
        (FrameioSettings(token=SecretStr("  ")), "frameio.token"),
        (FrameioSettings(sign_in=SignIn.SERVER), "frameio.client_id"),
        (FrameioSettings(sign_in=SignIn.SERVER, client_id="app"), "frameio.client_secret"),
    ],
    ids=["nothing", "blank token", "no client", "no secret"],
)
async def test_missing_sign_in_names_the_remedy(settings: FrameioSettings, remedy: str) -> None:
    """Whoever cannot sign in is told which setting is missing."""
    with pytest.raises(ConfigurationError, match=remedy):
        async with open_frameio(settings):
            raise AssertionError("nobody can sign in")


def test_nothing_configured_means_no_sign_in(tmp_path: Path) -> None:
    """The service that only stores can ask beforehand."""
    assert not has_token(FrameioSettings(login_file=tmp_path / "none"))
    assert has_token(FrameioSettings(token=SecretStr("t")))


@pytest.mark.parametrize(
    ("settings", "first"),
    [
        (FrameioSettings(), DOCUMENTED),
        (FrameioSettings(base_url="https://frameio.example"), DOCUMENTED),
        (FrameioSettings(base_url="http://127.0.0.1:8090"), timedelta(milliseconds=50)),
        (FrameioSettings(base_url="http://localhost:8090"), timedelta(milliseconds=50)),
        (FrameioSettings(base_url="http://[::1]:8090"), timedelta(milliseconds=50)),
        (
            FrameioSettings(base_url="http://127.0.0.1:1", retry_after=timedelta(seconds=7)),
            timedelta(seconds=7),
        ),
        (FrameioSettings(retry_after=timedelta(seconds=7)), timedelta(seconds=7)),
    ],
    ids=["real", "other host", "IPv4", "localhost", "IPv6", "set for here", "set for there"],
)
def test_waits_suit_the_address(settings: FrameioSettings, first: timedelta) -> None:
    """What is simulated on this machine is asked again at once, Frame.io as its guide asks."""
    assert suited_to(settings, RetryPolicy()).after_failure == first


async def test_service_account_signs_in_at_the_simulator() -> None:
    """From settings alone, a service account gets a token and uses it."""
    with simulate(SimulatorConfig()) as frameio:
        settings = FrameioSettings(
            base_url=frameio.address,
            ims_base_url=frameio.address,
            client_id="app",
            client_secret=SECRET,
            sign_in=SignIn.SERVER,
        )
        async with open_frameio(settings) as client:
            assert (await client.fetch_me()).name == "Service Account User"
