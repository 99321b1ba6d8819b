"""Rotating the webhook's secret: the real command, a running service and a simulated Frame.io."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from postflow.cli.main import run_program
from postflow.settings import Settings, load_settings
from postflow.simulator.config import SimulatorConfig
from postflow.simulator.serving import RunningSimulator, running_simulator
from postflow.webhook_rotation import Rotation, RotationStep
from postflow.webhook_secrets import StoredWebhook, add_webhook_secret, load_webhook_secrets
from postflow.webhook_upkeep import register_webhook_at
from tests.factories import NOW, after
from tests.simulator.conftest import wait_until
from tests.webhook_api.conftest import Service, StartService
from tests.webhook_api.signing import BODY, PATH, signed


class Place:
    """A registered webhook between a simulated Frame.io and a running service."""

    def __init__(
        self,
        simulator: RunningSimulator,
        frameio: httpx.Client,
        service: Service,
        settings: Settings,
    ) -> None:
        self.service = service
        self.settings = settings
        self.address = service.public_url + PATH
        self._frameio = frameio
        self._world = simulator.world

    @property
    def webhooks(self) -> dict[str, str]:
        """The ids of Frame.io's webhooks with their secrets."""
        return {each.id: each.secret for each in self._world.state.webhooks.values()}

    @property
    def secrets(self) -> dict[str, str]:
        """The ids of the webhooks whose secrets are trusted."""
        filed = load_webhook_secrets(self.settings.webhook.secrets_file)
        return {each.webhook_id: each.secret.get_secret_value() for each in filed}

    def create_webhook(self) -> None:
        """Create a webhook of ours as a process that dies before it has kept the secret."""
        workspace = next(iter(self._world.state.projects.values())).workspace_id
        account = self._frameio.get("/_sim/state").json()["account_id"]
        body = {"name": "PostFlow", "url": self.address, "events": ["file.created"]}
        self._frameio.post(
            f"/v4/accounts/{account}/workspaces/{workspace}/webhooks",
            json={"data": body},
            headers={"authorization": "Bearer postflow"},
        ).raise_for_status()

    def delete_webhook(self, webhook_id: str) -> None:
        """Delete a webhook behind PostFlow's back."""
        del self._world.state.webhooks[webhook_id]

    def create_file(self, name: str = "cut.mp4") -> str:
        """Let a file appear at Frame.io, which its webhooks tell."""
        answer = self._frameio.post("/_sim/files", json={"file_name": name, "as": "postflow"})
        return str(answer.raise_for_status().json()["id"])

    def received(self) -> list[dict[str, Any]]:
        """Return the stored deliveries."""
        return list(self.service.private.get("/api/events", params={"limit": 1000}).json())


