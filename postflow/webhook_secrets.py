"""The file of webhook secrets: what Frame.io showed once when a webhook was registered.

Readable by its owner only, replaced in one step, and read again whenever it changed, so that
`postflow webhook register` and `rotate` take effect in a running service. No secret is ever logged.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict, SecretStr, TypeAdapter, ValidationError

from postflow.errors import ConfigurationError
from postflow.private_files import replace_private_json
from postflow.settings import Settings

_log = structlog.get_logger("postflow.webhook_secrets")


class StoredWebhook(BaseModel):
    """A webhook that PostFlow registered, and the secret its deliveries are signed with."""

    model_config = ConfigDict(frozen=True)

    webhook_id: str
    url: str = ""
    secret: SecretStr
    replacing_since: datetime | None = None
    """Since when it stands beside older ones that it is to replace; None once it is alone."""


_FILE = TypeAdapter(tuple[StoredWebhook, ...])


def load_webhook_secrets(path: Path) -> tuple[StoredWebhook, ...]:
    """Return what the file holds, nothing where there is no file; raises ConfigurationError."""
    try:
        return _FILE.validate_json(path.read_bytes())
    except FileNotFoundError:
        return ()
    except (OSError, ValidationError):
        # Not chained: a validation error quotes the file, which holds the secrets.
        raise ConfigurationError(
            f"The webhook secrets in {path} cannot be read; it must be a JSON list of objects with "
            "webhook_id, url and secret that this user may read. Correct it, or delete it and "
            "run `postflow webhook register` again."
        ) from None


def save_webhook_secrets(path: Path, webhooks: Iterable[StoredWebhook]) -> None:
    """Replace the file at once, readable by its owner only; a crash leaves old or new."""
    try:
        replace_private_json(path, [_render(each) for each in webhooks])
    except OSError as error:
        raise ConfigurationError(
            f"The webhook secrets cannot be written to {path} ({error.strerror}); "
            "set webhook.secrets_file to a place that can be written."
        ) from error


def prove_writable(path: Path) -> None:
    """Raise ConfigurationError unless a secret can be kept: Frame.io shows each only once."""
    save_webhook_secrets(path, load_webhook_secrets(path))


def add_webhook_secret(path: Path, webhook: StoredWebhook) -> None:
    """Add the webhook, or replace the entry of the same id."""
    others = [w for w in load_webhook_secrets(path) if w.webhook_id != webhook.webhook_id]
    save_webhook_secrets(path, [*others, webhook])


def remove_webhook_secrets(path: Path, webhook_ids: Collection[str]) -> bool:
    """Forget these webhooks' secrets; return whether any was there."""
    known = load_webhook_secrets(path)
    kept = [w for w in known if w.webhook_id not in webhook_ids]
    if len(kept) == len(known):
        return False
    save_webhook_secrets(path, kept)
    return True


class LiveSecrets:
    """Every secret that is good at this moment: from the settings, and from the file."""

    def __init__(self, settings: Settings) -> None:
        """Read the file once; raises ConfigurationError where it cannot be understood."""
        self._path = settings.webhook.secrets_file
        self._configured = [s.get_secret_value() for s in settings.webhook.secrets]
        self._seen = self._look()
        self._live = self._join(load_webhook_secrets(self._path))

    def current(self) -> Mapping[str, str | None]:
        """Return the secrets that are not empty, each with the webhook it is known to belong to.

        The file is read again if it changed; one that became unreadable leaves the secrets as
        they were, with one log line.
        """
        seen = self._look()
        if seen != self._seen:
            self._seen = seen
            try:
                self._live = self._join(load_webhook_secrets(self._path))
            except ConfigurationError as error:
                _log.warning("webhook secrets not read again", error=str(error))
        return self._live

    def _join(self, filed: Iterable[StoredWebhook]) -> Mapping[str, str | None]:
        live: dict[str, str | None] = dict.fromkeys(self._configured)
        live |= {each.secret.get_secret_value(): each.webhook_id for each in filed}
        return {secret: webhook_id for secret, webhook_id in live.items() if secret.strip()}

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = os.stat(self._path)  # noqa: PTH116 - three times as fast, and asked for every delivery
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def _render(webhook: StoredWebhook) -> dict[str, str]:
    shown = webhook.model_dump(mode="json", exclude_none=True)
    return {**shown, "secret": webhook.secret.get_secret_value()}
