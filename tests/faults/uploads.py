"""Uploading registered videos to the simulated Frame.io through a real store.

As a program: `python -m tests.faults.uploads ADDRESS STORE UPLOAD [STAGE]` uploads one video and,
at the given stage, kills itself as kill -9 would. A stage is a number, counted over requests and
answers, or the first of its kind, such as "answer POST".
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from postflow.clock import utc_now
from postflow.domain.uploads import UploadStatus
from postflow.frameio.opening import open_frameio
from postflow.settings import Settings
from postflow.settings.sections import DatabaseSettings, FrameioSettings, TrackerSettings
from postflow.store.database import Store, open_store
from postflow.store.uploads import load_upload, register_upload
from postflow.submitting import read_video
from postflow.uploading import upload_video

if TYPE_CHECKING:  # the program is started often, and the simulator takes long to import
    from tests.frameio.simulated import Simulated

LEASE = 0.6  # seconds; what a killed process leaves behind is taken over this soon
PATIENCE = 60.0


def settings_of(address: str, url: str, **frameio: object) -> Settings:
    """Return settings for a simulated Frame.io and a store."""
    wishes = {"base_url": address, "token": "postflow", "respect_rate_limits": False, **frameio}
    return Settings(
        frameio=FrameioSettings.model_validate(wishes),
        database=DatabaseSettings(url=url),
        tracker=TrackerSettings.model_validate({"lease": LEASE, "lease_renewal": LEASE / 6}),
    )


def register(store: Store, path: Path, *, upload_id: str | None = None) -> str:
    """Register a video under its name, as `postflow run` does."""
    video = read_video(store, path)
    with store.writing() as session:
        return register_upload(
            session,
            upload_id=upload_id or path.stem,
            filename=path.name,
            path=str(path),
            sha256=video.sha256,
            now=utc_now(),
        ).upload_id


@dataclass(frozen=True, kw_only=True)
class Studio:
    """A store, a simulated Frame.io and a folder of videos."""

    frameio: Simulated
    store: Store
    url: str
    folder: Path

    @property
    def settings(self) -> Settings:
        """The settings of every process of this studio."""
        return self.settings_with()

    def settings_with(self, **frameio: object) -> Settings:
        """Return the same settings with some differences."""
        return settings_of(self.frameio.address, self.url, **frameio)

    def video(self, name: str = "cut.mp4", *, size: int = 450_000) -> Path:
        """Write a new video of random bytes."""
        path = self.folder / name
        path.write_bytes(os.urandom(size))
        return path

    def upload(self, *upload_ids: str, **frameio: object) -> None:
        """Upload in this process, all at the same time and each with a client of its own."""
        settings = self.settings_with(**frameio)

        async def run() -> None:
            await asyncio.gather(*(upload(self.store, settings, each) for each in upload_ids))

        asyncio.run(run())

    def start(self, upload_id: str, *, stage: int | str = 0) -> subprocess.Popen[bytes]:
        """Upload in a process of its own, which kills itself at the stage."""
        return subprocess.Popen(  # noqa: S603 -- our own interpreter and module
            [
                *(sys.executable, "-m", "tests.faults.uploads"),
                *(self.frameio.address, self.url, upload_id, str(stage)),
            ]
        )

    def files(self, name: str) -> list[Any]:
        """List what Frame.io holds under a name, unfinished files too."""
        return [each for each in self.frameio.state["files"] if each["name"] == name]

    def assert_whole(self, upload_id: str, path: Path) -> None:
        """Check that Frame.io holds the video's bytes exactly once, and that the store says so."""
        [there] = self.files(path.name)
        assert there["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        with self.store.reading() as session:
            row = load_upload(session, upload_id)
        assert (row.status, row.file_id) == (UploadStatus.UPLOADED, there["id"])


async def until(condition: Callable[[], object]) -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 -- another process sets it
            await asyncio.sleep(0.01)


async def upload(
    store: Store,
    settings: Settings,
    upload_id: str,
    *,
    hook: Callable[[str], None] | None = None,
) -> None:
    """Upload one video; `hook` is told of each request and each answer, as "answer POST"."""
    async with open_frameio(settings.frameio) as frameio:
        if hook is not None:
            frameio.http.event_hooks = _calling(hook)
        await upload_video(store, frameio, settings, upload_id)


def _calling(hook: Callable[[str], None]) -> dict[str, list[Callable[..., Any]]]:
    async def on_request(request: httpx.Request) -> None:
        hook(f"request {request.method}")

    async def on_answer(answer: httpx.Response) -> None:
        hook(f"answer {answer.request.method}")

    return {"request": [on_request], "response": [on_answer]}


def _main(address: str, url: str, upload_id: str, stage: str) -> None:
    seen = itertools.count(1)

    def die_at_stage(kind: str) -> None:
        if stage in (kind, str(next(seen))):
            os.kill(os.getpid(), signal.SIGKILL)

    store = open_store(url)
    asyncio.run(upload(store, settings_of(address, url), upload_id, hook=die_at_stage))
    store.close()


if __name__ == "__main__":
    _main(*sys.argv[1:])
