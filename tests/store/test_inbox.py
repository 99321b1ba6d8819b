"""The inbox: every delivery is kept until it is settled, and settled by one worker at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from postflow.errors import UnknownEventError
from postflow.store.database import Store
from postflow.store.foreign import UNTRACKED_FILE
from postflow.store.inbox import (
    Delivery,
    claim_events,
    give_back_events,
    has_unsettled,
    record_deliveries,
    reopen_untracked,
    replay_events,
    replay_matching,
    settle_events,
)
from postflow.store.tables import EventRow
from tests.factories import NOW, after, make_delivery, make_events

LEASE = timedelta(seconds=60)


def record(store: Store, *deliveries: Delivery) -> list[int]:
    """Commit deliveries."""
    with store.writing() as session:
        return make_events(session, *(deliveries or [make_delivery()]))


def claim(store: Store, *, t: float = 0, limit: int = 10) -> list[int]:
    """Claim what is open at a moment."""
    with store.writing() as session:
        return [
            row.id or 0 for row in claim_events(session, now=after(t), limit=limit, lease=LEASE)
        ]


def give_back(store: Store, ids: list[int], *, t: float, max_attempts: int | None) -> None:
    """Give events back at a moment, to be tried at the same moment."""
    with store.writing() as session:
        give_back_events(
            session,
            ids,
            error="no",
            now=after(t),
            try_again_at=after(t),
            max_attempts=max_attempts,
        )


def only(store: Store) -> EventRow:
    """Return the only event."""
    with store.reading() as session:
        return session.exec(select(EventRow)).one()


def test_recording_nothing_adds_no_row(store: Store) -> None:
    """Deliveries whose senders all gave up while the store was locked leave nothing to write."""
    with store.writing() as session:
        record_deliveries(session, [])
    with store.reading() as session:
        assert session.exec(select(EventRow.id)).all() == []


def test_bytes_are_kept_as_they_came(store: Store) -> None:
    """The raw body is stored unchanged, whatever is in it."""
    body = b'{"type": "x", "note": "\xc3\xa9\\u0000 \xff"}'
    record(store, replace(make_delivery(), body=body))
    assert only(store).body == body


def test_fields_that_no_database_takes_are_kept_readable(store: Store) -> None:
    """A signed body may hold NUL or half characters in its fields; it is stored all the same."""
    record(store, replace(make_delivery(), event_type="a\0b", resource_id="\ud800"))
    assert only(store).event_type == "a\N{REPLACEMENT CHARACTER}b"


def test_equal_bodies_are_two_events(store: Store) -> None:
    """Frame.io sends the same bytes for different edits, so equal deliveries are two rows."""
    assert len(record(store, make_delivery(), make_delivery())) == 2


def test_claim_gives_oldest_first_within_limit(store: Store) -> None:
    """Events are taken in the order they came, no more than asked for."""
    ids = record(store, *[make_delivery(f"f{n}") for n in range(4)])
    assert claim(store, limit=3) == ids[:3]
    assert claim(store, limit=3) == ids[3:]


def test_claimed_event_is_not_claimed_twice(store: Store) -> None:
    """While a lease runs nobody else takes the event; when it has run out, somebody does."""
    ids = record(store)
    assert claim(store) == ids
    assert claim(store, t=59) == []
    assert claim(store, t=60) == ids
    assert only(store).attempts == 2


def test_concurrent_claims_share_the_inbox(postgres_store: Store, store: Store) -> None:
    """Two replicas that claim at the same time get different events and do not wait."""
    record(store, *[make_delivery(f"f{n}") for n in range(4)])
    if store is not postgres_store:
        return  # one service process on SQLite
    with store.writing() as one, store.writing() as two:
        first = {row.id for row in claim_events(one, now=NOW, limit=2, lease=LEASE)}
        second = {row.id for row in claim_events(two, now=NOW, limit=4, lease=LEASE)}
    assert len(first) == len(second) == 2
    assert not first & second


def test_settled_event_is_done(store: Store) -> None:
    """A settled event is not offered again; settling it again changes nothing."""
    ids = record(store)
    claim(store)
    for _ in range(2):
        with store.writing() as session:
            settle_events(session, ids, now=NOW, note="read again")
    assert claim(store, t=3600) == []
    with store.reading() as session:
        assert not has_unsettled(session, now=after(3600))


def test_given_back_event_is_tried_again(store: Store) -> None:
    """An event that could not be settled stays open with its error."""
    ids = record(store)
    for t in range(50):
        claim(store, t=t)
        give_back(store, ids, t=t, max_attempts=None)
    row = only(store)
    assert (row.attempts, row.error, row.set_aside_at) == (50, "no", None)


def test_event_is_set_aside_after_its_last_try(store: Store) -> None:
    """After so many tries the event is put aside with its error, not lost."""
    ids = record(store)
    for t in range(3):
        assert claim(store, t=t) == ids
        give_back(store, ids, t=t, max_attempts=3)
    assert claim(store, t=3600) == []
    assert only(store).set_aside_at == after(2)


def test_replayed_event_is_open_again(store: Store) -> None:
    """Replaying makes an event new, settled or set aside."""
    ids = record(store)
    claim(store)
    give_back(store, ids, t=0, max_attempts=1)
    with store.writing() as session:
        replay_events(session, ids)
    assert claim(store, t=1) == ids
    assert only(store).attempts == 1


def test_unknown_event_stops_the_replay(store: Store) -> None:
    """One id that does not exist leaves all as they are, and is named."""
    ids = record(store)
    claim(store)
    give_back(store, ids, t=0, max_attempts=1)
    with (
        pytest.raises(UnknownEventError, match=r"There is no event 98, 99"),
        store.writing() as session,
    ):
        replay_events(session, [99, *ids, 98])
    assert only(store).set_aside_at is not None


def test_failed_or_recent_events_are_replayed(store: Store) -> None:
    """What was set aside, what came since a moment, or both; what is open anyway is no replay."""
    ids = record(store, *[make_delivery(f"f{n}", at=after(n)) for n in range(5)])
    settled, failed, still_open = ids[::4], ids[1:3], ids[3]
    claim(store, limit=3)
    with store.writing() as session:
        settle_events(session, settled, now=NOW)
    give_back(store, failed, t=0, max_attempts=1)
    for expected, which in (
        ([ids[2]], {"failed": True, "since": after(2)}),
        ([ids[1]], {"failed": True}),
        ([ids[4]], {"since": after(3)}),
        ([ids[0]], {}),
        ([], {}),
    ):
        with store.writing() as session:
            assert replay_matching(session, **which) == len(expected)
        opened = [each for each in claim(store, t=100) if each != still_open]
        assert opened == expected


def test_reports_of_untracked_files_can_be_reopened(store: Store) -> None:
    """Of each file that nobody tracked the newest event comes back, of this project alone."""
    deliveries = [
        make_delivery("f1", at=after(0)),
        make_delivery("f1", at=after(1)),
        make_delivery("f2", project_id="other", at=after(2)),
        make_delivery("f3", at=after(-7200)),
    ]
    ids = record(store, *deliveries)
    with store.writing() as session:
        settle_events(session, ids, now=NOW, note=UNTRACKED_FILE)
    with store.writing() as session:
        reopen_untracked(session, project_id="project-1", since=after(-3600))
    assert claim(store, t=5) == [ids[1]]
