"""Deliveries, flow runs, batches and file hashes: each claimed once, whoever comes second."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus
from postflow.errors import ClaimLostError, StoreUnavailableError
from postflow.store.batches import (
    cache_sha256,
    cached_sha256,
    close_decided_batches,
    list_members,
    record_batch,
)
from postflow.store.database import Store
from postflow.store.decisions import append_decision
from postflow.store.deliveries import claim_delivery, complete_delivery, is_name_taken
from postflow.store.flow_runs import (
    check_holder,
    claim_run,
    finish_run,
    list_expired_runs,
    note_restart,
    plan_attempt,
    renew_lease,
)
from postflow.store.tables import DeliveryRow
from postflow.store.uploads import load_upload
from tests.factories import NOW, after, make_review, make_upload


def track(store: Store, upload_id: str = "clip", *, approved: bool = True) -> None:
    """Track an upload, approved unless the test is about that."""
    with store.writing() as session:
        upload = make_upload(session, upload_id, file_id=f"file-of-{upload_id}")
        if approved:
            upload.review_status = ReviewStatus.APPROVED
            append_decision(session, upload, make_review(), analyser_version="1", now=NOW)


def claim(
    store: Store, upload_id: str = "clip", *, name: str = "clip", by: str = "run-1"
) -> DeliveryRow | None:
    """Claim the delivery of an upload."""
    with store.writing() as session:
        upload = load_upload(session, upload_id, lock=True)
        return claim_delivery(session, upload, name=name, claimed_by=by, now=NOW)


def change(store: Store, **changed: object) -> None:
    """Change the clip."""
    with store.writing() as session:
        upload = load_upload(session, "clip", lock=True)
        for key, value in changed.items():
            setattr(upload, key, value)


@pytest.mark.parametrize(
    "changed",
    [
        {"review_status": ReviewStatus.PENDING},
        {"review_status": ReviewStatus.REJECTED},
        {"cancelled_at": NOW},
        {"status": UploadStatus.FAILED},
    ],
    ids=["pending", "rejected", "cancelled", "failed"],
)
def test_only_approved_versions_are_delivered(store: Store, changed: dict[str, object]) -> None:
    """The claim reads the verdict in its own transaction; anything but approved gets nothing."""
    track(store)
    change(store, **changed)
    assert claim(store) is None


def test_claim_left_behind_is_handed_over(store: Store) -> None:
    """The process after a killed one takes the delivery over, with the name it had."""
    track(store)
    first, second = claim(store), claim(store, name="other", by="run-2")
    assert first is not None
    assert second is not None
    assert (second.id, second.name, second.claimed_by) == (first.id, "clip", "run-2")


def test_complete_delivery_stays_as_it_is(store: Store) -> None:
    """Claiming what is delivered gives the delivery, untouched."""
    track(store)
    with store.writing() as session:
        upload = load_upload(session, "clip", lock=True)
        row = claim_delivery(session, upload, name="clip", claimed_by="run-1", now=NOW)
        assert row is not None
        complete_delivery(row, path="clip.mp4", sha256="00", manifest={"a": 1}, now=NOW)
    again = claim(store, by="run-2")
    assert again is not None
    assert (again.claimed_by, again.path, again.delivered_at) == ("run-1", "clip.mp4", NOW)


def test_two_deliveries_never_share_a_name(store: Store) -> None:
    """A name that another delivery took a moment ago may be tried again as another one."""
    track(store)
    track(store, "other")
    claim(store)
    with store.reading() as session:
        assert is_name_taken(session, "clip")
    with pytest.raises(StoreUnavailableError, match="'clip' was taken") as caught:
        claim(store, "other")
    assert caught.value.retryable
    assert claim(store, "other", name="other") is not None


def test_batch_is_decided_once(store: Store) -> None:
    """Only the last video's outcome closes the batch, and only the first time."""
    track(store)
    track(store, "other", approved=False)
    with store.writing() as session:
        for _ in range(2):
            record_batch(session, batch_id="b", upload_ids=["other", "clip"], now=NOW)
        assert list_members(session, "b") == ["other", "clip"]
        assert close_decided_batches(session, "clip", now=NOW) == []
        load_upload(session, "other").review_status = ReviewStatus.REJECTED
        assert close_decided_batches(session, "other", now=NOW) == ["b"]
        assert close_decided_batches(session, "clip", now=NOW) == []


