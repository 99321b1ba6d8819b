"""Reading the store from outside: the keys others rely on, and what each reading costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlmodel import Session

from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus, WaitKind
from postflow.store.batches import record_batch
from postflow.store.comments import apply_comments
from postflow.store.database import Store
from postflow.store.decisions import append_decision
from postflow.store.deliveries import claim_delivery, complete_delivery
from postflow.store.inbox import claim_events, give_back_events, settle_events
from postflow.store.tables import RulingRow, UploadRow
from postflow.store.uploads import fail_upload, load_upload
from postflow.store.views import (
    list_events,
    list_uploads,
    list_waiting,
    timeline,
    tracking_stats,
    upload_status,
)
from postflow.store.waits import open_wait
from postflow.store.wake_ups import note_attempt
from tests.factories import (
    NOW,
    after,
    make_delivery,
    make_events,
    make_review,
    make_seen,
    make_upload,
)


def _wait(session: Session, upload: UploadRow, *, at: float = 0) -> None:
    open_wait(
        session,
        upload=upload,
        kind=WaitKind.APPROVAL,
        flow_run_id=f"run-of-{upload.upload_id}",
        now=after(at),
        timeout=timedelta(hours=1),
    )


def _receive(session: Session, *kinds: str, upload_id: str | None = "clip") -> list[int]:
    ids = make_events(session, *(make_delivery(event_type=kind) for kind in kinds))
    if upload_id is not None:
        settle_events(session, ids, now=after(5), upload_id=upload_id, note="read again")
    return ids


def _live_through_everything(session: Session) -> None:
    """Let one upload be registered, commented, decided, waited for and delivered."""
    upload = make_upload(session)
    _receive(session, "file.ready", "comment.created")
    _wait(session, upload, at=1)
    apply_comments(
        session, [make_seen(t=2)], upload_id="clip", version=1, file_id="file-1", now=after(3)
    )
    upload.review_status = ReviewStatus.APPROVED
    append_decision(session, upload, make_review(t=2), analyser_version="test", now=after(4))
    session.add(
        RulingRow(
            upload_id="clip", value="Approved", person_name="Cleo", at=after(3), seen_at=after(4)
        )
    )
    delivery = claim_delivery(session, upload, name="clip.mp4", claimed_by="run", now=after(6))
    assert delivery is not None
    complete_delivery(delivery, path="/out/clip.mp4", sha256="1", manifest={}, now=after(7))
    record_batch(session, batch_id="batch-1", upload_ids=["clip"], now=NOW)


@contextmanager
def _counting(store: Store) -> Iterator[list[str]]:
    """Give the list of statements that the store is sent."""
    sent: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    yield sent
    event.remove(store.engine, "before_cursor_execute", note)


def test_unknown_upload_is_none(store: Store) -> None:
    """An id that stands for nothing gives None, not an error."""
    with store.reading() as session:
        assert upload_status(session, "nothing") is None


def test_new_upload_is_shown_completely(store: Store) -> None:
    """An upload without a history has every key, the unknown ones None or empty."""
    with store.writing() as session:
        make_upload(session, status=UploadStatus.REGISTERED, file_id=None, project_id=None)
    with store.reading() as session:
        view = upload_status(session, "clip")

    assert view == {
        "upload_id": "clip",
        "filename": "clip.mp4",
        "file_id": None,
        "project_id": None,
        "status": "registered",
        "review_status": "pending",
        "comments_count": 0,
        "created_at": NOW.isoformat(),
        "webhook_events_received": [],
        "version": 1,
        "view_url": None,
        "path": None,
        "failure": None,
        "updated_at": NOW.isoformat(),
        "cancelled_at": None,
        "verdict": None,
        "waiting": None,
        "delivery": None,
        "held": None,
        "quiet_until": None,
        "undo_until": None,
        "batch_ids": [],
    }


def test_upload_is_shown_with_its_history(store: Store) -> None:
    """Events in their order, comments counted, verdict and why, wait, delivery and batch."""
    with store.writing() as session:
        _live_through_everything(session)
    with store.reading() as session:
        view = upload_status(session, "clip")

    assert view is not None
    assert view["webhook_events_received"] == ["file.ready", "comment.created"]
    assert view["comments_count"] == 1
    assert view["verdict"] is not None
    assert (view["verdict"]["verdict"], view["verdict"]["who"]) == ("approved", "")
    assert view["waiting"] is not None
    assert view["waiting"]["since"] == after(1).isoformat()
    assert view["waiting"]["deadline"] == after(3601).isoformat()
    assert view["delivery"] is not None
    assert view["delivery"]["delivered_at"] == after(7).isoformat()
    assert view["batch_ids"] == ["batch-1"]
    assert json.loads(json.dumps(view)) == view


def test_deleted_comments_are_not_counted(store: Store) -> None:
    """A comment that its author deleted is history, not a comment."""
    with store.writing() as session:
        make_upload(session)
        for seen in ([make_seen()], []):
            apply_comments(
                session, seen, upload_id="clip", version=1, file_id="file-1", now=after(1)
            )
    with store.reading() as session:
        view = upload_status(session, "clip")

    assert view is not None
    assert view["comments_count"] == 0


def test_verdict_belongs_to_the_current_version(store: Store) -> None:
    """What was said of an older version is not shown as the verdict of the new one."""
    with store.writing() as session:
        upload = make_upload(session)
        append_decision(session, upload, make_review(), analyser_version="test", now=NOW)
        upload.version = 2
    with store.reading() as session:
        view = upload_status(session, "clip")

    assert view is not None
    assert view["verdict"] is None


@pytest.mark.parametrize("count", [1, 20])
def test_page_costs_the_same_few_queries(store: Store, count: int) -> None:
    """However many uploads a page has, it is read with the same number of queries."""
    with store.writing() as session:
        for number in range(count):
            upload = make_upload(session, f"clip-{number}", file_id=f"file-{number}")
            _wait(session, upload)
    with store.reading() as session, _counting(store) as sent:
        assert len(list_uploads(session)) == count

    assert len([each for each in sent if each.startswith("SELECT")]) == 8


def test_uploads_are_listed_newest_first(store: Store) -> None:
    """Lists can be narrowed to a status or a review status, and begin with the newest."""
    with store.writing() as session:
        for number in range(4):
            upload = make_upload(
                session, f"clip-{number}", file_id=f"file-{number}", now=after(number)
            )
            if number % 2:
                upload.review_status = ReviewStatus.APPROVED
    with store.reading() as session:
        every = list_uploads(session)
        approved = list_uploads(session, review_status=ReviewStatus.APPROVED)
        failed = list_uploads(session, status=UploadStatus.FAILED)

    assert [view["upload_id"] for view in every] == ["clip-3", "clip-2", "clip-1", "clip-0"]
    assert [view["upload_id"] for view in approved] == ["clip-3", "clip-1"]
    assert failed == []


def test_stats_of_nothing_name_everything(store: Store) -> None:
    """An empty store has every key and every status, all of them zero."""
    with store.reading() as session:
        assert tracking_stats(session) == {
            "total_tracked": 0,
            "active_tracks": 0,
            "events_processed": 0,
            "comments_analyzed": 0,
            "status_distribution": dict.fromkeys(map(str, UploadStatus), 0),
            "review_status_distribution": dict.fromkeys(map(str, ReviewStatus), 0),
            "delivered": 0,
            "waiting": 0,
            "events_unsettled": 0,
            "events_set_aside": 0,
            "notices_unconfirmed": 0,
            "notices_failed": 0,
        }


def test_stats_count_what_there_is(store: Store) -> None:
    """Active is neither failed nor decided nor given up; events are settled, open or set aside."""
    with store.writing() as session:
        _live_through_everything(session)
        make_upload(session, "open", file_id="file-2")
        fail_upload(make_upload(session, "failed", file_id="file-3"), reason="gone", now=NOW)
        make_upload(session, "given-up", file_id="file-4").cancelled_at = NOW
        _receive(session, "file.created", upload_id=None)
        bad = claim_events(session, now=after(9), limit=1, lease=timedelta(minutes=1))
        _receive(session, "file.updated", upload_id=None)
        ids = [row.id for row in bad if row.id is not None]
        give_back_events(
            session, ids, error="x", now=after(9), try_again_at=after(9), max_attempts=1
        )
    with store.reading() as session:
        stats = tracking_stats(session)

    assert (stats["total_tracked"], stats["active_tracks"]) == (4, 1)
    assert stats["status_distribution"] == {
        **dict.fromkeys(map(str, UploadStatus), 0),
        "ready": 3,
        "failed": 1,
    }
    assert stats["review_status_distribution"] == {"pending": 3, "approved": 1, "rejected": 0}
    assert (stats["events_processed"], stats["comments_analyzed"]) == (2, 1)
    assert (stats["events_unsettled"], stats["events_set_aside"]) == (1, 1)
    assert (stats["delivered"], stats["waiting"]) == (1, 1)


def test_stats_are_counted_by_the_database(store: Store) -> None:
    """The totals cost nine queries, however much there is."""
    with store.reading() as session, _counting(store) as sent:
        tracking_stats(session)

    assert len([each for each in sent if each.startswith("SELECT")]) == 9


def test_waiting_tells_who_since_when(store: Store) -> None:
    """Only open waits are listed, the longest first, with how waking them goes."""
    with store.writing() as session:
        for number in range(3):
            upload = make_upload(session, f"clip-{number}", file_id=f"file-{number}")
            _wait(session, upload, at=-number)
        note_attempt(session, 1, answer="not yet", try_at=after(1), now=NOW)
        upload.cancelled_at = NOW
    with store.reading() as session:
        waiting = list_waiting(session)

    assert [each["upload_id"] for each in waiting] == ["clip-2", "clip-1", "clip-0"]
    assert (waiting[2]["attempts"], waiting[2]["last_answer"]) == (1, "not yet")
    assert waiting[0]["filename"] == "clip.mp4"


def test_events_are_listed_newest_first(store: Store) -> None:
    """The inbox can be read as a whole, of one upload, or only what was set aside."""
    with store.writing() as session:
        make_upload(session)
        _receive(session, "file.ready")
        (bad,) = _receive(session, "file.deleted", upload_id=None)
        claim_events(session, now=after(9), limit=1, lease=timedelta(minutes=1))
        give_back_events(
            session, [bad], error="no", now=after(9), try_again_at=after(9), max_attempts=1
        )
    with store.reading() as session:
        every = list_events(session)
        of_clip = list_events(session, upload_id="clip")
        failed = list_events(session, failed=True)

    assert [each["event_type"] for each in every] == ["file.deleted", "file.ready"]
    assert [each["event_type"] for each in of_clip] == ["file.ready"]
    assert [(each["id"], each["error"]) for each in failed] == [(bad, "no")]
    assert "body" not in failed[0]


def test_timeline_tells_everything_in_order(store: Store) -> None:
    """Every kind of thing that happened is told, sorted by time; nothing of an unknown upload."""
    with store.writing() as session:
        _live_through_everything(session)
        load_upload(session, "clip").cancelled_at = after(8)
    with store.reading() as session:
        entries = timeline(session, "clip")
        nothing = timeline(session, "nothing")

    assert [entry["at"] for entry in entries] == sorted(entry["at"] for entry in entries)
    assert {entry["kind"] for entry in entries} == {
        *("version", "comment", "status_field", "event"),
        *("decision", "wait", "delivery", "cancelled"),
    }
    assert nothing == []


def test_timeline_keeps_every_text(store: Store) -> None:
    """What a comment said before it was edited or deleted stays readable."""
    with store.writing() as session:
        make_upload(session)
        edits = [make_seen(text="Too dark"), make_seen(text="Approved", edited=5)]
        for at, seen in enumerate([[edits[0]], [edits[1]], []]):
            apply_comments(
                session, seen, upload_id="clip", version=1, file_id="file-1", now=after(at * 10)
            )
    with store.reading() as session:
        told = [(e["kind"], e["text"]) for e in timeline(session, "clip") if e["comment_id"]]

    assert told == [
        ("comment", "Too dark"),
        ("comment edited", "Approved"),
        ("comment deleted", "Approved"),
    ]
