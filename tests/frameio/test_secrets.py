from __future__ import annotations

import logging
import os
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import BaseModel, ValidationError

from postflow.errors import PostFlowError
from postflow.frameio.client import FrameioClient
from postflow.frameio.login import log_in
from postflow.frameio.oauth import OAuthApp
from postflow.frameio.ratelimits import RateLimits
from postflow.frameio.retries import RetryPolicy
from postflow.frameio.tokens import (
    FixedToken,
    ServerToServerToken,
    StoredLogin,
    WebAppToken,
    load_login,
    login_from,
    save_login,
)
from postflow.frameio.uploader import upload_file
from postflow.frameio.wire import (
    IssuedToken,
    MediaLink,
    MediaLinks,
    Page,
    Payload,
    UploadUrl,
    Webhook,
)
from postflow.simulator.config import SimulatorConfig
from tests.frameio.conftest import TOKEN, ClientOf
from tests.frameio.simulated import Simulated, simulate
from tests.frameio.storage import SIGNATURE, MemoryJournal, Storage, Video

pytestmark = pytest.mark.anyio

CONFIG = SimulatorConfig(part_size=100_000, transcode_delay=timedelta(0))


async def upload_and_fetch_back(frameio: Simulated, http: httpx.AsyncClient, to: Path) -> str:
    """Do everything that handles a signed address, and return those addresses."""
    client = FrameioClient(
        http,
        token=FixedToken(TOKEN),
        base_url=frameio.address,
        retries=RetryPolicy.quick(),
        limits=RateLimits.off(),
    )
    journal = MemoryJournal()
    video = Video(to.with_name("cut.mp4"), os.urandom(300_000))
    frameio.fault("answer", method="PUT", status=503)
    frameio.fault("reset", method="PUT", at=3, after_bytes=1000)
    uploaded = await upload_file(client, path=video.path, folder_id=frameio.root, journal=journal)
    frameio.order("POST", f"/files/{uploaded.file_id}/ready")
    await client.download_original(uploaded.file_id, to)
    assert journal.placeholder is not None
    return " ".join(part.url for part in journal.placeholder.parts)


def signatures_in(addresses: str) -> set[str]:
    """Find what makes the addresses secret."""
    return {httpx.URL(each).params["X-Amz-Signature"] for each in addresses.split()}


