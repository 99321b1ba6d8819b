"""Creating and repairing Frame.io's webhook: the real command and a simulated Frame.io."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from postflow.cli.main import run_program
from postflow.settings import Settings, load_settings
from postflow.simulator.config import SimulatorConfig
from postflow.simulator.records import StoredWebhook as SimulatedWebhook
from postflow.simulator.serving import RunningSimulator, running_simulator
from postflow.webhook_registration import EVENTS
from postflow.webhook_secrets import load_webhook_secrets

OURS = "https://review.studio.example"
ADDRESS = f"{OURS}/webhooks/frameio"
ELSEWHERE = "https://other.studio.example/webhooks/frameio"


class Place:
    """A simulated Frame.io and an installation that has its secrets in a file."""

    def __init__(self, simulator: RunningSimulator, settings: Settings) -> None:
        self._simulator = simulator
        self.settings = settings

    @property
    def webhooks(self) -> dict[str, SimulatedWebhook]:
        """Frame.io's webhooks by id."""
        return self._simulator.world.state.webhooks

    @property
    def secrets(self) -> dict[str, str]:
        """The ids of the webhooks whose secrets are trusted."""
        filed = load_webhook_secrets(self.settings.webhook.secrets_file)
        return {each.webhook_id: each.secret.get_secret_value() for each in filed}

    @property
    def right(self) -> bool:
        """Whether one webhook calls us as it should, with the only secret that we trust."""
        (only,) = [each for each in self.webhooks.values() if each.url == ADDRESS]
        return (
            only.active
            and set(only.events) == set(EVENTS)
            and self.secrets == {only.id: only.secret}
        )

    def create(self, url: str = ADDRESS, name: str = "PostFlow") -> str:
        """Create a webhook whose secret PostFlow does not know."""
        http = httpx.Client(
            base_url=self._simulator.base_url, headers={"authorization": "Bearer postflow"}
        )
        with http:
            state = http.get("/_sim/state").json()
            workspace = next(iter(self._simulator.world.state.projects.values())).workspace_id
            answer = http.post(
                f"/v4/accounts/{state['account_id']}/workspaces/{workspace}/webhooks",
                json={"data": {"name": name, "url": url, "events": ["file.created"]}},
            )
        return str(answer.raise_for_status().json()["data"]["id"])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Give an installation without any webhook."""
    config = SimulatorConfig(data_dir=tmp_path / "simulator")
    with running_simulator(config) as simulator:
        path = tmp_path / "pipeline_config.json"
        frameio = {"base_url": simulator.base_url, "token": "postflow"}
        path.write_text(json.dumps({"frameio": frameio}), encoding="utf-8")
        monkeypatch.setenv("POSTFLOW_CONFIG", str(path))
        yield Place(simulator, load_settings())


def _register(url: str = OURS) -> int:
    return run_program(["webhook", "register", "--url", url])


def test_second_registering_changes_nothing(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first run creates the webhook, the second one says that nothing was to be done."""
    assert _register() == 0
    before = dict(place.webhooks)
    assert place.right
    capsys.readouterr()

    assert _register() == 0
    assert "Nothing to change" in capsys.readouterr().out
    assert place.webhooks == before


