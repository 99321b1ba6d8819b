"""Whether a service already runs on our store: asked at the private face's configured address."""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus

import httpx

from postflow.settings import Settings

_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - only compared with


class Presence(StrEnum):
    """Who answers where our service would listen."""

    NOBODY = "nobody"
    """The port is free, or was never fixed."""
    STRANGER = "stranger"
    """Another program, or a PostFlow on another store."""
    SILENT = "silent"
    """Somebody who takes the call and says nothing yet, perhaps a service that starts."""
    STARTING = "starting"
    """A PostFlow on our store that is not ready, or no longer."""
    READY = "ready"
    """A PostFlow on our store that does its work."""


def look_next_door(settings: Settings, *, store: str, patience: float) -> Presence:
    """Ask at the private face; `store` is our store's address, as the service tells its own."""
    if settings.dashboard.port == 0:
        return Presence.NOBODY
    try:
        answer = httpx.get(
            f"{private_address(settings)}/ready",
            headers=_authorization(settings),
            timeout=patience,
            trust_env=False,  # a proxy would not reach this machine
        )
        told = answer.json()
    except httpx.ConnectError:
        return Presence.NOBODY
    except httpx.TimeoutException:
        return Presence.SILENT
    except (httpx.HTTPError, ValueError):
        return Presence.STRANGER
    if not isinstance(told, dict) or told.get("store") != store:
        return Presence.STRANGER
    return Presence.READY if answer.status_code == HTTPStatus.OK else Presence.STARTING


def private_address(settings: Settings) -> str:
    """Return the private face's base address, as this machine reaches it."""
    return _address(settings.dashboard.host, settings.dashboard.port)


def public_address(settings: Settings) -> str:
    """Return the public face's own base address, as this machine reaches it."""
    return _address(settings.webhook.host, settings.webhook.port)


def _address(host: str, port: int) -> str:
    host = _ANY_ADDRESS.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _authorization(settings: Settings) -> dict[str, str]:
    token = settings.dashboard.token.get_secret_value().strip() if settings.dashboard.token else ""
    return {"authorization": f"Bearer {token}"} if token else {}
