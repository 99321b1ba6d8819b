"""From the settings to a client that is ready to ask; closes what it opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from postflow.errors import ConfigurationError
from postflow.frameio.client import FrameioClient
from postflow.frameio.ratelimits import RateLimits
from postflow.frameio.tokens import FixedToken, TokenSource
from postflow.settings.sections import FrameioSettings


@asynccontextmanager
async def open_frameio(settings: FrameioSettings) -> AsyncIterator[FrameioClient]:
    """Give a client for the configured Frame.io; raises ConfigurationError without a token."""
    limits = RateLimits() if settings.respect_rate_limits else RateLimits.off()
    pool = httpx.Limits(
        max_connections=None, max_keepalive_connections=settings.parts_in_flight + 4
    )
    async with httpx.AsyncClient(limits=pool) as http:
        yield FrameioClient(
            http,
            token=token_source(settings),
            base_url=settings.base_url,
            account_id=settings.account_id,
            limits=limits,
        )


def has_token(settings: FrameioSettings) -> bool:
    """Whether the settings say how to sign in."""
    return settings.token is not None and bool(settings.token.get_secret_value().strip())


def token_source(settings: FrameioSettings) -> TokenSource:
    """Return where tokens come from; raises ConfigurationError where nothing says so."""
    if settings.token is None or not has_token(settings):
        raise ConfigurationError(
            "There is no Frame.io token; set frameio.token in pipeline_config.json, or the "
            "environment variable POSTFLOW_FRAMEIO__TOKEN."
        )
    return FixedToken(settings.token.get_secret_value())
