"""Under which address the public face is reached: the setting, or what the tunnel has told.

A quick tunnel has a new address at each start, and other processes ask for it too, so the service
writes it into a small file beside the webhook's secrets. It is believed while that service lives.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from pathlib import Path

import psutil
import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from postflow.settings import Settings

_PATIENCE = 15.0  # seconds
_LOOK_EVERY = 0.05
_log = structlog.get_logger("postflow.tunnel")


class TunnelState(BaseModel):
    """What the service that runs the tunnel last knew of it."""

    model_config = ConfigDict(frozen=True)

    url: str | None = None
    problem: str | None = None
    """Why there is no address; None as well while the tunnel comes up."""
    host: str = ""
    pid: int = 0
    started: float = 0.0
    """When the service's process began: its number may be another program's by now."""


def public_base(settings: Settings) -> str | None:
    """Return the base address by which Frame.io reaches us; None where nobody knows one."""
    if settings.webhook.public_url:
        return settings.webhook.public_url.rstrip("/")
    state = load_tunnel(settings)
    return state.url if state else None


def await_public_base(settings: Settings) -> str | None:
    """Return the same, after some seconds of patience with a tunnel that is coming up."""
    until = time.monotonic() + _PATIENCE
    while True:
        base = public_base(settings)
        state = None if base else load_tunnel(settings)
        if state is None or state.problem or time.monotonic() > until:
            return base
        time.sleep(_LOOK_EVERY)


def load_tunnel(settings: Settings) -> TunnelState | None:
    """Return the state of the tunnel, or None where no service runs one."""
    if settings.webhook.tunnel is None:
        return None
    try:
        state = TunnelState.model_validate_json(_path(settings).read_bytes())
    except (OSError, ValidationError):
        return None
    return state if _is_running(state) else None


def save_tunnel(settings: Settings, *, url: str | None, problem: str | None = None) -> None:
    """Write down the tunnel's state; a folder that cannot be written costs one log line."""
    me = psutil.Process()
    state = TunnelState(
        url=url, problem=problem, host=socket.gethostname(), pid=me.pid, started=me.create_time()
    )
    path = _path(settings)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(state.model_dump_json(), encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        _log.warning("the tunnel's address is not kept", path=str(path), error=error.strerror)


def forget_tunnel(settings: Settings) -> None:
    """Say that there is no tunnel any more."""
    with suppress(OSError):
        _path(settings).unlink()


def _path(settings: Settings) -> Path:
    return settings.webhook.secrets_file.with_name("tunnel.json")


def _is_running(state: TunnelState) -> bool:
    """Whether the service still lives, as far as this machine can tell."""
    if state.host != socket.gethostname():
        return True
    try:
        return abs(psutil.Process(state.pid).create_time() - state.started) < 1
    except psutil.Error:
        return False
