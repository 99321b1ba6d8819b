"""A store, a simulated Frame.io and the tracker's settler, to play rounds without Prefect."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlmodel import col, select

from postflow.clock import utc_now
from postflow.delivery.delivering import Delivered, deliver
from postflow.domain.uploads import WaitKind, WaitOutcome
from postflow.frameio.client import FrameioClient
from postflow.frameio.opening import open_frameio
from postflow.settings import Settings
from postflow.settings.sections import ReviewSettings
from postflow.simulator.records import Happening
from postflow.simulator.serving import RunningSimulator
from postflow.store.database import Store
from postflow.store.flow_runs import claim_run
from postflow.store.inbox import Delivery, record_deliveries
from postflow.store.tables import AnnouncementRow, UploadRow, VersionRow, WaitRow
from postflow.store.uploads import load_upload
from postflow.store.waits import close_wait, open_wait
from postflow.submitting import read_video, register_videos
from postflow.tracker.settling import Settler
from postflow.uploading import upload_video
from postflow.versioning import Versioning
from tests.flows.videos import Videos

PATIENCE = 20.0  # seconds
RUN = "11111111-1111-4111-8111-111111111111"


@dataclass
class Rounds:
    """One video's way from version to version."""

    simulator: RunningSimulator
    store: Store
    settings: Settings
    folder: Path
    later: timedelta = timedelta(0)
    hears: bool = True

    def __post_init__(self) -> None:
        """Listen to what a webhook would tell."""
        self.simulator.world.listeners.append(self._hear)

    def now(self) -> Any:
        """Return the moment that the tracker believes it is."""
        return utc_now() + self.later

    def settings_with(self, **review: Any) -> Settings:
        """Return the settings with another review section."""
        return self.settings.model_copy(update={"review": ReviewSettings(**review)})

    def video(self, name: str) -> Path:
        """Write a file of its own bytes."""
        path = self.folder / name
        path.write_bytes(os.urandom(4_000))
        return path

    def playable(self, name: str) -> Path:
        """Write a real video, for tests that deliver it."""
        return Videos(self.folder).make(name)

    def register(self, path: Path, *, of: str | None = None, project: str | None = None) -> str:
        """Register a file as `postflow run` does."""
        (upload_id,) = register_videos(
            self.store,
            [read_video(self.store, path)],
            batch_id=None,
            project_id=project,
            versioning=Versioning(settings=self.settings, of=of),
        )
        return upload_id

    def upload(self, upload_id: str) -> None:
        """Bring the current version to Frame.io, in this process."""
        self.call(lambda frameio: upload_video(self.store, frameio, self.settings, upload_id))

    def submit(self, path: Path, *, of: str | None = None) -> str:
        """Register and upload a file, and let the tracker see it ready."""
        upload_id = self.register(path, of=of)
        self.upload(upload_id)
        self.settle_until(lambda: self.row(upload_id).status == "ready")
        return upload_id

    def call(self, use: Callable[[FrameioClient], Awaitable[object]]) -> None:
        """Do something with a client of its own."""

        async def run() -> None:
            async with open_frameio(self.settings.frameio) as frameio:
                await use(frameio)

        asyncio.run(run())

    def settle(self, *, times: int = 3) -> None:
        """Let the tracker settle the inbox and look at what is due, until it is quiet."""

        async def work(frameio: FrameioClient) -> None:
            settler = self.settler(frameio)
            for _ in range(times):
                await settler.settle_events()
                await settler.look_at_due()

        self.call(work)

    def settle_until_ready(self, upload_id: str, *, version: int) -> None:
        """Let the tracker work until this version can be watched."""

        def is_ready() -> bool:
            row = self.row(upload_id)
            return (row.version, row.status) == (version, "ready")

        self.settle_until(is_ready)

    def settle_until_reviewed(self, upload_id: str, status: str) -> None:
        """Let the tracker work until the review has this status."""
        self.settle_until(lambda: self.row(upload_id).review_status == status)

    def settle_until(self, condition: Callable[[], bool]) -> None:
        """Let the tracker work, a second later each time, until the condition holds."""
        ends_at = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < ends_at, "it did not happen"
            self.settle(times=1)
            self.later += timedelta(seconds=1)

    def settler(self, frameio: FrameioClient) -> Settler:
        """Return a settler as one process of the service runs it."""
        return Settler(store=self.store, frameio=frameio, settings=self.settings, clock=self.now)

    def poll(self) -> None:
        """Let the time pass until every file is looked at again, and look."""
        self.later += self.settings.tracker.poll_every * 7
        self.settle()

    def order(self, verb: str, route: str, /, **body: Any) -> Any:
        """Use a control route of the simulated Frame.io."""
        url = f"{self.simulator.base_url}/_sim{route}"
        answer = httpx.request(verb, url, json=body, trust_env=False)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def say(self, file: str, text: str, *, who: str = "julie@client.example") -> None:
        """Let a reviewer comment on a file, given by id or name."""
        self.order("POST", f"/files/{file}/comments", **{"as": who, "text": text})

    def stack_by_hand(self, file: str, name: str, **more: Any) -> str:
        """Let somebody stack a new version in Frame.io's own interface; return its file id."""
        body = {"as": "ed@studio.example", "file_name": name, **more}
        return str(self.order("POST", f"/files/{file}/versions", **body)["id"])

    def stacks(self) -> list[list[str]]:
        """Return the files of every version stack, oldest first."""
        stacks = self.order("GET", "/state")["version_stacks"]
        return [list(stack["file_ids"]) for stack in stacks]

    def wait_for(self, upload_id: str, kind: WaitKind = WaitKind.APPROVAL) -> int:
        """Let the flow run wait; return the wait's id."""
        with self.store.writing() as session:
            upload = load_upload(session, upload_id, lock=True)
            now = self.now()
            claim_run(
                session,
                flow_run_id=RUN,
                upload_id=upload_id,
                version=upload.version,
                lease_until=now,
                now=now,
            )
            wait = open_wait(
                session, upload=upload, kind=kind, flow_run_id=RUN, now=now, timeout=None
            )
            return wait.id or 0

    def close(self, wait_id: int) -> WaitOutcome | None:
        """Let the woken flow run close its wait."""
        with self.store.writing() as session:
            return close_wait(session, wait_id, review=self.settings.review, now=self.now())

    def wait(self, wait_id: int) -> WaitRow:
        """Return the wait as it is now."""
        with self.store.reading() as session:
            return session.get_one(WaitRow, wait_id)

    def row(self, upload_id: str) -> UploadRow:
        """Return the upload as it is now."""
        with self.store.reading() as session:
            return load_upload(session, upload_id)

    def versions(self, upload_id: str) -> list[VersionRow]:
        """Return the upload's versions, oldest first."""
        with self.store.reading() as session:
            mine = select(VersionRow).where(VersionRow.upload_id == upload_id)
            return list(session.exec(mine.order_by(col(VersionRow.version))))

    def announced(self, kind: str) -> list[AnnouncementRow]:
        """Return the announcements of this kind, oldest first."""
        with self.store.reading() as session:
            same = select(AnnouncementRow).where(AnnouncementRow.kind == kind)
            return list(session.exec(same.order_by(col(AnnouncementRow.created_at))))

    def deliver(self, upload_id: str) -> Delivered | None:
        """Deliver the current version as the flow run would."""

        def fetch(file_id: str, target: Path) -> tuple[str, int]:
            found = []

            async def download(frameio: FrameioClient) -> None:
                file = await frameio.download_original(file_id, target)
                found.append((file.sha256, file.size))

            self.call(download)
            return found[0]

        return deliver(self.store, upload_id, settings=self.settings, claimed_by=RUN, fetch=fetch)

    def _hear(self, happening: Happening) -> None:
        if not self.hears:
            return
        delivery = Delivery(
            body=b"{}",
            request_timestamp="0",
            received_at=self.now(),
            event_type=happening.type,
            resource_type=happening.resource_type,
            resource_id=happening.resource_id,
            project_id=happening.project_id,
            user_id=happening.user.id,
        )
        with self.store.writing() as session:
            record_deliveries(session, [delivery])
