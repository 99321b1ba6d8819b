"""Telling people, through whatever apprise can reach; never says where, the addresses are secret."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from postflow.errors import ConfigurationError, NoticeError
from postflow.settings.sections import NoticeSettings

Send = Callable[[str, str], None]
"""Sends a title and a text; raises NoticeError where that failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Receiver:
    """One address, by a key and a label that give nothing of it away."""

    key: str
    """The same for the same address; the store knows it by this."""
    label: str
    send: Send
    is_for_escalation: bool = False


def make_receivers(notices: NoticeSettings) -> tuple[Receiver, ...]:
    """Return who is told, in the order of the settings.

    Raises ConfigurationError for an address that apprise cannot read, without repeating it.
    """
    return (*_make(notices, "urls"), *_make(notices, "escalation_urls"))


def _make(notices: NoticeSettings, name: str) -> Iterator[Receiver]:
    for position, secret in enumerate(getattr(notices, name), start=1):
        address = secret.get_secret_value()
        kind = address.partition("://")[0] if "://" in address else "no scheme"
        yield Receiver(
            key=hashlib.sha256(f"{name}:{address}".encode()).hexdigest()[:16],
            label=f"notices.{name} {position} ({kind})",
            send=_make_send(address, entry=f"Entry {position} of notices.{name} ({kind})"),
            is_for_escalation=name == "escalation_urls",
        )


def _make_send(address: str, *, entry: str) -> Send:
    import apprise  # noqa: PLC0415 - slow to import, and most installations notify nobody

    # Its own log lines quote addresses; what matters of them becomes our error.
    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    target: Any = apprise.Apprise()
    if not target.add(address):
        raise ConfigurationError(
            f"{entry} is no address that apprise knows; write for example slack://…, mailto://… "
            "or json://…."
        )

    def send(title: str, text: str) -> None:
        try:
            is_sent = target.notify(title=title, body=text)
        except Exception as error:  # noqa: BLE001 - any plugin may raise anything; its text may hold the address
            raise NoticeError(f"sending failed ({type(error).__name__})") from None
        if not is_sent:
            raise NoticeError("the receiver refused it, or cannot be reached")

    return send