@pytest.mark.parametrize(("size", "modified_ns"), [(8, 1), (7, 2)], ids=["size", "time"])
def test_hash_is_forgotten_when_file_changes(store: Store, size: int, modified_ns: int) -> None:
    """A cached hash holds for exactly this path, size and time of change."""
    with store.writing() as session:
        cache_sha256(session, path="/a", size=7, modified_ns=1, sha256="00")
    with store.writing() as session:
        assert cached_sha256(session, path="/a", size=7, modified_ns=1) == "00"
        assert cached_sha256(session, path="/a", size=size, modified_ns=modified_ns) is None
        assert cached_sha256(session, path="/b", size=7, modified_ns=1) is None
        cache_sha256(session, path="/a", size=size, modified_ns=modified_ns, sha256="11")
    with store.reading() as session:
        assert cached_sha256(session, path="/a", size=size, modified_ns=modified_ns) == "11"


def test_run_takes_its_planned_attempt(store: Store) -> None:
    """The run that was planned finds its row; a further run is a further attempt."""
    track(store)
    with store.writing() as session:
        planned = plan_attempt(session, "clip", 1, attempt=1, now=NOW)
        assert plan_attempt(session, "clip", 1, attempt=1, now=NOW).id == planned.id

        def attempt(run: str) -> int:
            return claim_run(
                session,
                flow_run_id=run,
                upload_id="clip",
                version=1,
                lease_until=after(60),
                now=NOW,
            ).attempt

        assert [attempt(run) for run in ("a", "a", "b", "a")] == [1, 1, 2, 1]


def test_lease_tells_who_is_silent(store: Store) -> None:
    """A run that neither renews nor returns its lease is missed; one that is over never is."""
    track(store)
    with store.writing() as session:
        for run in ("renews", "suspends", "ends", "dies", "dies at its end"):
            claim_run(
                session,
                flow_run_id=run,
                upload_id="clip",
                version=1,
                lease_until=after(60),
                now=NOW,
            )
        renew_lease(session, "renews", until=after(120))
        renew_lease(session, "suspends", until=None)
        finish_run(session, "ends", note="done", now=NOW)
        renew_lease(session, "ends", until=after(60))
        finish_run(session, "dies at its end", note="done", now=NOW, prefect_knows_by=after(60))
        silent = list_expired_runs(session, now=after(60))
    assert {row.flow_run_id for row in silent} == {"dies", "dies at its end"}


def test_older_holder_has_lost_its_run(store: Store) -> None:
    """The process that claimed a run last holds it, and nobody does once it is restarted."""
    track(store)
    with store.writing() as session:
        for holder in ("old", "new"):
            claim_run(
                session,
                flow_run_id="a",
                upload_id="clip",
                version=1,
                holder=holder,
                lease_until=after(60),
                now=NOW,
            )
        check_holder(session, "a", holder="new")
        with pytest.raises(ClaimLostError, match="worked on by another process"):
            check_holder(session, "a", holder="old")
        note_restart(session, "a", lease_until=after(120))
        with pytest.raises(ClaimLostError):
            check_holder(session, "a", holder="new")


def test_restarts_are_counted_against_what_was_seen(store: Store) -> None:
    """Of two trackers that saw the same death only one restarts the run."""
    track(store)
    until = NOW + timedelta(seconds=60)
    with store.writing() as session:
        claim_run(session, flow_run_id="a", upload_id="clip", version=1, lease_until=NOW, now=NOW)
    counts = []
    for _ in range(2):
        with store.writing() as session:
            counts.append(note_restart(session, "a", lease_until=until, seen_restarts=0))
    with store.writing() as session:
        assert note_restart(session, "nobody", lease_until=until) == 0
    assert counts == [1, 0]
