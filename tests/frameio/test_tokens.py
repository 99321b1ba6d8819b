from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import pytest

from postflow.errors import ConfigurationError, FrameioRefusedError, FrameioUnavailableError
from postflow.frameio.oauth import OAuthApp, authorize_url, fetch_token_for_code
from postflow.frameio.tokens import (
    FixedToken,
    ServerToServerToken,
    StoredLogin,
    WebAppToken,
    load_login,
    save_login,
)

pytestmark = pytest.mark.anyio

APP = OAuthApp(client_id="app", client_secret="secret-of-the-app", ims_base_url="http://ims.test")


class Ims:
    """Issues numbered tokens; each refresh token is good for one exchange."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.asked = asyncio.Event()
        self.valid_refresh = "refresh-0"
        self.status = 200

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a token request."""
        form = dict(parse_qsl(request.content.decode()))
        self.forms.append(form)
        self.asked.set()
        await asyncio.sleep(0)  # let another task come in between
        if self.status != 200:
            return httpx.Response(self.status, json={"error": "server-told-secret"})
        number = len(self.forms)
        body = {"access_token": f"access-{number}", "token_type": "bearer", "expires_in": 3600}
        if form["grant_type"] == "refresh_token":
            if form["refresh_token"] != self.valid_refresh:
                return httpx.Response(400, json={"error": "invalid_grant"})
            self.valid_refresh = body["refresh_token"] = f"refresh-{number}"
        return httpx.Response(200, json=body)


@pytest.fixture
def ims() -> Ims:
    """Begin with nothing issued."""
    return Ims()


@pytest.fixture
async def http(ims: Ims, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:
    """Reach the issuer in place of the network."""
    del anyio_backend
    async with httpx.AsyncClient(transport=httpx.MockTransport(ims)) as client:
        yield client


@pytest.fixture
def login(tmp_path: Path) -> Path:
    """Write the file of a person who logged in long ago."""
    path = tmp_path / "login.json"
    save_login(path, StoredLogin(refresh_token="refresh-0"))
    return path


async def test_server_token_is_asked_for_once(http: httpx.AsyncClient, ims: Ims) -> None:
    """Many tasks that need the first token cause one request."""
    source = ServerToServerToken(http, APP)
    tokens = await asyncio.gather(*(source.current() for _ in range(5)))
    assert (set(tokens), len(ims.forms)) == ({"access-1"}, 1)
    assert ims.forms[0]["grant_type"] == "client_credentials"


async def test_ending_token_is_replaced_in_time(http: httpx.AsyncClient) -> None:
    """A token is replaced a minute before it ends, not after the first refusal."""
    now = 0.0
    source = ServerToServerToken(http, APP, now=lambda: now)
    assert await source.current() == "access-1"
    now = 3539.0
    assert await source.current() == "access-1"
    now = 3541.0
    assert await source.current() == "access-2"


async def test_tasks_refused_together_renew_once(http: httpx.AsyncClient, ims: Ims) -> None:
    """Several tasks that saw the same token refused share one renewal."""
    source = ServerToServerToken(http, APP)
    old = await source.current()
    renewed = await asyncio.gather(*(source.renewed(refused=old) for _ in range(5)))
    assert (set(renewed), len(ims.forms)) == ({"access-2"}, 2)


async def test_rotated_refresh_token_is_kept(
    http: httpx.AsyncClient, ims: Ims, login: Path
) -> None:
    """Each exchange may end the old refresh token, so the new one is on disk at once."""
    source = WebAppToken(http, APP, path=login)
    first = await source.current()
    second = await source.renewed(refused=first)
    assert (first, second) == ("access-1", "access-2")
    assert load_login(login).refresh_token == ims.valid_refresh == "refresh-2"


async def test_two_processes_exchange_one_after_another(
    http: httpx.AsyncClient, ims: Ims, login: Path
) -> None:
    """Two holders of one login never spend the same refresh token twice."""
    ours, theirs = (WebAppToken(http, APP, path=login) for _ in range(2))
    assert set(await asyncio.gather(ours.current(), theirs.current())) == {"access-1"}
    renewed = await asyncio.gather(
        ours.renewed(refused="access-1"), theirs.renewed(refused="access-1")
    )
    assert (set(renewed), len(ims.forms)) == ({"access-2"}, 2)


async def test_cancelled_task_keeps_the_new_refresh_token(
    http: httpx.AsyncClient, ims: Ims, login: Path
) -> None:
    """A task cancelled during the exchange does not lose the login."""
    task = asyncio.create_task(WebAppToken(http, APP, path=login).current())
    async with asyncio.timeout(5):
        await ims.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while load_login(login).refresh_token == "refresh-0":  # noqa: ASYNC110 -- a file has no event
            await asyncio.sleep(0.001)
    assert load_login(login).refresh_token == ims.valid_refresh


def test_login_is_readable_by_its_owner_only(login: Path) -> None:
    """The file of a login is nobody else's to read, also after it was replaced."""
    save_login(login, StoredLogin(refresh_token="other"))
    assert stat.S_IMODE(login.stat().st_mode) == 0o600
    assert [each.name for each in login.parent.iterdir()] == ["login.json"]


async def test_token_is_not_spent_where_none_can_be_kept(
    http: httpx.AsyncClient, ims: Ims, login: Path
) -> None:
    """A refresh ends the old token: where the new one has no place, the old one stays good."""
    login.with_name(f"{login.name}.{os.getpid()}.new").mkdir()
    with pytest.raises(ConfigurationError, match="cannot be written"):
        await WebAppToken(http, APP, path=login).current()
    assert ims.forms == []
    assert load_login(login).refresh_token == "refresh-0"


@pytest.mark.parametrize("content", [None, "", "{}", '{"refresh_token": 5, "x": "hidden"}'])
async def test_missing_login_tells_to_log_in(
    http: httpx.AsyncClient, tmp_path: Path, content: str | None
) -> None:
    """A login that is not there or not readable is a matter of `postflow login`."""
    path = tmp_path / "login.json"
    if content is not None:
        await asyncio.to_thread(path.write_text, content)
    with pytest.raises(ConfigurationError, match="postflow login") as caught:
        await WebAppToken(http, APP, path=path).current()
    assert "hidden" not in repr(caught.value.__cause__)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, FrameioRefusedError), (401, FrameioRefusedError), (503, FrameioUnavailableError)],
)
async def test_refused_exchange_keeps_its_secrets(
    http: httpx.AsyncClient, ims: Ims, status: int, kind: type[Exception]
) -> None:
    """Adobe's refusal becomes advice without a word of the form or the answer."""
    ims.status = status
    with pytest.raises(kind) as caught:
        await ServerToServerToken(http, APP).current()
    assert "secret" not in str(caught.value).replace("client secret", "")


