"""Who is asking: users by bearer token, guests, and the tokens Adobe would issue."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import NAMESPACE_DNS, uuid5

from postflow.frameio.wire import IssuedToken, User
from postflow.simulator.refusals import Refusal

DEFAULT_DOMAIN = "example.com"
SERVICE_USER = "Service Account User"
_ISSUED = "sim-access-"  # nobody's name: such a token is known or refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """An access token that was issued, and until when it holds."""

    user: User
    expires_at: datetime


def stable_id(*names: str) -> str:
    """Give the same id for the same names on every start."""
    return str(uuid5(NAMESPACE_DNS, "/".join(("simulated.frame.io", *names))))


class People:
    """Everybody who was ever named, and every token that was issued."""

    def __init__(self) -> None:
        self._by_email: dict[str, User] = {}
        self._grants: dict[str, Grant] = {}
        self._refresh: dict[str, User] = {}
        self._refused: set[str] = set()

    def everybody(self) -> list[User]:
        """List all users with an account, oldest first."""
        return list(self._by_email.values())

    def named(self, name: str, *, display_name: str | None = None) -> User:
        """Find or create the user behind `NAME` or `NAME@domain`."""
        email = name if "@" in name else f"{name}@{DEFAULT_DOMAIN}"
        known = self._by_email.get(email.lower())
        if known and display_name in (None, known.name):
            return known
        user = User(
            id=stable_id("user", email.lower()),
            name=display_name or email.partition("@")[0],
            email=email,
            avatar_url=None,
            active=True,
        )
        self._by_email[email.lower()] = user
        return user

    def guest(self, *, name: str | None, email: str) -> User:
        """Describe somebody who comments without a Frame.io account."""
        return User(id=None, name=name, email=email, avatar_url=None, active=None)

    def authenticate(self, header: str | None, *, now: datetime) -> User:
        """Find the user of an Authorization header, or refuse with 401."""
        scheme, _, token = (header or "").strip().partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token or " " in token:
            raise Refusal(401)
        if token in self._refused or token.lower().startswith("invalid"):
            raise Refusal(401)
        if token.startswith(_ISSUED):
            grant = self._grants.get(token)
            if grant is None or grant.expires_at <= now:
                raise Refusal(401)
            return grant.user
        return self.named(token)

    def issue(
        self, user: User, *, now: datetime, lifetime: timedelta, offline: bool
    ) -> IssuedToken:
        """Issue an access token, with a refresh token for people."""
        access = _ISSUED + secrets.token_urlsafe(24)
        self._grants[access] = Grant(user=user, expires_at=now + lifetime)
        issued = {
            "access_token": access,
            "token_type": "bearer",
            "expires_in": int(lifetime.total_seconds()),
        }
        if offline:
            refresh = "sim-refresh-" + secrets.token_urlsafe(24)
            self._refresh[refresh] = user
            issued["refresh_token"] = refresh
        return IssuedToken.model_validate(issued)

    def redeem(self, refresh_token: str) -> User | None:
        """Take a refresh token, which works only once."""
        return self._refresh.pop(refresh_token, None)

    def revoke(self, token: str) -> None:
        """Forget an issued token."""
        self._grants.pop(token, None)
        self._refresh.pop(token, None)

    def refuse(self, token: str | None) -> None:
        """Refuse a token from now on; None ends every issued one."""
        if token is None:
            self._grants.clear()
        else:
            self._grants.pop(token, None)
            self._refused.add(token)

    def accept_again(self, token: str | None) -> None:
        """Accept a refused name again; None accepts all of them."""
        if token is None:
            self._refused.clear()
        self._refused.discard(token or "")
