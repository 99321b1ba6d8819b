"""Telling people, through whatever apprise can reach; never says where, the addresses are secret."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

import structlog
from pydantic import SecretStr

from postflow.errors import ConfigurationError

_log = structlog.get_logger("postflow.notices")

Notify = Callable[[str, str], None]
"""Tells people: a title and a text."""


def make_notify(urls: Iterable[SecretStr | str]) -> Notify | None:
    """Return what sends a notice to all these addresses, or None where there is none.

    Raises ConfigurationError for an address that apprise cannot read, without repeating it.
    A notice that could not be sent is logged, never raised: work does not wait for it.
    """
    addresses = [u.get_secret_value() if isinstance(u, SecretStr) else u for u in urls]
    if not addresses:
        return None
    import apprise  # noqa: PLC0415 - slow to import, and most installations notify nobody

    # Its own log lines quote addresses; what matters of them is logged here.
    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    target = apprise.Apprise()
    for position, address in enumerate(addresses, start=1):
        if not target.add(address):
            kind = address.partition("://")[0] if "://" in address else "no scheme"
            raise ConfigurationError(
                f"Entry {position} of notices.urls ({kind}) is no address that apprise knows; "
                "write for example slack://…, mailto://… or json://…."
            )

    def notify(title: str, text: str) -> None:
        try:
            sent = target.notify(title=title, body=text)
        except Exception as error:  # noqa: BLE001 - any plugin may raise anything; its text may hold the address
            _log.warning("notice not sent", title=title, error=type(error).__name__)
            return
        if not sent:
            _log.warning("notice not sent", title=title, error="refused by a receiver")

    return notify
