"""Adobe's token requests: the forms to send and what the answers mean.

Nothing here keeps a token; `tokens` does. No text of an error may quote a form or an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

import httpx
from pydantic import ValidationError

from postflow.errors import FrameioRefusedError
from postflow.frameio.failures import FOREIGN_ERRORS, Answer, failure_of, unreadable
from postflow.frameio.wire import IssuedToken

IMS_BASE_URL = "https://ims-na1.adobelogin.com"
SERVER_SCOPE = "openid AdobeID frame.s2s.all"
USER_SCOPE = "openid email profile offline_access additional_info.roles"
TIMEOUT = httpx.Timeout(30)

REFUSED = (400, 401, 403)  # IMS answers 400 to a wrong secret and to a spent refresh token


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthApp:
    """The credential from Adobe's developer console; public (PKCE) apps have no secret."""

    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    ims_base_url: str = IMS_BASE_URL

    def form(self, **fields: str) -> dict[str, str]:
        """Build the form of a token request in the name of this app."""
        secret = {"client_secret": self.client_secret} if self.client_secret else {}
        return {"client_id": self.client_id, **secret, **fields}


def authorize_url(
    app: OAuthApp, *, redirect_uri: str, state: str, code_challenge: str | None = None
) -> str:
    """Build the address where a person lets PostFlow act in their name."""
    query = {
        "client_id": app.client_id,
        "redirect_uri": redirect_uri,
        "scope": USER_SCOPE,
        "response_type": "code",
        "state": state,
    }
    if code_challenge:
        query |= {"code_challenge": code_challenge, "code_challenge_method": "S256"}
    return f"{app.ims_base_url.rstrip('/')}/ims/authorize/v2?{urlencode(query)}"


async def fetch_server_token(http: httpx.AsyncClient, app: OAuthApp) -> IssuedToken:
    """Ask for a token of the service account."""
    return await _fetch_token(
        http, app, app.form(grant_type="client_credentials", scope=SERVER_SCOPE)
    )


async def fetch_token_for_code(
    http: httpx.AsyncClient,
    app: OAuthApp,
    *,
    code: str,
    redirect_uri: str,
    code_verifier: str | None = None,
) -> IssuedToken:
    """Exchange the code that a person brought back from Adobe."""
    verifier = {"code_verifier": code_verifier} if code_verifier else {}
    form = app.form(
        grant_type="authorization_code", code=code, redirect_uri=redirect_uri, **verifier
    )
    return await _fetch_token(http, app, form)


async def fetch_refreshed_token(
    http: httpx.AsyncClient, app: OAuthApp, *, refresh_token: str
) -> IssuedToken:
    """Exchange a refresh token; the answer may hold the one that replaces it."""
    return await _fetch_token(
        http, app, app.form(grant_type="refresh_token", refresh_token=refresh_token)
    )


async def _fetch_token(
    http: httpx.AsyncClient, app: OAuthApp, form: Mapping[str, str]
) -> IssuedToken:
    doing = "issue a token"
    url = f"{app.ims_base_url.rstrip('/')}/ims/token/v3"
    try:
        response = await http.post(url, data=dict(form), timeout=TIMEOUT)
    except FOREIGN_ERRORS as error:
        raise failure_of(doing, error) from error
    answer = Answer(status=response.status_code, headers=response.headers, body=response.content)
    return _read_token(doing, answer)


def _read_token(doing: str, answer: Answer) -> IssuedToken:
    if answer.status in REFUSED:
        raise FrameioRefusedError(
            f"Adobe refused to {doing} ({answer.status}): the client id, the client secret or "
            "the login is no longer valid; check them, or run `postflow login` again.",
            status_code=answer.status,
        )
    if not 200 <= answer.status < 300:  # noqa: PLR2004 -- the family of success
        raise failure_of(doing, answer)
    try:
        return IssuedToken.model_validate_json(answer.body)
    except ValidationError:
        # Not chained: its text quotes the answer, which is the token.
        raise unreadable(doing, "no token in it") from None
