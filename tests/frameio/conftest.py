"""What the tests of the Frame.io client share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from postflow.frameio.client import FrameioClient
from postflow.frameio.ratelimits import RateLimits
from postflow.frameio.retries import RetryPolicy
from postflow.frameio.tokens import FixedToken, TokenSource
from tests.frameio.storage import Storage, Video

Handler = Callable[[httpx.Request], httpx.Response]
ClientOf = Callable[..., FrameioClient]

TOKEN = "token-nobody-may-read"


@pytest.fixture
def anyio_backend() -> str:
    """Run the tests on asyncio, as PostFlow does."""
    return "asyncio"


@pytest.fixture
async def client_of(anyio_backend: str) -> AsyncIterator[ClientOf]:
    """Build clients that speak to a handler in place of the network."""
    del anyio_backend
    opened: list[httpx.AsyncClient] = []

    def build(
        handler: Handler,
        *,
        token: TokenSource | None = None,
        account_id: str | None = "acc",
        retries: RetryPolicy | None = None,
        limits: RateLimits | None = None,
    ) -> FrameioClient:
        http = httpx.AsyncClient(transport=httpx.MockTransport(handler))
        opened.append(http)
        return FrameioClient(
            http,
            token=token or FixedToken(TOKEN),
            base_url="http://frameio.test",
            account_id=account_id,
            retries=retries or RetryPolicy.quick(),
            limits=limits or RateLimits.off(),
            storage=lambda: httpx.Client(transport=httpx.MockTransport(handler)),
        )

    yield build
    for http in opened:
        await http.aclose()


@pytest.fixture
def storage() -> Storage:
    """Begin with an empty Frame.io."""
    return Storage()


@pytest.fixture
def video(tmp_path: Path) -> Video:
    """Write a file of three parts, the last one short."""
    return Video(tmp_path / "cut.mp4", bytes(range(256)) * 100)


@pytest.fixture
def impatient() -> RetryPolicy:
    """Build a policy that never tries twice."""
    return RetryPolicy(attempts=1, deadline=timedelta(seconds=5))
