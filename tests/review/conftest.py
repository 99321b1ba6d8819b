"""A tracker's parts on SQLite, and the small steps that tests about reviews are made of."""

from __future__ import annotations

import asyncio

import pytest

from postflow.domain.standing import ReviewStatus
from postflow.store.database import Store
from postflow.store.flow_runs import claim_run
from postflow.tracker.deciding import decide_by_hand
from tests.factories import CLIENT
from tests.tracker.conftest import RUN, Scene, quiet_logs

__all__ = ["quiet_logs"]


class Review(Scene):
    """A scene in which people comment, set the Status and decide by hand."""

    def look(self) -> None:
        """Look at what is due by now."""
        asyncio.run(self.settler.look_at_due())

    def settle(self) -> None:
        """Settle what is in the inbox."""
        asyncio.run(self.settler.settle_events())

    def resumer_turn(self) -> None:
        """Let the resumer do what is due."""
        asyncio.run(self.resumer.run_once())

    def say(self, comment_id: str, text: str, **options: object) -> None:
        """Let somebody comment, and let PostFlow read it."""
        self.frameio.write(comment_id, text, **options)  # type: ignore[arg-type]  # handed on
        self.receive("comment.created", comment_id)
        self.settle()

    def change(self, comment_id: str, **update: object) -> None:
        """Change a comment on Frame.io, and let PostFlow read it."""
        self.frameio._change(comment_id, update)
        self.receive("comment.updated", comment_id)
        self.settle()

    def note_run(self) -> None:
        """Let the flow run that waits be the version's first attempt."""
        with self.store.writing() as session:
            claim_run(
                session,
                upload_id="clip",
                version=1,
                flow_run_id=RUN,
                lease_until=self.clock(),
                now=self.clock(),
            )

    def set_status(self, value: str) -> None:
        """Let the client set the Status, and let PostFlow read it."""
        self.frameio.set_status(value)
        self.receive("metadata.value.updated", "file-1", user=CLIENT)
        self.settle()

    def decide(self, verdict: ReviewStatus, reason: str = "seen together") -> None:
        """Let a person decide by hand."""
        with self.store.writing() as session:
            decide_by_hand(
                session,
                "clip",
                verdict=verdict,
                by="pat",
                reason=reason,
                settings=self.settings,
                now=self.clock(),
            )


@pytest.fixture
def review(sqlite_store: Store) -> Review:
    """Give a scene with one tracked video."""
    scene = Review(sqlite_store)
    scene.track()
    return scene
