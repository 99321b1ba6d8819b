"""An approved video on a small scale: a real store, a real file, a folder to deliver to."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from postflow.clock import utc_now
from postflow.delivery.delivering import Delivered, deliver
from postflow.domain.announcements import Announcement
from postflow.domain.standing import ReviewStatus
from postflow.errors import NotFoundError
from postflow.settings import Settings
from postflow.settings.sections import PostProcessingSettings
from postflow.store.database import Store
from postflow.store.deliveries import load_delivery
from postflow.store.tables import AnnouncementRow, DeliveryRow
from postflow.store.uploads import load_upload, load_version, register_upload
from postflow.tracker.deciding import decide_by_hand
from tests.factories import NOW
from tests.flows.videos import Videos

Fetch = Callable[[str, Path], tuple[str, int]]


@dataclass(kw_only=True)
class Room:
    """Where videos are approved and delivered."""

    store: Store
    videos: Videos
    folder: Path
    originals: dict[str, Path] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    profile: tuple[str, ...] = ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")

    @property
    def settings(self) -> Settings:
        """Settings with a quick profile."""
        post = PostProcessingSettings(output_dir=self.folder, profile=self.profile)
        return Settings(post_processing=post)

    def approve(self, upload_id: str, path: Path) -> Path:
        """Register a file as uploaded and approved; Frame.io keeps a copy of it."""
        content = path.read_bytes()
        original = path.with_name(f"{upload_id}.original")
        shutil.copy(path, original)
        self.originals[f"file-{upload_id}"] = original
        with self.store.writing() as session:
            upload = register_upload(
                session,
                upload_id=upload_id,
                filename=path.name,
                file_id=f"file-{upload_id}",
                path=str(path),
                sha256=hashlib.sha256(content).hexdigest(),
                size=len(content),
                now=NOW,
            )
            load_version(session, upload).uploaded_at = NOW
        self.decide(upload_id, ReviewStatus.APPROVED)
        return path

    def decide(self, upload_id: str, verdict: ReviewStatus) -> None:
        """Let a person decide."""
        with self.store.writing() as session:
            decide_by_hand(
                session,
                upload_id,
                verdict=verdict,
                by="Cleo",
                reason="seen it",
                settings=self.settings,
                now=utc_now(),
            )

    def fetch(self, file_id: str, target: Path) -> tuple[str, int]:
        """Fetch an original as Frame.io would; without one, fail as it would."""
        self.fetched.append(file_id)
        original = self.originals.get(file_id)
        if original is None:
            raise NotFoundError(f"Frame.io has no file {file_id}.", status_code=404)
        shutil.copy(original, target)
        content = target.read_bytes()
        return hashlib.sha256(content).hexdigest(), len(content)

    def deliver(self, upload_id: str, *, fetch: Fetch | None = None) -> Delivered | None:
        """Deliver as the flow does."""
        return deliver(
            self.store,
            upload_id,
            settings=self.settings,
            claimed_by="a-flow-run",
            fetch=fetch or self.fetch,
        )

    def hand_over(self, upload_id: str, started: list[dict[str, Any]]) -> Delivered | None:
        """Deliver by the user's own deployment, which only keeps what it is given."""
        return deliver(
            self.store,
            upload_id,
            settings=self.settings,
            claimed_by="a-flow-run",
            fetch=self.fetch,
            start=started.append,
        )

    def visible(self) -> set[str]:
        """Return the names that somebody who looks into the folder sees."""
        if not self.folder.is_dir():
            return set()
        return {path.name for path in self.folder.iterdir() if not path.name.startswith(".")}

    def hidden(self) -> set[str]:
        """Return the names that are left out of sight."""
        return {path.name for path in self.folder.iterdir() if path.name.startswith(".")}

    def row(self, upload_id: str) -> DeliveryRow:
        """Return what the store says of the delivery."""
        with self.store.reading() as session:
            upload = load_upload(session, upload_id)
            found = load_delivery(session, upload_id, upload.version)
        assert found is not None
        return found

    def forget_completion(self, upload_id: str) -> None:
        """Put the store back to where a crash between rename and commit leaves it."""
        with self.store.writing() as session:
            row = session.get_one(DeliveryRow, self.row(upload_id).id)
            row.delivered_at = row.path = row.sha256 = row.manifest = None
            told = select(AnnouncementRow).where(AnnouncementRow.kind == Announcement.DELIVERED)
            session.delete(session.exec(told).one())


@pytest.fixture
def room(sqlite_store: Store, tmp_path: Path) -> Room:
    """Give an empty room; its output folder does not exist yet."""
    return Room(
        store=sqlite_store, videos=Videos(tmp_path / "masters"), folder=tmp_path / "delivered"
    )
