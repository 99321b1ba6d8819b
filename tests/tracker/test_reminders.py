"""Reminders and escalation: by the tracker's clock, once each, until somebody decides."""

from __future__ import annotations

import asyncio

import pytest
from sqlmodel import select

from postflow.domain.runs import RunState
from postflow.domain.standing import ReviewStatus
from postflow.store.flow_runs import claim_run
from postflow.store.review_deadlines import list_due_deadlines
from postflow.store.tables import AnnouncementRow
from postflow.store.uploads import load_upload, load_version
from postflow.store.versions import NewVersion, begin_version
from postflow.tracker.deciding import cancel_upload
from tests.factories import make_settings
from tests.tracker.conftest import RUN, Scene

HOUR = 3_600
REMINDING = make_settings(remind_after=[HOUR, 5 * HOUR], escalate_after=8 * HOUR)


@pytest.fixture
def waiting(scene: Scene) -> Scene:
    """Give a scene in which a flow run waits for the reviewers of one video."""
    scene.start(REMINDING)
    scene.track()
    scene.wait_for()
    return scene


def pass_hours(scene: Scene, *hours: float) -> None:
    """Let time pass in steps, with the tracker awake after each."""
    for each in hours:
        scene.clock.advance(each * HOUR)
        asyncio.run(scene.resumer.run_once())


def test_each_reminder_comes_at_its_time(waiting: Scene) -> None:
    """Silence is counted from the commit of the wait, not from the tracker's last look."""
    pass_hours(waiting, 0.99)
    assert waiting.announced() == []
    pass_hours(waiting, 0.01)
    assert waiting.announced() == ["reminder"]
    pass_hours(waiting, 4)
    assert waiting.announced() == ["reminder", "reminder"]


def test_reminder_says_how_long_and_how_often(waiting: Scene) -> None:
    """Whoever is reminded learns since when, and which reminder it is."""
    pass_hours(waiting, 1)
    with waiting.store.reading() as session:
        told = session.exec(select(AnnouncementRow)).one().payload
    assert (told["waited_seconds"], told["number"], told["of"]) == (HOUR, 1, 2)
    assert told["since"] == "2026-03-02T09:00:00+00:00"


def test_restart_neither_repeats_nor_forgets(waiting: Scene) -> None:
    """What was sent is in the store, and so is what is still to come."""
    for _ in range(3):
        waiting.start()
        pass_hours(waiting, 0.5)
    assert waiting.announced() == ["reminder"]
    waiting.start()
    pass_hours(waiting, 4)
    assert waiting.announced() == ["reminder", "reminder"]


def test_missed_reminders_come_as_one(waiting: Scene) -> None:
    """After seven hours of standing still one reminder is sent, the newest."""
    pass_hours(waiting, 7)
    assert waiting.announced() == ["reminder"]


def test_escalation_comes_once(waiting: Scene) -> None:
    """Others than before are told when it takes too long, and not again every hour."""
    pass_hours(waiting, 1, 5, 2, 5, 5)
    assert waiting.announced() == ["reminder", "reminder", "escalated"]


@pytest.mark.parametrize("verdict", [ReviewStatus.APPROVED, ReviewStatus.REJECTED])
def test_decision_disarms_the_reminders(waiting: Scene, verdict: ReviewStatus) -> None:
    """Nobody is reminded of what they have decided."""
    waiting.decide(verdict)
    pass_hours(waiting, 9)
    assert waiting.announced() == [verdict]


def test_withdrawn_decision_counts_anew(waiting: Scene) -> None:
    """Reviewers who are asked again are given the same time again."""
    pass_hours(waiting, 1)
    waiting.decide(ReviewStatus.REJECTED)
    pass_hours(waiting, 3)
    waiting.decide(ReviewStatus.PENDING)
    pass_hours(waiting, 0.5)
    assert waiting.announced() == ["reminder", "rejected"]
    pass_hours(waiting, 0.5)
    assert waiting.announced() == ["reminder", "rejected", "reminder"]


