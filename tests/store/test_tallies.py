"""Totals that are remembered: exact whatever is counted already, and never too far."""

from __future__ import annotations

from datetime import datetime

from postflow.store.comments import apply_comments
from postflow.store.database import Store
from postflow.store.inbox import record_deliveries
from postflow.store.tables import TallyRow
from postflow.store.tallies import ROLLED_EVERY, Tally, count_all, roll_on
from tests.factories import NOW, make_delivery, make_seen, make_upload


def receive(store: Store, number: int) -> None:
    """Record so many deliveries."""
    with store.writing() as session:
        record_deliveries(session, [make_delivery()] * number)


def roll(store: Store, *, at: datetime) -> int:
    """Roll the tally of events on; return how many it remembers."""
    with store.writing() as session:
        roll_on(session, Tally.EVENTS, now=at)
    with store.reading() as session:
        return session.get_one(TallyRow, Tally.EVENTS).count


def count(store: Store, tally: Tally = Tally.EVENTS) -> int:
    """Return how many there are."""
    with store.reading() as session:
        return count_all(session, tally)


def test_total_is_exact_without_a_tally(store: Store) -> None:
    """Where no service has ever rolled it on, everything is counted."""
    assert count(store) == 0
    receive(store, 3)
    assert count(store) == 3


def test_total_is_exact_at_every_moment(store: Store) -> None:
    """What was counted once is not counted again, and what is new is counted."""
    remembered = []
    for number in range(1, 5):
        receive(store, number)
        remembered.append(roll(store, at=NOW + number * ROLLED_EVERY))
        receive(store, 1)
    assert count(store) == 14
    assert remembered == [0, 1, 4, 8]


def test_rows_are_remembered_when_surely_committed(store: Store) -> None:
    """A second service, or a restart, does not count over rows that are still being written."""
    receive(store, 2)
    assert roll(store, at=NOW) == 0
    assert roll(store, at=NOW + ROLLED_EVERY / 2) == 0
    assert roll(store, at=NOW + ROLLED_EVERY) == 2
    assert count(store) == 2


def test_comments_count_once_for_all_their_edits(store: Store) -> None:
    """An edit adds a revision and no comment; a deleted comment was read all the same."""
    with store.writing() as session:
        make_upload(session)
        for seen in ([make_seen(), make_seen("c2")], [make_seen(text="No.", edited=5)]):
            apply_comments(session, seen, upload_id="clip", version=1, file_id="file-1", now=NOW)
    assert count(store, Tally.COMMENTS) == 2
