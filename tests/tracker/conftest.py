"""A tracker's parts around a real store, a fake Frame.io and a fake Prefect."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import pytest
from sqlmodel import Session, select
from structlog.testing import capture_logs

from postflow.domain.people import Person
from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus, WaitKind
from postflow.notices import Receiver, Send
from postflow.settings import Settings
from postflow.store.database import Store
from postflow.store.inbox import Delivery, record_deliveries
from postflow.store.tables import (
    AnnouncementRow,
    DecisionRow,
    EventRow,
    UploadRow,
    WaitRow,
)
from postflow.store.uploads import load_upload
from postflow.store.waits import open_wait
from postflow.tracker.announcer import Announcer
from postflow.tracker.deciding import decide_by_hand
from postflow.tracker.notifier import Notifier
from postflow.tracker.outbox import Due, list_marked
from postflow.tracker.resumer import Resumer
from postflow.tracker.settling import Settler
from tests.factories import CLIENT, PROJECT, make_delivery, make_upload
from tests.tracker.fakes import FakeClock, FakeFrameio, RecordingFlowRuns

Row = TypeVar("Row", EventRow, DecisionRow)
RUN = "11111111-1111-4111-8111-111111111111"


@dataclass
class Scene:
    """One store with everything around it that the tracker talks to."""

    store: Store
    settings: Settings = field(default_factory=Settings)
    clock: FakeClock = field(default_factory=FakeClock)
    flow_runs: RecordingFlowRuns = field(default_factory=RecordingFlowRuns)
    frameio: FakeFrameio = field(init=False)
    notify: Send | None = None

    def __post_init__(self) -> None:
        """Start the parts of the tracker."""
        self.frameio = FakeFrameio(self.clock)
        self.start()

    def start(self, settings: Settings | None = None) -> None:
        """Start the parts of the tracker, or start them anew as after a crash."""
        self.settings = settings or self.settings
        self.settler = self.another_settler()
        self.resumer = Resumer(
            store=self.store,
            flow_runs=self.flow_runs,
            settings=self.settings,
            clock=self.clock,
        )
        receivers = [Receiver(key="k", label="test", send=self.notify)] if self.notify else []
        self.announcer = Announcer(
            store=self.store,
            flow_runs=self.flow_runs,
            clock=self.clock,
            notices=self.settings.notices,
            receivers=receivers,
        )
        self.notifier = Notifier(
            store=self.store,
            settings=self.settings.notices,
            receivers=receivers,
            clock=self.clock,
        )

    def tell(self) -> int:
        """Hand on what is announced and send the notices; return how many events arrived."""
        count = asyncio.run(self.announcer.run_once())
        asyncio.run(self.notifier.run_once())
        return count

    def another_settler(self) -> Settler:
        """Return a settler as a second replica would run it."""
        return Settler(
            store=self.store, frameio=self.frameio, settings=self.settings, clock=self.clock
        )

    def track(self, upload_id: str = "clip", file_id: str = "file-1", *, read: bool = True) -> None:
        """Put a reviewable file there and track it, with nothing due to be looked at."""
        self.frameio.add_file(file_id, name=f"{upload_id}.mp4")
        with self.store.writing() as session:
            upload = make_upload(
                session,
                upload_id,
                file_id=file_id,
                filename=f"{upload_id}.mp4",
                status=UploadStatus.UPLOADED,
                now=self.clock(),
            )
            upload.look_at = self.clock() if read else None

    def receive(
        self,
        event_type: str,
        resource_id: str,
        *,
        user: Person | None = CLIENT,
        project_id: str | None = PROJECT,
        times: int = 1,
    ) -> None:
        """Let the webhook route record a delivery now, as often as it came."""
        delivery = make_delivery(
            resource_id,
            event_type=event_type,
            user=user,
            project_id=project_id,
            at=self.clock(),
        )
        self.record([delivery] * times)

    def record(self, deliveries: Sequence[Delivery]) -> None:
        """Commit deliveries to the inbox."""
        with self.store.writing() as session:
            record_deliveries(session, deliveries)

    def decide(
        self,
        verdict: ReviewStatus = ReviewStatus.APPROVED,
        reason: str = "seen together",
        *,
        upload_id: str = "clip",
    ) -> list[Due]:
        """Let a person decide by hand, with the settings as they are; return who is due by that."""
        with self.store.writing() as session:
            decide_by_hand(
                session,
                upload_id,
                verdict=verdict,
                by="Ana",
                reason=reason,
                settings=self.settings,
                now=self.clock(),
            )
        return list_marked(session)

    def wait_for(
        self, kind: WaitKind = WaitKind.APPROVAL, *, upload_id: str = "clip", run: str = RUN
    ) -> int:
        """Let a flow run open a wait; return the wait's id."""
        review = self.settings.review
        with self.store.writing() as session:
            wait = open_wait(
                session,
                upload=load_upload(session, upload_id, lock=True),
                kind=kind,
                flow_run_id=run,
                now=self.clock(),
                timeout=review.ready_timeout if kind is WaitKind.READY else review.timeout,
            )
            return wait.id or 0

    def upload(self, upload_id: str = "clip") -> UploadRow:
        """Return the upload as it is now."""
        with self.store.reading() as session:
            return load_upload(session, upload_id)

    def wait(self, wait_id: int) -> WaitRow:
        """Return the wait as it is now."""
        with self.store.reading() as session:
            return session.get_one(WaitRow, wait_id)

    def events(self) -> list[EventRow]:
        """Return the inbox, oldest first."""
        with self.store.reading() as session:
            return _all(session, EventRow)

    def decisions(self) -> list[DecisionRow]:
        """Return all decisions, oldest first."""
        with self.store.reading() as session:
            return _all(session, DecisionRow)

    def announced(self) -> list[str]:
        """Return the kinds of all announcements, in the order they were made."""
        with self.store.reading() as session:
            rows = session.exec(select(AnnouncementRow)).all()
            return [row.kind for row in sorted(rows, key=lambda row: row.created_at)]


def _all(session: Session, table: type[Row]) -> list[Row]:
    return sorted(session.exec(select(table)).all(), key=lambda row: row.id or 0)


@pytest.fixture
def scene(store: Store) -> Scene:
    """Give a scene on each database, with default settings."""
    return Scene(store)


@pytest.fixture
def sqlite_scene(sqlite_store: Store) -> Scene:
    """Give a scene on SQLite alone, for what does not depend on the database."""
    return Scene(sqlite_store)


@pytest.fixture(autouse=True)
def quiet_logs() -> Iterator[None]:
    """Keep the log to ourselves: rendering tracebacks takes longer than the tests.

    It is shown, unrendered, where a test fails.
    """
    with capture_logs() as lines:
        yield
    print(*lines, sep="\n")
