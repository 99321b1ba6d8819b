"""Who may talk to the private face: checked before any route, also for routes that do not exist.

A tunnel's requests and a browser's come from 127.0.0.1 as well, so the address of the caller proves
nothing. What helps: the Host that the caller believes to talk to (a rebound DNS name shows there),
the Origin of the page that made a browser call, and off loopback a token.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import socket
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from postflow.errors import ConfigurationError
from postflow.settings.sections import DashboardSettings
from webhook_api.login import LOGIN_PATH, render_login

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_COOKIE = "postflow_login"
_LONGEST_LOGIN = 4096
_MONTH = 30 * 24 * 3600


def refuse_open_door(settings: DashboardSettings) -> None:
    """Raise ConfigurationError when the private face would be open to other machines."""
    if settings.token is not None and settings.token.get_secret_value().strip():
        return
    if not _is_loopback(settings.host):
        raise ConfigurationError(
            f"dashboard.host is {settings.host}, which other machines can reach, but there is no "
            "dashboard.token; set one (POSTFLOW_DASHBOARD__TOKEN), or use 127.0.0.1."
        )


class PrivateGuard:
    """Middleware around the whole private app."""

    def __init__(self, app: ASGIApp, *, settings: DashboardSettings, port: int) -> None:
        """Raise ConfigurationError when the face would be open to other machines."""
        refuse_open_door(settings)
        self._app = app
        self._hosts = _AllowedHosts(settings.host, port=port)
        token = settings.token.get_secret_value().strip() if settings.token else ""
        self._token = _Token(token) if token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, let log in, or pass the request on."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        answer = self._refuse_stranger(headers)
        if answer is None and self._token is not None:
            answer = await self._refuse_unknown(self._token, Request(scope, receive), headers)
        await (answer or self._app)(scope, receive, send)

    def _refuse_stranger(self, headers: Headers) -> Response | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._hosts.allow(hosts[0]):
            return _forbid("This address is not one that PostFlow's dashboard is called by.")
        origins = headers.getlist("origin")
        if not all(self._hosts.allow_origin(origin) for origin in origins):
            return _forbid("Another site's page may not call PostFlow.")
        if headers.get("sec-fetch-site", "none") == "cross-site":
            return _forbid("Another site's page may not call PostFlow; open it by its address.")
        return None

    async def _refuse_unknown(
        self, token: _Token, request: Request, headers: Headers
    ) -> Response | None:
        if token.is_shown(headers):
            return None
        if request.method == "POST" and request.url.path == LOGIN_PATH:
            return await _log_in(token, request)
        if request.method == "GET" and "text/html" in headers.get("accept", ""):
            return HTMLResponse(render_login(), HTTPStatus.UNAUTHORIZED, _page_headers())
        return JSONResponse(
            {"detail": "Send the dashboard's token as `Authorization: Bearer …`."},
            HTTPStatus.UNAUTHORIZED,
            {"www-authenticate": "Bearer"},
        )


class _AllowedHosts:
    """The names by which the private face may be called."""

    def __init__(self, bound: str, *, port: int) -> None:
        self._port = port
        self._is_wildcard = bound in ("0.0.0.0", "::", "")  # noqa: S104 - only compared with
        self._names = {*_LOOPBACK, bound.lower()}
        if self._is_wildcard:
            self._names |= {socket.gethostname().lower(), socket.getfqdn().lower()}

    def allow(self, host_header: str) -> bool:
        """Whether a Host header names us; a rebound name never does."""
        return self._allow_url(f"http://{host_header}", host_header)

    def allow_origin(self, origin: str) -> bool:
        """Whether an Origin header is one of our own pages; `null` never is."""
        scheme, found, authority = origin.partition("://")
        return bool(found) and scheme in ("http", "https") and self._allow_url(origin, authority)

    def _allow_url(self, url: str, authority: str) -> bool:
        try:
            parts = urlsplit(url)
            name, port = parts.hostname, parts.port
        except ValueError:
            return False
        if not name or parts.netloc != authority or "@" in authority:
            return False
        default = 443 if parts.scheme == "https" else 80
        return (port or default) == self._port and self._knows(name.lower())

    def _knows(self, name: str) -> bool:
        # Bound to every address, we cannot list them; an address cannot be rebound, only a name.
        return name in self._names or (self._is_wildcard and _is_address(name))


class _Token:
    """The token, never compared in a way that tells how much of a guess was right."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self.cookie = hmac.new(self._token, b"postflow dashboard login", hashlib.sha256).hexdigest()

    def matches(self, guess: str) -> bool:
        """Whether this is the token."""
        return hmac.compare_digest(guess.encode("utf-8", "surrogateescape"), self._token)

    def is_shown(self, headers: Headers) -> bool:
        """Whether the request carries the token, or the cookie of a login with it."""
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.matches(value.strip())
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        found = cookies.get(_COOKIE)
        return found is not None and hmac.compare_digest(
            found.value.encode("utf-8", "surrogateescape"), self.cookie.encode()
        )


async def _log_in(token: _Token, request: Request) -> Response:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_LOGIN:
            return _forbid("That is no token.")
    guess = parse_qs(body.decode("utf-8", "replace")).get("token", [""])[0].strip()
    if not token.matches(guess):
        page = render_login(failed=True)
        return HTMLResponse(page, HTTPStatus.UNAUTHORIZED, _page_headers())
    answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    answer.set_cookie(_COOKIE, token.cookie, max_age=_MONTH, httponly=True, samesite="strict")
    return answer


def _forbid(detail: str) -> Response:
    return JSONResponse({"detail": detail}, HTTPStatus.FORBIDDEN)


def _page_headers() -> dict[str, str]:
    return {
        "content-security-policy": "default-src 'none'; style-src 'self' 'unsafe-inline'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        "cache-control": "no-store",
    }


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