def test_address_without_scheme_is_refused(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """What Frame.io could never call changes nothing there, and the sentence shows an address."""
    assert _register("review.studio.example") == 1
    assert "'review.studio.example' is no address" in capsys.readouterr().err
    assert not place.webhooks


def test_new_address_keeps_the_secret(place: Place) -> None:
    """A tunnel with a new address costs one change of the webhook, and its secret stays good."""
    _register("https://old.studio.example")
    before = place.secrets
    _register()

    assert place.right
    assert place.secrets == before
    (filed,) = load_webhook_secrets(place.settings.webhook.secrets_file)
    assert filed.url == ADDRESS


@pytest.mark.parametrize("fault", ["paused", "too few events", "too many events"])
def test_wrong_webhook_is_corrected(place: Place, fault: str) -> None:
    """A webhook that was paused, or calls for other events, is put right where it stands."""
    _register()
    (webhook,) = place.webhooks.values()
    webhook.active = fault != "paused"
    if fault != "paused":
        webhook.events = ["file.created"] if "few" in fault else [*EVENTS, "folder.created"]
    _register()

    assert list(place.webhooks) == [webhook.id]
    assert place.right


def test_lost_secret_replaces_the_webhook(place: Place) -> None:
    """Frame.io shows a secret only once, so a webhook whose secret is lost is made anew."""
    lost = place.create()
    _register()

    assert lost not in place.webhooks
    assert place.right


def test_deleted_webhook_leaves_no_secret(place: Place) -> None:
    """What somebody deleted in Frame.io is made anew, and its secret is trusted no more."""
    _register()
    place.webhooks.clear()
    _register()

    assert place.right


def test_orphans_of_ours_are_removed(place: Place) -> None:
    """A webhook whose secret we keep and which calls an older address goes, with its secret."""
    _register("https://old.studio.example")
    (old,) = place.webhooks
    filed = load_webhook_secrets(place.settings.webhook.secrets_file)
    place.settings.webhook.secrets_file.unlink()
    _register()
    newer = load_webhook_secrets(place.settings.webhook.secrets_file)
    place.settings.webhook.secrets_file.write_text(
        json.dumps(
            [
                {"webhook_id": w.webhook_id, "url": w.url, "secret": w.secret.get_secret_value()}
                for w in (*filed, *newer)
            ]
        )
    )
    _register()

    assert old not in place.webhooks
    assert place.right


def test_webhooks_of_others_are_left_alone(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another PostFlow's webhook and those of other programs stay; the first is named."""
    theirs = place.create(ELSEWHERE)
    foreign = place.create(ELSEWHERE, name="Another program")
    _register()

    assert {theirs, foreign} <= place.webhooks.keys()
    assert place.right
    said = capsys.readouterr().out
    assert f"postflow webhook remove {theirs}" in said
    assert foreign not in said


def test_configured_secret_is_believed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `webhook.secrets` a webhook that calls us is taken to have one of them, and stays."""
    known = place.create()
    monkeypatch.setenv("POSTFLOW_WEBHOOK__SECRETS", '["its secret"]')
    _register()

    assert list(place.webhooks) == [known]
    assert set(place.webhooks[known].events) == set(EVENTS)
    assert place.secrets == {}


def test_rotation_survives_registering(place: Place) -> None:
    """While a rotation goes on, both webhooks stay and both follow to a new address."""
    _register("https://old.studio.example")
    path = place.settings.webhook.secrets_file
    (first,) = json.loads(path.read_text())
    place.webhooks[first["webhook_id"]].name = "hidden"
    _register("https://old.studio.example")
    place.webhooks[first["webhook_id"]].name = "PostFlow"
    (second,) = [w for w in json.loads(path.read_text()) if w != first]
    path.write_text(json.dumps([first, {**second, "replacing_since": "2026-03-02T09:00:00Z"}]))
    _register()

    assert {each.url for each in place.webhooks.values()} == {ADDRESS}
    assert place.secrets.keys() == place.webhooks.keys()
    assert len(place.webhooks) == 2


def test_unknown_address_is_a_sentence(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Without an address there is nothing to register, and the sentence says where it belongs."""
    assert run_program(["webhook", "register"]) == 1
    assert "webhook.public_url" in capsys.readouterr().err


def test_place_that_cannot_be_written_costs_no_secret(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frame.io shows a secret once: where it cannot be kept, no webhook is created."""
    secrets = place.settings.webhook.secrets_file
    blocked = secrets.with_name(f"{secrets.name}.{os.getpid()}.new")
    blocked.mkdir(parents=True)
    assert _register() == 1
    assert "set webhook.secrets_file to a place that can be written" in capsys.readouterr().err

    (secrets.parent / "file").touch()
    inside = secrets.parent / "file" / "secrets.json"
    monkeypatch.setenv("POSTFLOW_WEBHOOK__SECRETS_FILE", str(inside))
    assert _register() == 1
    assert "let PostFlow's user write into that folder" in capsys.readouterr().err
    assert place.webhooks == {}
