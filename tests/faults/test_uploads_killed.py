"""Uploading processes that die, or that are two: Frame.io ends with the video exactly once."""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from postflow.clock import utc_now
from postflow.errors import ClaimLostError
from postflow.store import claims
from postflow.store.journal import upload_progress
from postflow.store.tables import UploadClaimRow
from tests.faults.uploads import PATIENCE, Studio, register, until, upload

LEAST_STAGES, MOST_STAGES = 12, 32
AT_ONCE = 4


def test_killed_at_every_stage_it_arrives_once(studio: Studio) -> None:
    """Before each request and after each answer: kill -9, then another process finishes it."""
    killed: dict[str, Path] = {}
    for first in range(1, MOST_STAGES, AT_ONCE):
        stages = range(first, first + AT_ONCE)
        paths = [studio.video(f"stage-{stage}.mp4", size=200_000) for stage in stages]
        uploads = {register(studio.store, path): path for path in paths}
        processes = [
            studio.start(upload_id, stage=stage)
            for upload_id, stage in zip(uploads, stages, strict=True)
        ]
        ended = [each.wait(PATIENCE) for each in processes]
        killed |= {
            id_: path for (id_, path), end in zip(uploads.items(), ended, strict=True) if end
        }
        assert set(ended) <= {0, -signal.SIGKILL}
        if 0 in ended:
            break
    assert LEAST_STAGES <= len(killed) < MOST_STAGES
    studio.upload(*killed)
    for upload_id, path in killed.items():
        studio.assert_whole(upload_id, path)


def test_finished_parts_are_not_sent_again(studio: Studio) -> None:
    """What Frame.io took before the kill stays taken, at the same addresses."""
    path = studio.video(size=1_000_000)
    upload_id = register(studio.store, path)
    studio.frameio.fault("slow", method="PUT", path="*part_7*", seconds=PATIENCE)
    process = studio.start(upload_id)
    asyncio.run(until(lambda: _progress(studio, upload_id) >= 0.5))
    process.kill()
    process.wait(PATIENCE)
    studio.frameio.order("DELETE", "/faults")
    before, finished = len(studio.frameio.calls("PUT")), _progress(studio, upload_id)
    studio.upload(upload_id)
    studio.assert_whole(upload_id, path)
    assert len(studio.frameio.calls("PUT")) - before == round(10 * (1 - finished))


def test_two_processes_upload_one_file(studio: Studio) -> None:
    """Both end well, and the second finds the work of the first."""
    path = studio.video(size=2_000_000)
    upload_id = register(studio.store, path)
    processes = [studio.start(upload_id) for _ in range(2)]
    assert [each.wait(PATIENCE) for each in processes] == [0, 0]
    studio.assert_whole(upload_id, path)
    assert len(studio.frameio.calls("POST", "*local_upload")) == 1


def test_process_that_was_replaced_stops(studio: Studio) -> None:
    """A process whose claim went to another one ends with a sentence and writes nothing more."""
    path = studio.video()
    upload_id = register(studio.store, path)
    studio.frameio.fault("slow", method="PUT", path="*part_1?*", seconds=PATIENCE)

    async def be_replaced() -> None:
        slow = asyncio.create_task(upload(studio.store, studio.settings, upload_id))
        await until(lambda: studio.files(path.name))
        with studio.store.writing() as session:
            session.get_one(UploadClaimRow, upload_id).holder = "another process"
        await asyncio.wait_for(slow, PATIENCE)

    with pytest.raises(ClaimLostError, match="Another process has taken over the upload of cut"):
        asyncio.run(be_replaced())
    assert len(studio.files(path.name)) == 1


def test_leftover_goes_and_the_neighbour_stays(studio: Studio) -> None:
    """Of two empty files alike, the killed upload's is deleted, the other upload's is filled."""
    killed, living = _twins(studio)
    studio.frameio.fault("slow", method="PUT", path="*part_1?*", seconds=2.0)

    async def upload_both() -> None:
        neighbour = asyncio.create_task(upload(studio.store, studio.settings, living))
        await until(lambda: len(studio.files("cut.mp4")) > 1)
        await upload(studio.store, studio.settings, killed)
        await neighbour

    asyncio.run(upload_both())
    assert [each["state"] for each in studio.files("cut.mp4")] == ["uploaded"] * 2
    assert len(studio.frameio.calls("DELETE")) == 1


def test_neighbour_that_just_asks_is_waited_for(studio: Studio) -> None:
    """While another upload has no answer yet, one of the empty files may be its own."""
    killed, living = _twins(studio)
    now, lease = utc_now(), timedelta(seconds=60)
    asked = claims.AskedFor(folder_id=studio.frameio.root, name="cut.mp4", size=450_000, since=now)
    with studio.store.writing() as session:
        claims.take_claim(session, living, holder="living", now=now, lease=lease)
        claims.record_asking(session, living, holder="living", asked=asked)
    [orphan] = studio.files("cut.mp4")
    with studio.store.reading() as session:
        while_it_asks, when_it_is_dead = (
            claims.find_orphans(session, killed, [orphan["id"]], asked=asked, now=moment)
            for moment in (now, now + lease)
        )
    assert while_it_asks is None
    assert when_it_is_dead == frozenset([orphan["id"]])


def _progress(studio: Studio, upload_id: str) -> float:
    with studio.store.reading() as session:
        return upload_progress(session, upload_id)


def _twins(studio: Studio) -> tuple[str, str]:
    """Return two uploads of one name and size, the first killed before it read its answer."""
    uploads = []
    for folder in ("one", "two"):
        (studio.folder / folder).mkdir()
        path = Path(folder) / "cut.mp4"
        uploads.append(register(studio.store, studio.video(str(path)), upload_id=folder))
    ended = studio.start(uploads[0], stage="answer POST").wait(PATIENCE)
    assert ended == -signal.SIGKILL
    return uploads[0], uploads[1]
