"""A process that dies while it uploads and stacks a new version: Frame.io ends with one stack."""

from __future__ import annotations

import signal
from pathlib import Path

from postflow.store.uploads import load_upload
from postflow.submitting import read_video, register_videos
from postflow.versioning import Versioning
from tests.faults.uploads import PATIENCE, Studio, register

LEAST_STAGES, MOST_STAGES = 20, 64
AT_ONCE = 8


def test_version_killed_at_every_stage_is_stacked_once(studio: Studio) -> None:
    """Before each request and after each answer: kill -9, then another process finishes it."""
    killed: dict[str, Path] = {}
    olds: dict[str, str | None] = {}
    for first in range(1, MOST_STAGES, AT_ONCE):
        stages = range(first, first + AT_ONCE)
        uploads = [_register_first(studio, stage) for stage in stages]
        studio.upload(*uploads)
        olds |= {upload_id: _file_of(studio, upload_id) for upload_id in uploads}
        paths = [_add_version(studio, upload_id) for upload_id in uploads]
        processes = [
            studio.start(upload_id, stage=stage)
            for upload_id, stage in zip(uploads, stages, strict=True)
        ]
        ended = [each.wait(PATIENCE) for each in processes]
        assert set(ended) <= {0, -signal.SIGKILL}
        killed |= {
            upload_id: path
            for upload_id, path, end in zip(uploads, paths, ended, strict=True)
            if end
        }
        if 0 in ended:
            break
    assert LEAST_STAGES <= len(killed) < MOST_STAGES
    studio.upload(*killed)
    stacks = [stack["file_ids"] for stack in studio.frameio.state["version_stacks"]]
    for upload_id, path in killed.items():
        studio.assert_whole(upload_id, path)
        assert stacks.count([olds[upload_id], _file_of(studio, upload_id)]) == 1


def _register_first(studio: Studio, stage: int) -> str:
    return register(studio.store, studio.video(f"stage-{stage}.mp4", size=1_000))


def _add_version(studio: Studio, upload_id: str) -> Path:
    path = studio.video(f"{upload_id}-next.mp4", size=150_000)
    register_videos(
        studio.store,
        [read_video(studio.store, path)],
        batch_id=None,
        versioning=Versioning(settings=studio.settings, of=upload_id),
    )
    return path


def _file_of(studio: Studio, upload_id: str) -> str | None:
    with studio.store.reading() as session:
        return load_upload(session, upload_id).file_id
