"""Looking into the webhooks' silence: a real service, a simulated Frame.io, a clock of the test's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlmodel import col, select

from postflow.clock import utc_now
from postflow.domain.announcements import Announcement
from postflow.frameio.opening import open_frameio
from postflow.settings import Settings, load_settings
from postflow.simulator.config import SimulatorConfig
from postflow.simulator.serving import RunningSimulator, running_simulator
from postflow.store.inbox import last_received
from postflow.store.tables import AnnouncementRow, UploadRow
from postflow.webhook_silence import SilenceWatch
from postflow.webhook_upkeep import register_webhook_at
from tests.factories import make_upload
from tests.integration.conftest import wait_until
from tests.receivers import NoticeReceiver, receiving_notices
from tests.webhook_api.conftest import Service, StartService

# apprise imports a module of Python's own that will go away; it has a replacement by then.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


class Place:
    """A service with an open review, called by the webhook of a simulated Frame.io."""

    def __init__(self, simulator: RunningSimulator, service: Service, settings: Settings) -> None:
        self.service = service
        self.webhooks = simulator.world.state.webhooks
        self.settings = settings
        self._base_url = simulator.base_url

    def look(self, *, hours: float) -> None:
        """Look for silence as if it were so many hours later."""
        asyncio.run(self._look(timedelta(hours=hours)))

    def look_twice(self, *, hours: float) -> None:
        """Let two services look at the same moment."""
        asyncio.run(self._look(timedelta(hours=hours), services=2))

    async def _look(self, later: timedelta, *, services: int = 1) -> None:
        async with open_frameio(self.settings.frameio) as frameio:
            watches = [
                SilenceWatch(
                    settings=self.settings,
                    store=self.service.store,
                    frameio=frameio,
                    clock=lambda: utc_now() + later,
                )
                for _ in range(services)
            ]
            await asyncio.gather(*(watch.run_once() for watch in watches))
        with self.service.store.writing() as session:  # the service's own clock is behind
            now = utc_now()
            for row in session.exec(
                select(AnnouncementRow).where(col(AnnouncementRow.created_at) > now)
            ):
                row.created_at = row.try_at = now

    def create_file(self) -> None:
        """Let a file appear at Frame.io, and wait until its webhook has told so."""
        before = self.service.count_events()
        body = {"file_name": "cut.mp4", "as": "postflow"}
        httpx.post(f"{self._base_url}/_sim/files", json=body).raise_for_status()
        wait_until(lambda: self.service.count_events() > before)

    @property
    def told(self) -> list[tuple[str, str | None]]:
        """What was announced, with its cause, the oldest first."""
        with self.service.store.reading() as session:
            rows = session.exec(select(AnnouncementRow).order_by(col(AnnouncementRow.created_at)))
            return [(row.kind, row.payload.get("cause")) for row in rows]


@pytest.fixture
def receiver() -> Iterator[NoticeReceiver]:
    """Give a receiver of JSON notices."""
    with receiving_notices() as receiver:
        yield receiver


@pytest.fixture(params=["sqlite_url"])
def url(request: pytest.FixtureRequest) -> str:
    """Give the address of an empty database."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def place(
    url: str,
    start_service: StartService,
    receiver: NoticeReceiver,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Place]:
    """Give a running service with an open review."""
    with running_simulator(SimulatorConfig(data_dir=tmp_path / "simulator")) as simulator:
        service = start_service(
            database={"url": url},
            webhook={"secrets": []},
            frameio={"base_url": simulator.base_url, "token": "postflow"},
            notices={"urls": [receiver.address]},
        )
        monkeypatch.setenv("POSTFLOW_CONFIG", str(tmp_path / "pipeline_config.json"))
        monkeypatch.setenv("POSTFLOW_WEBHOOK__PUBLIC_URL", service.public_url)
        asyncio.run(register_webhook_at(load_settings(), service.public_url))
        with service.store.writing() as session:
            upload = make_upload(session, now=utc_now())
            upload.look_at = utc_now() + timedelta(days=9)
        yield Place(simulator, service, load_settings())


