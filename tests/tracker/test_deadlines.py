"""Deadlines: the tracker's clock, counted from the commit of the wait, each only once."""

from __future__ import annotations

import asyncio

import pytest

from postflow.domain.uploads import WaitKind
from postflow.store.batches import record_batch
from postflow.store.waits import close_wait
from tests.factories import make_settings
from tests.tracker.conftest import RUN, Scene

DAY = 86_400


def resume(scene: Scene) -> None:
    """Let the resumer do one round."""
    asyncio.run(scene.resumer.run_once())


def close(scene: Scene, wait_id: int) -> str | None:
    """Let the flow ask for its answer."""
    with scene.store.writing() as session:
        return close_wait(session, wait_id, review=scene.settings.review, now=scene.clock())


def test_file_that_never_gets_ready_fails(scene: Scene) -> None:
    """After `ready_timeout` the upload fails with a sentence, and its flow run is woken."""
    scene.track(read=False)
    wait_id = scene.wait_for(WaitKind.READY)
    scene.clock.advance(2 * 3600 - 1)
    resume(scene)
    assert scene.upload().status == "uploaded"
    scene.clock.advance(1)
    resume(scene)
    assert scene.upload().status == "failed"
    assert scene.upload().failure == (
        "clip.mp4 was not ready on Frame.io after 120 minutes; look at it there, and run it again."
    )
    assert scene.flow_runs.resumed == [RUN]
    assert close(scene, wait_id) == "failed"
    assert scene.announced() == ["failed"]


@pytest.mark.parametrize(
    ("policy", "outcome", "announced"),
    [
        ("fail", "timed_out", ["timed-out"]),
        ("reject", "rejected", ["timed-out", "rejected"]),
        ("keep_waiting", None, ["timed-out"]),
    ],
)
def test_silence_ends_as_configured(
    scene: Scene, policy: str, outcome: str | None, announced: list[str]
) -> None:
    """After `review.timeout` the wait fails, rejects or goes on; people are told in any case."""
    scene.start(make_settings(timeout=DAY, on_timeout=policy))
    scene.track()
    wait_id = scene.wait_for()
    scene.clock.advance(DAY)
    resume(scene)
    assert close(scene, wait_id) == outcome
    assert scene.announced() == announced
    assert scene.flow_runs.resumed == ([RUN] if outcome else [])


def test_keep_waiting_still_hears_the_verdict(scene: Scene) -> None:
    """A wait that goes on after its deadline ends with the approval that comes later."""
    scene.start(make_settings(timeout=DAY, on_timeout="keep_waiting"))
    scene.track()
    wait_id = scene.wait_for()
    for _ in range(3):
        scene.clock.advance(DAY)
        resume(scene)
    assert scene.announced() == ["timed-out"]
    scene.decide()
    resume(scene)
    assert scene.flow_runs.resumed == [RUN]
    assert close(scene, wait_id) == "approved"


def test_wait_times_out_only_once(scene: Scene) -> None:
    """However often the resumer looks, a deadline passes once."""
    scene.start(make_settings(timeout=DAY))
    scene.track()
    scene.wait_for()
    scene.clock.advance(DAY)
    for _ in range(5):
        resume(scene)
        scene.clock.advance(61)
    assert scene.announced() == ["timed-out"]


def test_verdict_before_deadline_prevents_timeout(scene: Scene) -> None:
    """A version that was approved in time never counts as late, however late its run wakes."""
    scene.start(make_settings(timeout=DAY))
    scene.track()
    wait_id = scene.wait_for()
    scene.decide()
    scene.clock.advance(2 * DAY)
    resume(scene)
    assert "timed-out" not in scene.announced()
    assert scene.wait(wait_id).timed_out_at is None
    assert close(scene, wait_id) == "approved"


def test_reopened_wait_keeps_its_deadline(scene: Scene) -> None:
    """A resumed run that opens its wait again gets no more patience."""
    scene.start(make_settings(timeout=DAY))
    scene.track()
    first = scene.wait_for()
    scene.clock.advance(DAY / 2)
    again = scene.wait_for()
    assert again == first
    scene.clock.advance(DAY / 2)
    resume(scene)
    assert scene.announced() == ["timed-out"]


def test_batch_is_decided_by_its_last_video(scene: Scene) -> None:
    """A batch is announced once, when its last video is approved, refused, late or gone."""
    scene.start(make_settings(timeout=DAY))
    for upload_id, file_id in (("clip", "file-1"), ("late", "file-2")):
        scene.track(upload_id, file_id)
    with scene.store.writing() as session:
        record_batch(session, batch_id="b", upload_ids=["clip", "late"], now=scene.clock())
    scene.wait_for(upload_id="late")
    scene.decide()
    assert "batch-decided" not in scene.announced()
    scene.clock.advance(DAY)
    resume(scene)
    resume(scene)
    assert scene.announced().count("batch-decided") == 1
