"""Telling Prefect and people: at least once each, with ids by which repeats are recognised."""

from __future__ import annotations

import asyncio

import pytest
from sqlmodel import select
from structlog.testing import capture_logs

from postflow.domain.standing import ReviewStatus
from postflow.errors import FlowRunError
from postflow.store.announcements import Announcement, announce
from postflow.store.tables import AnnouncementRow
from postflow.store.uploads import load_upload
from tests.factories import REVIEWER
from tests.tracker.conftest import Scene


def tell(scene: Scene) -> int:
    """Let the announcer do one round."""
    return scene.tell()


def add(scene: Scene, kind: Announcement = Announcement.FAILED, *, cause: str = "") -> None:
    """Announce something about the clip."""
    with scene.store.writing() as session:
        upload = load_upload(session, "clip", lock=True)
        announce(session, kind, upload, now=scene.clock(), cause=cause, payload={"reason": "why"})


def row(scene: Scene) -> AnnouncementRow:
    """Return the only announcement."""
    with scene.store.reading() as session:
        return session.exec(select(AnnouncementRow)).one()


def hear(scene: Scene) -> list[str]:
    """Let people be told from now on; return what they hear."""
    heard: list[str] = []
    scene.notify = lambda title, text: heard.append(f"{title} / {text}")
    scene.start()
    return heard


def test_announcement_is_sent_once(scene: Scene) -> None:
    """What arrived is not sent again."""
    scene.track()
    add(scene)
    assert (tell(scene), tell(scene)) == (1, 0)
    ((name, event_id),) = scene.flow_runs.emitted
    assert (name, event_id) == ("postflow.upload.failed", row(scene).id)


def test_same_cause_is_announced_once(scene: Scene) -> None:
    """The same announcement twice is one; another cause makes another one."""
    scene.track()
    for cause in ("a", "a", "b"):
        add(scene, cause=cause)
    assert tell(scene) == 2


def test_prefect_away_loses_no_announcement(scene: Scene) -> None:
    """While Prefect is away people are told once; Prefect hears of it when it is back."""
    heard = hear(scene)
    scene.track()
    add(scene)
    scene.flow_runs.away = True
    for _ in range(20):
        tell(scene)
        scene.clock.advance(61)
    assert heard == ["clip.mp4: failed / why (upload clip, version 1)"]
    scene.flow_runs.away = False
    scene.clock.advance(600)
    assert tell(scene) == 1
    assert len(heard) == 1


def test_prefect_away_is_said_once(scene: Scene) -> None:
    """Whoever works without Prefect reads one line about it, not one for every event."""
    scene.track()
    scene.flow_runs.away = True
    with capture_logs() as lines:
        for cause in "abc":
            add(scene, cause=cause)
            tell(scene)
            scene.clock.advance(61)
        scene.flow_runs.away = False
        scene.clock.advance(600)
        tell(scene)
    assert [line["event"] for line in lines] == [
        "working without Prefect: flow runs and events wait for it",
        "Prefect answers again",
    ]


def test_repeat_keeps_its_id(scene: Scene) -> None:
    """A crash between sending and noting repeats the event, and its id says so."""
    scene.track()
    add(scene)
    sent = row(scene)
    asyncio.run(scene.announcer._emit(sent))
    tell(scene)
    assert scene.flow_runs.emitted == [("postflow.upload.failed", sent.id)] * 2


def test_refused_event_holds_up_no_other(scene: Scene) -> None:
    """What Prefect refuses does not keep the announcements behind it."""
    scene.track()
    scene.track("other", "file-2")
    add(scene)
    scene.flow_runs.refuses["clip"] = FlowRunError("refused")
    scene.clock.advance(1)
    with scene.store.writing() as session:
        upload = load_upload(session, "other", lock=True)
        announce(session, Announcement.DELIVERED, upload, now=scene.clock())
    assert tell(scene) == 1
    assert [name for name, _ in scene.flow_runs.emitted] == ["postflow.upload.delivered"]


def test_two_announcers_tell_people_once(scene: Scene) -> None:
    """Replicas share the outbox: while one is sending, the other leaves it alone."""
    heard = hear(scene)
    scene.track()
    add(scene)
    claimed = scene.announcer._claim()
    assert len(claimed) == 1
    assert tell(scene) == 0
    scene.clock.advance(61)
    assert tell(scene) == 1
    assert len(heard) == 1


def test_rejection_carries_the_changes(scene: Scene) -> None:
    """The event of a rejection lists what is to be changed, by whom."""
    scene.track()
    scene.frameio.write("c1", "Rejected.", author=REVIEWER)
    asyncio.run(scene.settler.look_at("file-1"))
    tell(scene)
    payload = scene.flow_runs.payloads[-1]
    assert payload["verdict"] == ReviewStatus.REJECTED
    changes = payload["changes"]
    assert isinstance(changes, list)
    assert [(each["text"], each["author"]) for each in changes] == [("Rejected.", "René")]


def test_further_refusals_send_no_more_notices(scene: Scene) -> None:
    """Ten requests in ten comments are one notice; the published list grows."""
    heard = hear(scene)
    scene.track()
    for number in range(3):
        scene.frameio.write(f"c{number}", "Rejected.", author=REVIEWER)
        asyncio.run(scene.settler.look_at("file-1"))
        scene.clock.advance(5)
        tell(scene)
    names = [name for name, _ in scene.flow_runs.emitted]
    assert names.count("postflow.upload.rejected") == 1
    assert [text.partition(" /")[0] for text in heard] == ["clip.mp4: changes requested"]
    with scene.store.reading() as session:
        rows = session.exec(select(AnnouncementRow)).all()
    assert max(len(row.payload.get("changes", [])) for row in rows) == 3


@pytest.mark.parametrize(
    "kind", [Announcement.READY, Announcement.APPROVED, Announcement.DELIVERED]
)
def test_good_news_disturbs_nobody(scene: Scene, kind: Announcement) -> None:
    """People are told what needs them; the rest goes to Prefect alone."""
    heard = hear(scene)
    scene.track()
    add(scene, kind)
    assert tell(scene) == 1
    assert heard == []
