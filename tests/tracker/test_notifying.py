"""Notices: one per batch and event, on record before they are sent, never repeated by a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from postflow.domain.announcements import Announcement
from postflow.errors import NoticeError
from postflow.notices import make_receivers
from postflow.settings import Settings
from postflow.settings.sections import NoticeSettings
from postflow.store.announcements import announce
from postflow.store.batches import record_batch
from postflow.store.notices import dismiss_notice, list_notices, resend_notice
from postflow.store.uploads import load_upload
from postflow.store.view_types import NoticeView
from postflow.store.views import tracking_stats
from postflow.tracker.announcer import Announcer
from postflow.tracker.notifier import Notifier
from tests.receivers import NoticeReceiver, receiving_notices
from tests.tracker.conftest import Scene

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
NAMES = [f"clip-{number}" for number in range(12)]


@pytest.fixture
def receiver() -> Iterator[NoticeReceiver]:
    """Give a real receiver of notices."""
    with receiving_notices() as receiver:
        yield receiver


@pytest.fixture
def told(scene: Scene, receiver: NoticeReceiver) -> Scene:
    """Give a scene whose notices go to the receiver, with a batch of twelve videos."""
    for name in NAMES:
        scene.track(name, f"file-{name}")
    with scene.store.writing() as session:
        record_batch(session, batch_id="week-47", upload_ids=NAMES, now=scene.clock())
    start(scene, urls=[receiver.address], events=list(Announcement))
    return scene


def start(scene: Scene, **notices: object) -> None:
    """Start announcer and notifier as a new process would, with these settings."""
    settings = NoticeSettings.model_validate(notices)
    scene.settings = Settings(notices=settings)
    receivers = make_receivers(settings)
    scene.announcer = Announcer(
        store=scene.store,
        flow_runs=scene.flow_runs,
        clock=scene.clock,
        notices=settings,
        receivers=receivers,
    )
    scene.notifier = Notifier(
        store=scene.store, settings=settings, receivers=receivers, clock=scene.clock
    )


def add(scene: Scene, *names: str, kind: Announcement = Announcement.READY) -> None:
    """Announce something about these videos."""
    with scene.store.writing() as session:
        for name in names:
            upload = load_upload(session, name, lock=True)
            announce(session, kind, upload, now=scene.clock(), payload={"reason": "why"})


def notices(scene: Scene, *, problems: bool = False) -> list[NoticeView]:
    """Return the notices as people are shown them, the oldest first."""
    with scene.store.reading() as session:
        return list_notices(session, problems=problems)[::-1]


def pass_seconds(scene: Scene, seconds: float) -> None:
    """Let time pass, and send what is due."""
    scene.clock.advance(seconds)
    scene.tell()


def test_batch_is_told_in_one_message(told: Scene, receiver: NoticeReceiver) -> None:
    """Twelve videos that get ready within the window are one message, not twelve."""
    for name in NAMES:
        add(told, name)
        pass_seconds(told, 2)
    assert receiver.titles == []
    pass_seconds(told, 30)
    assert receiver.titles == ["12 videos ready for review"]
    pass_seconds(told, 60)
    assert len(receiver.received) == 1


def test_latecomer_is_told_in_another_message(told: Scene, receiver: NoticeReceiver) -> None:
    """What happens after the window begins the next message."""
    add(told, *NAMES[:11])
    pass_seconds(told, 0)
    pass_seconds(told, 30)
    add(told, NAMES[11])
    pass_seconds(told, 0)
    pass_seconds(told, 30)
    assert receiver.titles == ["11 videos ready for review", "clip-11.mp4: ready for review"]


def test_each_event_has_its_own_message(told: Scene, receiver: NoticeReceiver) -> None:
    """Approved and rejected videos of one batch are not mixed."""
    add(told, *NAMES[:3], kind=Announcement.APPROVED)
    add(told, *NAMES[3:5], kind=Announcement.REJECTED)
    pass_seconds(told, 0)
    pass_seconds(told, 30)
    assert receiver.titles == ["3 videos approved", "2 videos: changes requested"]


def test_video_without_batch_is_told_at_once(told: Scene, receiver: NoticeReceiver) -> None:
    """There is nothing to gather, so nobody waits."""
    told.track("alone", "file-alone")
    add(told, "alone")
    pass_seconds(told, 0)
    assert receiver.titles == ["alone.mp4: ready for review"]


def test_restart_keeps_what_is_gathered(told: Scene, receiver: NoticeReceiver) -> None:
    """A message that is being gathered survives the process that gathers it."""
    add(told, *NAMES[:6])
    pass_seconds(told, 0)
    start(told, urls=[receiver.address], events=["ready"])
    add(told, *NAMES[6:])
    pass_seconds(told, 1)
    pass_seconds(told, 30)
    assert receiver.titles == ["12 videos ready for review"]


def test_crash_while_sending_is_unconfirmed(told: Scene, receiver: NoticeReceiver) -> None:
    """Nobody knows whether it arrived: it is listed, and never sent again by itself."""
    add(told, *NAMES)
    asyncio.run(told.announcer.run_once())
    told.clock.advance(30)
    assert told.notifier._claim() is not None  # and then the process is killed
    start(told, urls=[receiver.address], events=["ready"])
    assert [each["status"] for each in notices(told)] == ["sending"]
    for _ in range(3):
        pass_seconds(told, 3600)
    assert receiver.received == []
    (left,) = notices(told, problems=True)
    assert (left["status"], left["title"]) == ("unconfirmed", "12 videos ready for review")
    with told.store.reading() as session:
        stats = tracking_stats(session)
    assert (stats["notices_unconfirmed"], stats["notices_failed"]) == (1, 0)


def test_person_may_send_unconfirmed_again(told: Scene, receiver: NoticeReceiver) -> None:
    """Somebody who has asked around decides, and then it is sent like any other."""
    test_crash_while_sending_is_unconfirmed(told, receiver)
    (left,) = notices(told, problems=True)
    with told.store.writing() as session:
        resend_notice(session, left["id"], now=told.clock())
    pass_seconds(told, 0)
    assert receiver.titles == ["12 videos ready for review"]
    assert notices(told, problems=True) == []
    with told.store.writing() as session, pytest.raises(NoticeError, match="is sent; only one"):
        resend_notice(session, left["id"], now=told.clock())


def test_refused_notice_is_retried_and_arrives(told: Scene, receiver: NoticeReceiver) -> None:
    """A receiver that is down for a minute is told once it is back, and once only."""
    receiver.answer = 500
    told.track("alone", "file-alone")
    add(told, "alone")
    for _ in range(5):
        pass_seconds(told, 10)
    (waiting,) = notices(told)
    assert (waiting["status"], waiting["attempts"]) == ("waiting", 3)
    assert waiting["error"] == "the receiver refused it, or cannot be reached"
    receiver.answer = 200
    for _ in range(10):
        pass_seconds(told, 60)
    assert receiver.titles == ["alone.mp4: ready for review"]
    assert [each["status"] for each in notices(told)] == ["sent"]


def test_notice_refused_for_good_is_listed(told: Scene, receiver: NoticeReceiver) -> None:
    """After eight tries it has failed; a person takes it off the list."""
    receiver.answer = 403
    told.track("alone", "file-alone")
    add(told, "alone")
    for _ in range(12):
        pass_seconds(told, 600)
    (failed,) = notices(told, problems=True)
    assert (failed["status"], failed["attempts"]) == ("failed", 8)
    with told.store.writing() as session:
        dismiss_notice(session, failed["id"], now=told.clock())
    assert notices(told, problems=True) == []
    assert [each["status"] for each in notices(told)] == ["dismissed"]


def test_one_refusal_repeats_nothing_to_others(told: Scene, receiver: NoticeReceiver) -> None:
    """Each receiver has its own notice: one that takes it hears it once, whatever others do."""
    with receiving_notices() as other:
        other.answer = 500
        start(told, urls=[receiver.address, other.address], events=["ready"])
        told.track("alone", "file-alone")
        add(told, "alone")
        for _ in range(4):
            pass_seconds(told, 60)
        other.answer = 200
        pass_seconds(told, 600)
        assert len(other.received) == len(receiver.received) == 1


def test_removed_address_is_given_up(told: Scene, receiver: NoticeReceiver) -> None:
    """A notice to an address that the settings no longer name is listed, not kept for ever."""
    add(told, *NAMES)
    pass_seconds(told, 0)
    start(told, urls=[], events=["ready"])
    pass_seconds(told, 30)
    (failed,) = notices(told, problems=True)
    assert failed["error"] == "its address is not in the settings any more"
    assert receiver.received == []


def test_escalation_goes_to_its_own_address(told: Scene, receiver: NoticeReceiver) -> None:
    """Others than the team hear of it; without an address of their own the team does."""
    waited = {"waited_seconds": 3600}
    told.track("alone", "file-alone")
    with receiving_notices() as boss:
        start(told, urls=[receiver.address], escalation_urls=[boss.address])
        for cause in ("first", "second"):
            with told.store.writing() as session:
                upload = load_upload(session, "alone", lock=True)
                kind = Announcement.ESCALATED
                announce(session, kind, upload, now=told.clock(), cause=cause, payload=waited)
            pass_seconds(told, 0)
            start(told, urls=[receiver.address])
        title = "alone.mp4: waits too long for its reviewers"
        assert (boss.titles, receiver.titles) == ([title], [title])


def test_french_team_is_told_in_french(told: Scene, receiver: NoticeReceiver) -> None:
    """`notices.language` holds for titles and texts."""
    start(told, urls=[receiver.address], events=["ready"], language="fr")
    add(told, *NAMES)
    pass_seconds(told, 0)
    pass_seconds(told, 30)
    assert receiver.titles == ["12 vidéos prêtes à être validées"]


def test_only_named_events_are_told(told: Scene, receiver: NoticeReceiver) -> None:
    """`notices.events` chooses; what it leaves out goes to Prefect alone."""
    start(told, urls=[receiver.address], events=["recalled"], gather_for=timedelta(0))
    add(told, NAMES[0], kind=Announcement.FAILED)
    add(told, NAMES[0], kind=Announcement.RECALLED)
    pass_seconds(told, 1)
    assert receiver.titles == ["clip-0.mp4: rejected after delivery"]
    assert len(told.flow_runs.emitted) == 2


def test_prefect_away_delays_no_notice(told: Scene, receiver: NoticeReceiver) -> None:
    """People are told while Prefect is away, and not again when it is back."""
    told.track("alone", "file-alone")
    told.flow_runs.away = True
    add(told, "alone")
    pass_seconds(told, 0)
    told.flow_runs.away = False
    pass_seconds(told, 600)
    assert receiver.titles == ["alone.mp4: ready for review"]


@pytest.mark.parametrize(
    ("events", "titles"),
    [
        (["timed-out", "rejected"], ["alone.mp4: nobody decided in time"]),
        (["rejected"], ["alone.mp4: changes requested"]),
    ],
)
def test_rejection_by_silence_is_told_once(
    told: Scene, receiver: NoticeReceiver, events: list[str], titles: list[str]
) -> None:
    """The end of a deadline and the rejection it makes are one message, not two."""
    start(told, urls=[receiver.address], events=events)
    told.track("alone", "file-alone")
    with told.store.writing() as session:
        upload = load_upload(session, "alone", lock=True)
        policy = {"policy": "reject", "waited_seconds": 60}
        announce(session, Announcement.TIMED_OUT, upload, now=told.clock(), payload=policy)
        silence = {"source": "silence", "who": "nobody", "reason": "silence"}
        announce(session, Announcement.REJECTED, upload, now=told.clock(), payload=silence)
    pass_seconds(told, 0)
    assert receiver.titles == titles