@pytest.fixture
def place(
    start_service: StartService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    """Give a running service that Frame.io's only webhook calls."""
    config = SimulatorConfig(data_dir=tmp_path / "simulator")
    with (
        running_simulator(config) as simulator,
        httpx.Client(base_url=simulator.base_url) as frameio,
    ):
        secrets = tmp_path / "webhook-secrets.json"
        service = start_service(
            webhook={"secrets": [], "secrets_file": str(secrets)},
            frameio={"base_url": simulator.base_url, "token": "postflow"},
        )
        monkeypatch.setenv("POSTFLOW_CONFIG", str(tmp_path / "pipeline_config.json"))
        settings = load_settings()
        asyncio.run(register_webhook_at(settings, service.public_url))
        yield Place(simulator, frameio, service, settings)


def _rotate(*arguments: str) -> int:
    return run_program(["webhook", "rotate", *arguments])


def test_rotation_loses_no_delivery(place: Place) -> None:
    """Files that appear all through a rotation are all reported, and one webhook is left."""
    before = place.webhooks
    with ThreadPoolExecutor(1) as pool:
        rotating = pool.submit(_rotate, "--overlap", "0")
        files = [place.create_file("first.mp4")]
        while not rotating.done():
            files.append(place.create_file(f"{len(files)}.mp4"))
        files.append(place.create_file("last.mp4"))

    assert rotating.result() == 0
    wait_until(lambda: set(files) <= {each["resource_id"] for each in place.received()})
    assert len(place.webhooks) == 1
    assert place.webhooks.keys().isdisjoint(before)
    assert place.secrets == place.webhooks


def test_old_secret_is_no_longer_good(place: Place) -> None:
    """After the rotation what is signed with the old secret is refused."""
    (old,) = place.webhooks.values()
    _rotate("--overlap", "0", "--grace", "0")
    (new,) = place.webhooks.values()
    answers = [
        place.service.public.post(PATH, content=BODY, headers=signed(secret=secret)).status_code
        for secret in (old, new)
    ]

    assert answers == [401, 202]


def test_killed_rotation_goes_on(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Killed after its first step, it goes on with the webhook that it had created."""
    (old,) = place.webhooks
    place.create_webhook()
    (new,) = place.webhooks.keys() - {old}
    begun = StoredWebhook(
        webhook_id=new,
        url=place.address,
        secret=SecretStr(place.webhooks[new]),
        replacing_since=NOW,
    )
    add_webhook_secret(place.settings.webhook.secrets_file, begun)

    assert _rotate() == 0
    assert "Going on" in capsys.readouterr().out
    assert list(place.webhooks) == list(place.secrets) == [new]


def test_webhook_of_unknown_secret_goes(place: Place) -> None:
    """Killed before the secret was kept, the webhook that nobody can verify goes with the old."""
    before = set(place.webhooks)
    place.create_webhook()
    _rotate("--overlap", "0", "--grace", "0")

    assert len(place.webhooks) == 1
    assert not before & place.webhooks.keys()
    assert place.secrets == place.webhooks


def test_second_finish_changes_nothing(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a rotation there is nothing to finish, and the working webhook stays."""
    before = place.webhooks

    assert _rotate("--finish") == 1
    assert "No rotation has begun" in capsys.readouterr().err
    assert place.webhooks == before


def test_deaf_service_keeps_old_webhook(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A service that reads another file of secrets would refuse every event: the old one stays."""
    elsewhere = place.settings.webhook.secrets_file.with_name("elsewhere.json")
    monkeypatch.setenv("POSTFLOW_WEBHOOK__SECRETS_FILE", str(elsewhere))
    before = place.webhooks

    assert _rotate("--finish") == 1
    assert _rotate("--overlap", "0") == 1
    assert "does not trust the new secret" in capsys.readouterr().err
    assert before.items() <= place.webhooks.items()


def test_deleted_new_webhook_spares_the_old(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """If somebody deletes the new webhook meanwhile, the old one is not deleted as well."""
    (old,) = place.webhooks
    gone = StoredWebhook(
        webhook_id="gone", url=place.address, secret=SecretStr("x"), replacing_since=NOW
    )
    add_webhook_secret(place.settings.webhook.secrets_file, gone)

    assert _rotate("--finish") == 1
    assert "is gone at Frame.io" in capsys.readouterr().err
    assert list(place.webhooks) == list(place.secrets) == [old]


def test_nothing_to_rotate_is_said(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a webhook the sentence names the command that makes one."""
    place.delete_webhook(next(iter(place.webhooks)))

    assert _rotate() == 1
    assert "postflow webhook register" in capsys.readouterr().err


def test_status_tells_how_far_it_is(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Programs see through which webhook events have come since the rotation began."""
    (old,) = place.webhooks
    marked = load_webhook_secrets(place.settings.webhook.secrets_file)[0]
    assert _rotate("--status") == 0
    assert "No rotation" in capsys.readouterr().out
    add_webhook_secret(
        place.settings.webhook.secrets_file,
        marked.model_copy(update={"replacing_since": NOW}),
    )
    place.create_file()
    wait_until(place.received)
    _rotate("--status", "--json")
    said = capsys.readouterr().out  # the service of this process may have logged something, too
    (shown,), _ = json.JSONDecoder().raw_decode(said, said.index("[\n"))

    assert shown["webhook_id"] == old
    assert (shown["events_through_new"], shown["events_through_old"]) == (True, False)


def test_registering_again_forgets_old_secret(place: Place) -> None:
    """A webhook that is replaced leaves no secret behind that would stay good for ever."""
    asyncio.run(register_webhook_at(place.settings, place.service.public_url))

    assert place.secrets == place.webhooks


@pytest.mark.parametrize(
    ("t", "new", "old", "step"),
    [
        (299, True, True, RotationStep.WAIT),
        (300, True, True, RotationStep.FINISH),
        (300, False, True, RotationStep.WAIT),
        (1799, False, False, RotationStep.WAIT),
        (1800, False, False, RotationStep.FINISH),
        (1800, False, True, RotationStep.STUCK),
    ],
    ids=["overlap", "seen", "not seen", "quiet", "quiet for long", "only old"],
)
def test_rotation_step_follows_what_came(
    t: float, *, new: bool, old: bool, step: RotationStep
) -> None:
    """The old webhook goes after the overlap, and only if nothing speaks against the new one."""
    webhook = StoredWebhook(webhook_id="new", secret=SecretStr("x"))
    rotation = Rotation(webhook=webhook, since=NOW, came_new=new, came_old=old)
    waits = {"overlap": timedelta(minutes=5), "grace": timedelta(minutes=30)}

    assert rotation.plan_step(now=after(t), **waits) is step
