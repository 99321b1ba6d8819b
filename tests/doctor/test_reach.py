"""Doctor on a running service: webhook, tunnel, secret, and a machine where all is well."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from postflow.settings import Settings, load_settings
from postflow.simulator.records import StoredWebhook
from postflow.simulator.serving import RunningSimulator
from postflow.webhook_registration import WEBHOOK_PATH
from postflow.webhook_upkeep import register_webhook_at
from tests.doctor.conftest import Doctor
from tests.flows.machine import Machine, shared_machine
from tests.integration.conftest import wait_until
from tests.tunnel.conftest import Cloudflared
from tests.webhook_api.conftest import Service, StartService


@dataclass(frozen=True, kw_only=True)
class Place:
    """A service that a simulated Frame.io calls, at a fixed dashboard port."""

    simulator: RunningSimulator
    service: Service

    @property
    def webhook(self) -> StoredWebhook:
        """The only webhook."""
        (only,) = self.simulator.world.state.webhooks.values()
        return only

    @property
    def settings(self) -> Settings:
        """What every command of this machine reads."""
        return load_settings()


@pytest.fixture
def place(
    start_service: StartService,
    simulator: RunningSimulator,
    free_port: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Place:
    """Give a running service with its webhook registered."""
    service = start_service(
        webhook={"secrets": []},
        dashboard={"port": free_port},
        frameio={"base_url": simulator.base_url, "token": "postflow"},
    )
    monkeypatch.setenv("POSTFLOW_FRAMEIO__BASE_URL", simulator.base_url)
    monkeypatch.setenv("POSTFLOW_WEBHOOK__PUBLIC_URL", service.public_url)
    asyncio.run(register_webhook_at(load_settings(), service.public_url))
    return Place(simulator=simulator, service=service)


@pytest.fixture
def machine(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Machine:
    """Give the session's machine with its Prefect server, its runner and its Frame.io."""
    machine = shared_machine(request, tmp_path_factory)
    monkeypatch.setenv("POSTFLOW_FRAMEIO__BASE_URL", machine.simulator.base_url)
    monkeypatch.setenv("POSTFLOW_PREFECT__API_URL", machine.server.api_url)
    return machine


def test_running_service_is_well(doctor: Doctor, place: Place) -> None:
    """With a registered webhook everything on this side is good, and the self-test has no effect."""
    report = doctor()

    wrong = {name for name, each in report.findings.items() if each["mark"] == "failed"}
    assert wrong == {"Prefect"}
    assert "came into the store" in report.line("webhook secret")
    assert "Frame.io calls" in report.line("webhook")
    wait_until(lambda: place.service.private.get("/api/events").json()[0]["settled_at"])
    (event,) = place.service.private.get("/api/events").json()
    assert event["event_type"] == "postflow.self-test"
    assert event["note"] == "PostFlow's own self-test"


@pytest.mark.parametrize(
    ("fault", "said"),
    [("paused", "the pause"), ("moved", "none calls"), ("deaf", "the events")],
)
def test_wrong_webhook_names_the_repair(
    doctor: Doctor, place: Place, fault: str, said: str
) -> None:
    """Whatever is wrong with Frame.io's webhook is told with the command that repairs it."""
    match fault:
        case "paused":
            place.webhook.active = False
        case "moved":
            place.simulator.world.state.webhooks.clear()
        case _:
            place.webhook.events = ["file.created"]
    report = doctor()

    assert report.mark("webhook") == "failed"
    assert said in report.line("webhook")
    assert "postflow webhook register" in report.line("webhook")


def test_lost_secret_is_told(doctor: Doctor, place: Place) -> None:
    """Without the file of secrets neither the webhook nor a delivery can be believed."""
    place.settings.webhook.secrets_file.unlink()
    report = doctor()

    assert "is lost" in report.line("webhook")
    assert report.mark("webhook secret") == "failed"


