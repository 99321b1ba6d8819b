"""A tracker's parts on SQLite, and the small steps that tests about reviews are made of."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from postflow.cli.main import run_program
from postflow.store.database import Store
from postflow.store.flow_runs import claim_run
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


@pytest.fixture
def review(sqlite_store: Store) -> Review:
    """Give a scene with one tracked video."""
    scene = Review(sqlite_store)
    scene.track()
    return scene


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What it printed as JSON."""
        return json.loads(self.out)


Postflow = Callable[..., Ran]


@pytest.fixture
def postflow(
    review: Review,
    sqlite_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Postflow:
    """Run a command on the store of the review, without anybody's configuration."""
    for name in [n for n in os.environ if n.startswith(("POSTFLOW_", "PREFECT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("POSTFLOW_DATABASE__URL", sqlite_url)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nowhere"))
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.chdir(tmp_path)
    assert review.store.address == sqlite_url

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        code = run_program(list(arguments))
        printed = capsys.readouterr()
        return Ran(code=code, out=printed.out, err=printed.err)

    return run
