"""Decisions: append-only, chained, and written only when something new is said."""

from __future__ import annotations

from datetime import timedelta, timezone

from postflow.domain.standing import Review, ReviewStatus
from postflow.store.database import Store
from postflow.store.decisions import append_decision, hash_decision, load_decisions
from postflow.store.uploads import load_upload
from tests.factories import NOW, after, make_review, make_upload

PENDING = Review(status=ReviewStatus.PENDING)


def append(store: Store, review: Review, *, t: float = 0, upload_id: str = "clip") -> bool:
    """Append a review's outcome; return whether it was news."""
    with store.writing() as session:
        upload = load_upload(session, upload_id, lock=True)
        row = append_decision(session, upload, review, analyser_version="1", now=after(t))
        return row is not None


def track(store: Store, *upload_ids: str) -> None:
    """Track uploads."""
    with store.writing() as session:
        for upload_id in upload_ids or ("clip",):
            make_upload(session, upload_id, file_id=f"file-of-{upload_id}")


def test_undecided_version_gets_no_row(store: Store) -> None:
    """A version that nobody has spoken about has no decision."""
    track(store)
    assert not append(store, PENDING)


def test_nothing_new_adds_no_row(store: Store) -> None:
    """The same outcome for the same reason is written once."""
    track(store)
    assert append(store, make_review())
    assert not append(store, make_review(), t=5)
    assert append(store, make_review(who="bo"), t=6)


def test_withdrawal_is_a_decision(store: Store) -> None:
    """Back to pending is on record, with a reason."""
    track(store)
    append(store, make_review())
    assert append(store, PENDING, t=5)
    with store.reading() as session:
        assert load_decisions(session, "clip")[-1].reason == "no decision is in force any more"


def test_decisions_are_chained(store: Store) -> None:
    """Each row carries the hash of the row before it, per upload, and its own."""
    track(store, "clip", "other")
    append(store, make_review())
    append(store, make_review(), upload_id="other")
    append(store, make_review(ReviewStatus.REJECTED), t=1)
    with store.reading() as session:
        first, second = load_decisions(session, "clip")
        (other,) = load_decisions(session, "other")
    assert (first.previous_hash, other.previous_hash) == ("", "")
    assert second.previous_hash == first.hash
    assert all(row.hash == hash_decision(row) for row in (first, second, other))


def test_changed_row_is_found_out(store: Store) -> None:
    """Whoever changes a decision afterwards cannot keep its hash."""
    track(store)
    append(store, make_review())
    with store.reading() as session:
        (row,) = load_decisions(session, "clip")
    row.who = "somebody else"
    assert row.hash != hash_decision(row)


def test_hash_does_not_depend_on_the_zone(store: Store) -> None:
    """A moment given in another zone comes back in UTC and still has the same hash."""
    track(store)
    append(store, make_review())
    with store.reading() as session:
        (row,) = load_decisions(session, "clip")
    row.at = NOW.astimezone(timezone(timedelta(hours=2)))
    assert row.hash == hash_decision(row)
