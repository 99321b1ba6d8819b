"""The file of webhook secrets: private, replaced at once, and noticed when it changes."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from postflow.errors import ConfigurationError
from postflow.settings import Settings
from postflow.webhook_registration import webhook_address
from postflow.webhook_secrets import (
    LiveSecrets,
    StoredWebhook,
    add_webhook_secret,
    load_webhook_secrets,
    remove_webhook_secrets,
)
from tests.webhook_api.conftest import StartService
from tests.webhook_api.signing import BODY, PATH, signed

FILED = "filed-secret"


def _webhook(secret: str = FILED) -> StoredWebhook:
    url = "https://postflow.example/webhooks/frameio"
    return StoredWebhook(webhook_id="hook-1", url=url, secret=SecretStr(secret))


def test_missing_file_holds_nothing(tmp_path: Path) -> None:
    """Before the first webhook is registered there is no file, and that is fine."""
    assert load_webhook_secrets(tmp_path / "none.json") == ()


def test_secrets_are_their_owners_only(tmp_path: Path) -> None:
    """The file can be read by its owner alone, and holds what was put in."""
    path = tmp_path / "new" / "secrets.json"
    add_webhook_secret(path, _webhook())

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_webhook_secrets(path) == (_webhook(),)
    assert [each.name for each in path.parent.iterdir()] == ["secrets.json"]


def test_registered_address_needs_no_setting(tmp_path: Path) -> None:
    """What `webhook register --url` told Frame.io is the address, unless a setting says another."""
    path = tmp_path / "secrets.json"
    add_webhook_secret(path, _webhook())
    kept = {"secrets_file": path}
    said = {**kept, "public_url": "https://other.example"}

    assert webhook_address(Settings(webhook=kept)) == _webhook().url
    assert webhook_address(Settings(webhook=said)) == "https://other.example/webhooks/frameio"
    assert webhook_address(Settings(webhook={"secrets_file": tmp_path / "none"})) is None


def test_same_webhook_is_replaced(tmp_path: Path) -> None:
    """Rotating a webhook's secret leaves one entry, removing it leaves none."""
    path = tmp_path / "secrets.json"
    add_webhook_secret(path, _webhook(secret="old"))
    add_webhook_secret(path, _webhook(secret="new"))
    entries = load_webhook_secrets(path)

    assert [each.secret.get_secret_value() for each in entries] == ["new"]
    assert remove_webhook_secrets(path, ["hook-1"])
    assert not remove_webhook_secrets(path, ["hook-1"])
    assert load_webhook_secrets(path) == ()


@pytest.mark.parametrize(
    "content",
    ["", "{}", '[{"webhook_id":"x"}]', '["my-secret"'],
    ids=["empty", "object", "keys", "cut"],
)
def test_unreadable_file_names_no_secret(tmp_path: Path, content: str) -> None:
    """A file that is no list of webhooks is one sentence that names it, and nothing in it."""
    path = tmp_path / "secrets.json"
    path.write_text(content)

    with pytest.raises(ConfigurationError, match=r"secrets\.json") as raised:
        load_webhook_secrets(path)
    assert "my-secret" not in str(raised.value)


def test_running_service_notices_a_new_secret(start_service: StartService, tmp_path: Path) -> None:
    """A webhook that is registered while the service runs is trusted from then on."""
    path = tmp_path / "secrets.json"
    service = start_service(webhook={"secrets": [], "secrets_file": str(path)})
    headers = signed(secret=FILED)
    before = service.public.post(PATH, content=BODY, headers=headers)
    add_webhook_secret(path, _webhook())
    after = service.public.post(PATH, content=BODY, headers=headers)
    remove_webhook_secrets(path, ["hook-1"])
    removed = service.public.post(PATH, content=BODY, headers=headers)

    assert [each.status_code for each in (before, after, removed)] == [503, 202, 503]


def test_broken_file_keeps_known_secrets(
    make_config: Callable[..., Settings], tmp_path: Path
) -> None:
    """A file that somebody broke by hand does not shut the door on Frame.io."""
    path = tmp_path / "secrets.json"
    add_webhook_secret(path, _webhook())
    live = LiveSecrets(make_config(webhook={"secrets": ["set"], "secrets_file": str(path)}))
    path.write_text("[")

    assert live.current() == {"set": None, FILED: "hook-1"}