def test_new_round_counts_anew(waiting: Scene) -> None:
    """A new version's silence begins with its own wait; the old one is reminded of no more."""
    pass_hours(waiting, 1)
    with waiting.store.writing() as session:
        upload = load_upload(session, "clip", lock=True)
        new = NewVersion(filename="clip_v2.mp4", file_id="file-2")
        begin_version(session, upload, new, review=REMINDING.review, now=waiting.clock())
    pass_hours(waiting, 8)
    assert waiting.announced() == ["reminder", "new-round"]
    waiting.wait_for()
    pass_hours(waiting, 1)
    assert waiting.announced() == ["reminder", "new-round", "reminder"]


def test_cancelled_upload_reminds_nobody(waiting: Scene) -> None:
    """What was given up needs no reviewers."""
    with waiting.store.writing() as session:
        cancel_upload(session, "clip", settings=waiting.settings, now=waiting.clock())
    pass_hours(waiting, 9)
    assert waiting.announced() == []
    with waiting.store.reading() as session:
        assert list_due_deadlines(session, now=waiting.clock()) == []


def test_run_that_is_gone_reminds_nobody(waiting: Scene) -> None:
    """When the flow run was cancelled in Prefect nobody waits any more."""
    with waiting.store.writing() as session:
        claim_run(
            session,
            upload_id="clip",
            version=1,
            flow_run_id=RUN,
            lease_until=waiting.clock(),
            now=waiting.clock(),
        )
    waiting.resumer._outbox.abandon(RUN, RunState.CANCELLED)
    pass_hours(waiting, 9)
    assert waiting.announced() == []


def test_new_settings_hold_for_those_who_wait(scene: Scene) -> None:
    """A reminder that is configured later is sent for waits that are there already."""
    scene.track()
    scene.wait_for()
    pass_hours(scene, 0)
    scene.start(REMINDING)
    pass_hours(scene, 1)
    assert scene.announced() == ["reminder"]


def test_video_without_flow_run_is_counted_from_ready(scene: Scene) -> None:
    """What a script tracks is reminded of like the rest, from when reviewers could watch it."""
    scene.start(REMINDING)
    scene.track(read=False)
    scene.clock.advance(HOUR)
    asyncio.run(scene.settler.look_at("file-1"))
    pass_hours(scene, 0.9)
    assert scene.announced() == ["ready"]
    pass_hours(scene, 0.1, 7)
    assert scene.announced() == ["ready", "reminder", "reminder", "escalated"]


@pytest.mark.parametrize(
    ("policy", "status"), [("fail", "pending"), ("reject", "rejected"), ("keep_waiting", "pending")]
)
def test_video_without_flow_run_times_out(scene: Scene, policy: str, status: str) -> None:
    """The deadline of a script's video passes once, and a rejection is put on record."""
    scene.start(make_settings(timeout=2 * HOUR, on_timeout=policy))
    scene.track(read=False)
    asyncio.run(scene.settler.look_at("file-1"))
    pass_hours(scene, 1, 1, 1, 24)
    assert scene.announced().count("timed-out") == 1
    assert scene.upload().review_status == status


def test_nobody_is_reminded_of_what_silence_ended(scene: Scene) -> None:
    """A tracker that was away for a day tells people of the end, not of what came before it."""
    scene.start(
        make_settings(
            timeout=24 * HOUR,
            on_timeout="reject",
            remind_after=[12 * HOUR],
            escalate_after=20 * HOUR,
        )
    )
    scene.track(read=False)
    asyncio.run(scene.settler.look_at("file-1"))
    pass_hours(scene, 25)
    told = [each for each in scene.announced() if each != "ready"]
    assert sorted(told) == ["rejected", "timed-out"]


def test_broken_upload_keeps_nobody_else_waiting(waiting: Scene) -> None:
    """Whatever is wrong with one upload's rows, the others are reminded and woken."""
    waiting.track("other", "file-2")
    other = waiting.wait_for(upload_id="other")
    with waiting.store.writing() as session:
        session.delete(load_version(session, load_upload(session, "clip")))
    pass_hours(waiting, 1)
    assert waiting.announced() == ["reminder"]
    with waiting.store.writing() as session:
        cancel_upload(session, "other", settings=waiting.settings, now=waiting.clock())
    pass_hours(waiting, 0)
    assert waiting.wait(other).attempts == 1