def test_service_with_other_secrets_is_told(doctor: Doctor, place: Place) -> None:
    """A service that reads another file refuses what is signed with ours."""
    elsewhere = place.settings.webhook.secrets_file.with_name("elsewhere.json")
    elsewhere.write_text(
        json.dumps([{"webhook_id": place.webhook.id, "url": place.webhook.url, "secret": "other"}])
    )
    report = doctor(webhook__secrets_file=str(elsewhere))

    assert report.mark("webhook secret") == "failed"
    assert "answers 401" in report.line("webhook secret")


def test_service_on_another_store_is_told(
    doctor: Doctor, place: Place, tmp_path: Path, migrated_sqlite: Path
) -> None:
    """A service whose store is another one is not taken for ours."""
    other = tmp_path / "other.db"
    other.write_bytes(migrated_sqlite.read_bytes())
    report = doctor(database__url=f"sqlite:///{other}")

    assert report.mark("store") == "ok"
    assert "another store" in report.line("service")
    assert "another store" in report.line("webhook secret")


def test_dead_public_address_is_told(doctor: Doctor, place: Place) -> None:
    """An address that nobody answers at fails with what it should lead to."""
    report = doctor(webhook__public_url="http://127.0.0.1:9")

    assert report.mark("public address") == "failed"
    assert "webhook.port" in report.line("public address")
    assert report.mark("webhook secret") == "failed"


def test_own_user_as_only_approver_is_told(doctor: Doctor, place: Place) -> None:
    """Where nobody but PostFlow itself is named to approve, doctor says so before a review does."""
    own = doctor().findings["Frame.io"]["says"].partition("<")[2].partition(">")[0]
    report = doctor(review__approvers=[own])

    assert report.mark("Frame.io") == "failed"
    assert "too few people to approve anything" in report.line("Frame.io")


def test_polling_alone_is_well(
    doctor: Doctor, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Webhooks that are off need no rights, no address and no secret."""
    report = doctor(webhook__enabled="false")

    for check in ("webhook rights", "webhook", "public address", "webhook secret"):
        assert report.mark(check) == "ok"
        assert "polls" in report.line(check)


def test_tunnel_without_service_is_told(doctor: Doctor, cloudflared: Cloudflared) -> None:
    """A tunnel that nobody runs, and a program that is not there, are two different sentences."""
    tunnel = {"webhook__tunnel": "cloudflared"}
    idle = doctor(**tunnel, webhook__tunnel_command=cloudflared.command)
    missing = doctor(webhook__tunnel_command="no-such-program")

    assert "postflow start" in idle.line("tunnel")
    assert "brew install cloudflared" in missing.line("tunnel")


@pytest.mark.prefect
def test_whole_machine_is_well(
    doctor: Doctor,
    start_service: StartService,
    cloudflared: Cloudflared,
    free_port: int,
    machine: Machine,
) -> None:
    """With service, tunnel, Frame.io, Prefect and a runner nothing fails, and doctor exits with 0."""
    start_service(
        webhook={"tunnel": "cloudflared", "tunnel_command": cloudflared.command, "secrets": []},
        dashboard={"port": free_port},
        frameio={"token": "editor@studio.example"},
        review={"approvers": ["cleo@client.example"]},
    )
    webhooks = machine.simulator.world.state.webhooks
    wait_until(lambda: webhooks and cloudflared.address + WEBHOOK_PATH == _only_url(webhooks))
    for name in ("process-video", "process-batch"):
        wait_until(partial(_is_polled, machine, name), seconds=60)
    report = doctor()
    webhooks.clear()

    assert {name for name, each in report.findings.items() if each["mark"] != "ok"} == set()
    assert report.code == 0
    assert report.line("tunnel").startswith(cloudflared.address)


def _is_polled(machine: Machine, flow: str) -> bool:
    answer = machine.server.get(f"/deployments/name/{flow}/local")
    return answer.is_success and answer.json()["status"] == "READY"


def _only_url(webhooks: dict[str, StoredWebhook]) -> str:
    (only,) = webhooks.values()
    return only.url
