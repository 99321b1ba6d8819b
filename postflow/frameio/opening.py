"""From the settings to a client that is ready to ask; closes what it opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from ipaddress import ip_address
from typing import assert_never
from urllib.parse import urlsplit

import httpx

from postflow.errors import ConfigurationError
from postflow.frameio.client import FrameioClient
from postflow.frameio.oauth import OAuthApp
from postflow.frameio.ratelimits import RateLimits, TakeTurn
from postflow.frameio.retries import RetryPolicy
from postflow.frameio.tokens import FixedToken, ServerToServerToken, TokenSource, WebAppToken
from postflow.settings.sections import FrameioSettings, SignIn

# What runs on this machine is simulated, and recovers as soon as it is told to.
WAIT_ON_THIS_MACHINE = timedelta(milliseconds=50)


@asynccontextmanager
async def open_frameio(
    settings: FrameioSettings,
    *,
    retries: RetryPolicy | None = None,
    take_turn: TakeTurn | None = None,
) -> AsyncIterator[FrameioClient]:
    """Give a client for the configured Frame.io; ConfigurationError if nobody can sign in.

    `retries` is how patient it is, by default as Frame.io's guide asks; `take_turn` shares the
    narrow rate limits with other processes.
    """
    limits = RateLimits(take_turn=take_turn) if settings.respect_rate_limits else RateLimits.off()
    trusted = httpx.create_ssl_context()  # takes a while, so it is made once for both
    async with httpx.AsyncClient(verify=trusted) as http:
        yield FrameioClient(
            http,
            token=token_source(settings, http),
            base_url=settings.base_url,
            account_id=settings.account_id,
            retries=suited_to(settings, retries or RetryPolicy()),
            limits=limits,
            storage=partial(httpx.Client, verify=trusted),
        )


def has_token(settings: FrameioSettings) -> bool:
    """Whether the settings, or a login, say how to sign in."""
    return sign_in_of(settings) is not None


def sign_in_of(settings: FrameioSettings) -> SignIn | None:
    """Tell how PostFlow signs in: as the settings say, else the first way that is there."""
    if settings.sign_in is not None:
        return settings.sign_in
    if settings.token is not None and settings.token.get_secret_value().strip():
        return SignIn.TOKEN
    if settings.client_id and settings.login_file.exists():
        return SignIn.LOGIN
    if settings.client_id and settings.client_secret is not None:
        return SignIn.SERVER
    return None


def token_source(settings: FrameioSettings, http: httpx.AsyncClient) -> TokenSource:
    """Return where tokens come from; raises ConfigurationError where nothing says so."""
    match sign_in_of(settings):
        case SignIn.TOKEN:
            return FixedToken(settings.token.get_secret_value() if settings.token else "")
        case SignIn.LOGIN:
            return WebAppToken(http, oauth_app(settings), path=settings.login_file)
        case SignIn.SERVER:
            return ServerToServerToken(http, _service(settings))
        case None:
            raise ConfigurationError(
                "There is no way to sign in at Frame.io; set frameio.token, or set "
                "frameio.client_id and run `postflow login`, or set frameio.client_id and "
                "frameio.client_secret of a service account."
            )
        case never:
            assert_never(never)


def oauth_app(settings: FrameioSettings) -> OAuthApp:
    """Return the configured credential; raises ConfigurationError without a client id."""
    if not settings.client_id:
        raise ConfigurationError(
            "There is no frameio.client_id; set it to the client id of your credential in "
            "Adobe's developer console."
        )
    secret = settings.client_secret
    return OAuthApp(
        client_id=settings.client_id.strip(),
        client_secret=secret.get_secret_value().strip() if secret else None,
        ims_base_url=settings.ims_base_url,
    )


def suited_to(settings: FrameioSettings, retries: RetryPolicy) -> RetryPolicy:
    """Shorten the waits for a Frame.io on this machine, or as `frameio.retry_after` says."""
    first = settings.retry_after
    if first is None and _is_on_this_machine(settings.base_url):
        first = WAIT_ON_THIS_MACHINE
    if first is None:
        return retries
    lost = min(retries.after_lost_connection, first)
    return replace(retries, after_failure=first, after_lost_connection=lost)


def _service(settings: FrameioSettings) -> OAuthApp:
    app = oauth_app(settings)
    if not app.client_secret:
        raise ConfigurationError(
            "There is no frameio.client_secret; a service account signs in with one."
        )
    return app


def _is_on_this_machine(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