async def test_log_holds_no_secret_even_in_detail(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """With every library at DEBUG, neither token nor signature is written anywhere."""
    caplog.set_level(logging.DEBUG)
    with simulate(CONFIG) as frameio:
        async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
            addresses = await upload_and_fetch_back(frameio, http, tmp_path / "back.mp4")
    told = caplog.text + "".join(capfd.readouterr())
    assert "PUT" in told
    assert TOKEN not in told
    assert not [each for each in signatures_in(addresses) if each in told]
    assert "X-Amz-Signature" not in told


async def test_log_holds_no_token_that_adobe_issued(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Signing in both ways, refreshing and making a webhook write no secret at DEBUG."""
    caplog.set_level(logging.DEBUG)
    login = tmp_path / "login.json"
    with simulate(CONFIG) as frameio:
        app = OAuthApp(client_id="app", client_secret=TOKEN, ims_base_url=frameio.address)
        async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
            service = ServerToServerToken(http, app)
            issued = await log_in(
                app,
                port=0,
                show=lambda _: None,
                open_browser=lambda address: httpx.get(address, follow_redirects=True),
            )
            save_login(login, login_from(issued, now=0))
            person = WebAppToken(http, app, path=login)
            client = FrameioClient(http, token=person, base_url=frameio.address)
            webhook = await client.create_webhook(
                frameio.project["workspace_id"],
                name="w",
                url="http://h.test",
                events=["file.ready"],
            )
            secrets = [
                TOKEN,
                await service.current(),
                await person.current(),
                load_login(login).refresh_token,
                *(issued.access_token, str(issued.refresh_token), str(webhook.secret)),
            ]
    told = caplog.text + "".join(capfd.readouterr()) + repr(webhook) + repr(issued)
    assert "/ims/token" in told
    assert not [each for each in secrets if each in told]


@pytest.mark.parametrize("model", [UploadUrl, Page[UploadUrl], IssuedToken, MediaLink, Webhook])
def test_unreadable_payload_is_not_quoted(model: type[BaseModel]) -> None:
    """What pydantic says about a payload names fields and never what was in them."""
    foul = {"size": TOKEN, "url": [TOKEN], "data": [{"size": TOKEN}], "access_token": [TOKEN]}
    with pytest.raises(ValidationError) as caught:
        model.model_validate({**foul, "secret": [TOKEN], "download_url": [TOKEN], "links": TOKEN})
    assert TOKEN not in str(caught.value)


def test_payloads_show_no_secret() -> None:
    """Whoever prints a payload sees neither addresses, tokens, nor what we know nothing of."""
    link = MediaLink(download_url=TOKEN, url=TOKEN, inline_url=TOKEN)
    shown = [
        UploadUrl(size=1, url=TOKEN),
        MediaLinks(original=link, thumbnail=link),
        IssuedToken(access_token=TOKEN, refresh_token=TOKEN, token_type="bearer", expires_in=1),
        Payload.model_validate({"unheard_of": f"https://storage.test/?signature={TOKEN}"}),
    ]
    assert TOKEN not in repr(shown) + "".join(map(str, shown))


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422, 500])
async def test_failed_part_keeps_its_address(
    client_of: ClientOf, storage: Storage, video: Video, status: int
) -> None:
    """Whatever storage answers, the error and its whole history tell no signature."""
    secret = f"https://storage.test/?X-Amz-Signature={SIGNATURE}"
    storage.before = lambda request: (
        httpx.Response(status, text=secret) if request.method == "PUT" else None
    )
    with pytest.raises(PostFlowError) as caught:
        await upload_file(
            client_of(storage), path=video.path, folder_id="d", journal=MemoryJournal()
        )
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert SIGNATURE not in told
    assert TOKEN not in told


@pytest.mark.parametrize(
    "error",
    [httpx.ConnectError("x"), httpx.WriteTimeout("x"), httpx.RemoteProtocolError("x")],
    ids=lambda each: type(each).__name__,
)
async def test_lost_connection_keeps_its_address(
    client_of: ClientOf, storage: Storage, video: Video, error: Exception
) -> None:
    """A network that fails under a part does not make the error tell where it went."""

    def fail(request: httpx.Request) -> None:
        if request.method == "PUT":
            raise error

    storage.before = fail
    with pytest.raises(PostFlowError) as caught:
        await upload_file(
            client_of(storage), path=video.path, folder_id="d", journal=MemoryJournal()
        )
    assert SIGNATURE not in "".join(traceback.format_exception(caught.value))


async def test_unreadable_create_answer_keeps_its_addresses(
    client_of: ClientOf, video: Video
) -> None:
    """An answer that lacks a field is not quoted: it holds the addresses."""
    urls = [{"size": 1, "url": f"https://storage.test/?X-Amz-Signature={SIGNATURE}"}]
    answer = {"data": {"id": "f", "upload_urls": urls}}
    with pytest.raises(PostFlowError) as caught:
        await upload_file(
            client_of(lambda _: httpx.Response(201, json=answer)),
            path=video.path,
            folder_id="d",
            journal=MemoryJournal(),
        )
    assert SIGNATURE not in "".join(traceback.format_exception(caught.value))


def test_sources_of_tokens_show_none(tmp_path: Path) -> None:
    """Whoever prints a token source, an app or a login sees no secret."""
    http: Any = None
    app = OAuthApp(client_id="app", client_secret=TOKEN)
    shown = [
        FixedToken(TOKEN),
        app,
        ServerToServerToken(http, app),
        WebAppToken(http, app, path=tmp_path),
        StoredLogin(access_token=TOKEN, refresh_token=TOKEN),
    ]
    assert TOKEN not in repr(shown) + "".join(map(str, shown))
