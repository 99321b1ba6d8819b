"""Where the bearer token comes from, and how it is replaced when Frame.io refuses it.

A token lives in memory, a refresh token in a file of its owner; neither is ever logged or
shown. Two processes may share the file: only one at a time exchanges the refresh token, because
Adobe may end the old one with the exchange.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from postflow.errors import ConfigurationError
from postflow.frameio.filelock import locked
from postflow.frameio.oauth import OAuthApp, fetch_refreshed_token, fetch_server_token
from postflow.frameio.wire import IssuedToken
from postflow.private_files import replace_private_json

SAFETY_MARGIN = 60.0  # seconds before the end in which a token counts as ended


class TokenSource(Protocol):
    """Gives the token for the next request."""

    async def current(self) -> str:
        """Return a token that should be valid now."""
        ...

    async def renewed(self, *, refused: str) -> str | None:
        """Return another token than the refused one; None where there is no other."""
        ...


class FixedToken:
    """A token that somebody wrote into the settings; nobody can renew it."""

    def __init__(self, token: str) -> None:
        # An invisible newline from a file would make every header illegal.
        self._token = token.strip()
        if not self._token or not self._token.isascii() or not self._token.isprintable():
            raise ConfigurationError(
                "The Frame.io token is empty or holds characters that no token has; "
                "check `frameio.token`."
            )

    async def current(self) -> str:
        """Return the one token."""
        return self._token

    async def renewed(self, *, refused: str) -> str | None:
        """Return None: there is no other token."""
        del refused
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldToken:
    """A token and the moment (seconds since 1970) from which it must not be used."""

    value: str = field(repr=False)
    ends_at: float

    def is_usable(self, *, now: float, refused: str | None) -> bool:
        """Whether it is still good, and not the one that was just refused."""
        return self.value != refused and now < self.ends_at - SAFETY_MARGIN


class ServerToServerToken:
    """Tokens of the service account, asked for again when they end."""

    def __init__(
        self, http: httpx.AsyncClient, app: OAuthApp, *, now: Callable[[], float] = time.time
    ) -> None:
        self._http = http
        self._app = app
        self._now = now
        self._held: HeldToken | None = None
        self._one_at_a_time = asyncio.Lock()

    async def current(self) -> str:
        """Return the held token, or a new one."""
        return await self._usable(refused=None)

    async def renewed(self, *, refused: str) -> str | None:
        """Return a new token, unless another task has already brought one."""
        return await self._usable(refused=refused)

    async def _usable(self, *, refused: str | None) -> str:
        async with self._one_at_a_time:
            if self._held is None or not self._held.is_usable(now=self._now(), refused=refused):
                issued = await fetch_server_token(self._http, self._app)
                self._held = HeldToken(
                    value=issued.access_token, ends_at=self._now() + issued.expires_in
                )
            return self._held.value


class StoredLogin(BaseModel):
    """What the file of a login holds."""

    model_config = ConfigDict(hide_input_in_errors=True)

    access_token: str = Field(default="", repr=False)
    ends_at: float = 0.0
    refresh_token: str = Field(repr=False)


class WebAppToken:
    """Tokens of a person who logged in, kept in a file that only its owner may read."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        app: OAuthApp,
        *,
        path: Path,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._http = http
        self._app = app
        self._path = path
        self._now = now
        self._one_at_a_time = asyncio.Lock()

    async def current(self) -> str:
        """Return the stored token, or a refreshed one."""
        return await self._usable(refused=None)

    async def renewed(self, *, refused: str) -> str | None:
        """Return a refreshed token, unless another task or process already brought one."""
        return await self._usable(refused=refused)

    async def _usable(self, *, refused: str | None) -> str:
        async with self._one_at_a_time:
            login = await asyncio.to_thread(load_login, self._path)
            if self._is_usable(login, refused):
                return login.access_token
            # Shielded: a cancelled task must not lose the refresh token that replaces ours.
            return await asyncio.shield(self._refreshed(refused))

    async def _refreshed(self, refused: str | None) -> str:
        async with locked(self._path.with_name(self._path.name + ".lock")):
            # Read again: the process that held the lock may have refreshed it.
            login = await asyncio.to_thread(load_login, self._path)
            if not self._is_usable(login, refused):
                # A refresh ends the old token: without a place for the new one none would be left.
                await asyncio.to_thread(save_login, self._path, login)
                login = await self._refresh(login)
            return login.access_token

    def _is_usable(self, login: StoredLogin, refused: str | None) -> bool:
        held = HeldToken(value=login.access_token, ends_at=login.ends_at)
        return bool(held.value) and held.is_usable(now=self._now(), refused=refused)

    async def _refresh(self, login: StoredLogin) -> StoredLogin:
        issued = await fetch_refreshed_token(
            self._http, self._app, refresh_token=login.refresh_token
        )
        fresh = login_from(issued, now=self._now(), old_refresh_token=login.refresh_token)
        await asyncio.to_thread(save_login, self._path, fresh)
        return fresh


def login_from(issued: IssuedToken, *, now: float, old_refresh_token: str = "") -> StoredLogin:
    """Turn Adobe's answer into what the file holds; a missing refresh token means the old one."""
    return StoredLogin(
        access_token=issued.access_token,
        ends_at=now + issued.expires_in,
        refresh_token=issued.refresh_token or old_refresh_token,
    )


def load_login(path: Path) -> StoredLogin:
    """Read the file of a login; ConfigurationError tells to log in where there is none."""
    try:
        return StoredLogin.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        # Not chained: a validation error quotes the file, which holds the tokens.
        raise ConfigurationError(
            f"There is no readable Frame.io login in {path}; run `postflow login`."
        ) from None


def save_login(path: Path, login: StoredLogin) -> None:
    """Replace the file at once, readable by its owner only; a crash leaves old or new."""
    try:
        replace_private_json(path, login.model_dump())
    except OSError as error:
        raise ConfigurationError(
            f"The Frame.io login cannot be written to {path} ({error.strerror}); let PostFlow's "
            "user write there."
        ) from error
