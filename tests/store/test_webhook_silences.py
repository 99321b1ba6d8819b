"""What the store knows of the webhooks' silence, on both databases."""

from __future__ import annotations

from sqlmodel import select

from postflow.domain.announcements import Announcement
from postflow.domain.webhook_silence import WebhookSilence
from postflow.store.database import Store
from postflow.store.inbox import SELF_TEST, has_resource_come, newest_event_id
from postflow.store.tables import AnnouncementRow
from postflow.store.webhook_silences import announce_end_of_silence, announce_silence, load_silence
from tests.factories import NOW, after, make_delivery, make_events, make_upload


def _tell(store: Store) -> None:
    with store.writing() as session:
        announce_silence(session, since=NOW, now=after(60), payload={"cause": "works"})


def test_oldest_open_review_counts(store: Store) -> None:
    """Since when somebody is awaited is read from what is still under review."""
    with store.writing() as session:
        for name, t in (("newer", 20.0), ("older", 10.0), ("cancelled", 0.0)):
            upload = make_upload(session, name, file_id=f"file-{name}", now=after(t))
            upload.look_at = after(100)
            upload.cancelled_at = NOW if name == "cancelled" else None
    with store.reading() as session:
        silence = load_silence(session)

    assert silence == WebhookSilence(heard_at=None, open_since=after(10), told_at=None)


def test_own_deliveries_are_not_heard(store: Store) -> None:
    """A self-test is found by its name, and does not count as heard from Frame.io."""
    with store.writing() as session:
        make_events(session, make_delivery(at=NOW))
        before = newest_event_id(session)
        make_events(session, make_delivery("mine", event_type=SELF_TEST, at=after(60)))
        assert has_resource_come(session, "mine", after=before)
        assert not has_resource_come(session, "file-1", after=before)
        assert load_silence(session).heard_at == NOW


def test_silence_is_announced_once_until_its_end(store: Store) -> None:
    """The same silence is one announcement; its end is one more, and then it is forgotten."""
    for _ in range(2):
        _tell(store)
    with store.writing() as session:
        assert load_silence(session).told_at == after(60)
        make_events(session, make_delivery(at=after(90)))
        for _ in range(2):
            announce_end_of_silence(session, now=after(100))
        rows = session.exec(select(AnnouncementRow)).all()
        told = load_silence(session).told_at

    assert {row.kind for row in rows} == {Announcement.WEBHOOK_SILENT, Announcement.WEBHOOK_BACK}
    assert [row.payload["silent_seconds"] for row in rows if row.kind == "webhook-back"] == [90]
    assert told is None


def test_end_of_no_silence_is_no_news(store: Store) -> None:
    """Events that come without a silence before them are not announced."""
    with store.writing() as session:
        make_events(session, make_delivery())
        announce_end_of_silence(session, now=after(1))
        assert session.exec(select(AnnouncementRow)).all() == []