def test_silence_and_its_end_are_told_once(place: Place, receiver: NoticeReceiver) -> None:
    """People hear once that nothing comes and what was found, and once that something came."""
    place.look(hours=23)
    assert place.told == []

    for hours in (25, 26, 99):
        place.look(hours=hours)
    assert place.told == [(Announcement.WEBHOOK_SILENT, "works")]

    place.create_file()
    for _ in range(2):
        place.look(hours=0)
    assert [kind for kind, _ in place.told] == ["webhook-silent", "webhook-back"]
    wait_until(lambda: len(receiver.received) == 2)
    assert "A test delivery arrived" in str(receiver.received[0]["message"])
    assert "heard again" in str(receiver.titles[1])


def test_broken_webhook_is_repaired(place: Place) -> None:
    """What is wrong at Frame.io is put right at once, and events come again."""
    place.webhooks.clear()
    place.look(hours=25)

    assert place.told == [(Announcement.WEBHOOK_SILENT, "repaired")]
    place.create_file()


@pytest.mark.parametrize("url", ["empty_postgres_url"], indirect=True)
def test_two_services_mend_once(place: Place) -> None:
    """Replicas that notice the same silence make one webhook and tell people once."""
    place.webhooks.clear()
    place.look_twice(hours=25)

    assert place.told == [(Announcement.WEBHOOK_SILENT, "repaired")]
    assert len(place.webhooks) == 1


def test_dead_address_needs_a_person(
    place: Place, receiver: NoticeReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address that nobody answers at cannot be repaired, and people read why."""
    monkeypatch.setenv("POSTFLOW_WEBHOOK__PUBLIC_URL", "http://127.0.0.1:9")
    place.settings = load_settings()
    place.look(hours=25)

    assert place.told == [(Announcement.WEBHOOK_SILENT, "broken")]
    wait_until(lambda: receiver.received)
    assert "127.0.0.1:9/webhooks/frameio cannot be reached" in str(receiver.received[0]["message"])


def test_missing_tunnel_is_the_cause(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the tunnel has no address, that is what people are told."""
    monkeypatch.delenv("POSTFLOW_WEBHOOK__PUBLIC_URL")
    monkeypatch.setenv("POSTFLOW_WEBHOOK__TUNNEL", "cloudflared")
    place.settings = load_settings()
    place.look(hours=25)

    assert place.told == [(Announcement.WEBHOOK_SILENT, "broken")]


@pytest.mark.parametrize("why", ["no review", "switched off", "no address"])
def test_expected_silence_is_no_news(
    place: Place, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is told where nobody is awaited, nobody wants to know, or nobody is called."""
    match why:
        case "no review":
            with place.service.store.writing() as session:
                session.exec(select(UploadRow)).one().cancelled_at = utc_now()
        case "switched off":
            monkeypatch.setenv("POSTFLOW_WEBHOOK__SILENCE_AFTER", "0")
        case _:
            monkeypatch.delenv("POSTFLOW_WEBHOOK__PUBLIC_URL")
    place.settings = load_settings()
    place.look(hours=500)

    assert place.told == []


def test_self_test_is_no_sign_of_frameio(place: Place) -> None:
    """A delivery that PostFlow sent itself does not count as heard from Frame.io."""
    place.look(hours=25)
    assert place.service.count_events() == 1

    with place.service.store.reading() as session:
        assert last_received(session) is None
    place.create_file()
    with place.service.store.reading() as session:
        assert last_received(session) is not None


def test_service_notices_silence_itself(start_service: StartService) -> None:
    """The running service looks by itself, and goes on when Frame.io cannot be asked."""
    service = start_service(
        webhook={"public_url": "http://127.0.0.1:9", "silence_after": 0.4},
        frameio={"base_url": "http://127.0.0.1:9", "token": "postflow"},
    )
    with service.store.writing() as session:
        upload = make_upload(session, now=utc_now())
        upload.look_at = utc_now() + timedelta(days=9)

    def announced() -> list[str]:
        with service.store.reading() as session:
            return [row.kind for row in session.exec(select(AnnouncementRow))]

    wait_until(lambda: announced() == [Announcement.WEBHOOK_SILENT])
    assert service.private.get("/ready").status_code == 200