async def test_failed_exchange_is_tried_anew(http: httpx.AsyncClient, ims: Ims) -> None:
    """A failure is not remembered: the next call asks again."""
    source = ServerToServerToken(http, APP)
    ims.status = 503
    with pytest.raises(FrameioUnavailableError):
        await source.current()
    ims.status = 200
    assert await source.current() == "access-2"


@pytest.mark.parametrize("token", ["", "  ", "two\nlines", "clé"])
def test_impossible_token_is_a_setting(token: str) -> None:
    """A token that no header can carry is refused where it is configured."""
    with pytest.raises(ConfigurationError, match=r"frameio\.token"):
        FixedToken(token)


async def test_newline_around_a_token_is_no_part_of_it() -> None:
    """Tokens read from files end with a newline."""
    assert await FixedToken("token\n").current() == "token"


async def test_code_is_exchanged_with_its_verifier(http: httpx.AsyncClient, ims: Ims) -> None:
    """The code of a login is exchanged as Adobe wants it, with PKCE where it is used."""
    await fetch_token_for_code(
        http, APP, code="c", redirect_uri="https://localhost/cb", code_verifier="v"
    )
    assert ims.forms[0] == {
        "client_id": "app",
        "client_secret": "secret-of-the-app",
        "grant_type": "authorization_code",
        "code": "c",
        "redirect_uri": "https://localhost/cb",
        "code_verifier": "v",
    }


def test_login_page_never_holds_the_secret() -> None:
    """The address that a browser opens names the app, not its secret."""
    url = authorize_url(APP, redirect_uri="https://localhost/cb", state="s", code_challenge="c")
    assert "secret-of-the-app" not in url
    assert "code_challenge_method=S256" in url
