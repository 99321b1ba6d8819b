"""Which runs a batch starts that died in the middle and begins anew."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from postflow.domain.uploads import UploadStatus
from postflow.store.batches import (
    begin_batch,
    end_batch,
    note_batch_restart,
    release_batch,
)
from postflow.store.database import Store
from postflow.store.flow_runs import plan_attempt
from postflow.store.tables import UploadRow
from postflow.store.uploads import fail_upload, load_upload
from postflow.submitting import Attempt, plan_run
from tests.factories import NOW, make_upload
from tests.tracker.conftest import RUN

BEFORE = NOW - timedelta(hours=1)
LATER = NOW + timedelta(seconds=30)


def try_at(store: Store, at: datetime) -> None:
    """Let a run be started for the upload at that moment."""
    with store.writing() as session:
        upload = make_upload(session, status=UploadStatus.REGISTERED, now=at)
        plan_attempt(session, upload.upload_id, 1, attempt=1, now=at).flow_run_id = RUN


def change(store: Store, *, cancelled_at: datetime | None = None, failed: bool = False) -> None:
    """Let the upload be given up, or fail."""
    with store.writing() as session:
        upload = load_upload(session, "clip", lock=True)
        upload.cancelled_at = cancelled_at
        if failed:
            fail_upload(upload, reason="Its file is gone; run it again.", now=LATER)


def plan(store: Store, *, since: datetime) -> Attempt | None:
    """Plan as a batch that finds the upload's run over."""
    return plan_run(store, "clip", is_over=True, since=since, clock=lambda: LATER)


def upload_of(store: Store) -> UploadRow:
    """Return the upload as it is."""
    with store.reading() as session:
        return load_upload(session, "clip")


def test_failed_meanwhile_is_not_tried_again(store: Store) -> None:
    """What the batch itself had started stays as it ended."""
    try_at(store, NOW)
    change(store, failed=True)
    attempt = plan(store, since=NOW)
    assert attempt is not None
    assert (attempt.number, attempt.flow_run_id) == (1, RUN)
    assert upload_of(store).status == "failed"


def test_failed_before_is_tried_again(store: Store) -> None:
    """A batch that begins anew gives what failed before it another chance, as the first time."""
    try_at(store, BEFORE)
    change(store, failed=True)
    attempt = plan(store, since=NOW)
    assert attempt is not None
    assert (attempt.number, attempt.flow_run_id) == (2, None)
    assert upload_of(store).status == "registered"


def test_cancelled_meanwhile_stays_cancelled(store: Store) -> None:
    """Whoever gave a video up while the batch was dead does not find it running."""
    try_at(store, BEFORE)
    change(store, cancelled_at=LATER)
    assert plan(store, since=NOW) is None
    assert upload_of(store).cancelled_at == LATER


def test_new_batch_tries_all_again(store: Store) -> None:
    """Running the same files again is how a person tries them again."""
    try_at(store, NOW)
    change(store, cancelled_at=LATER)
    attempt = plan(store, since=LATER + timedelta(seconds=1))
    assert attempt is not None
    assert attempt.number == 2
    assert upload_of(store).cancelled_at is None


def begin(store: Store, at: datetime) -> datetime:
    """Let a process of the batch begin; return since when the batch is at work."""
    with store.writing() as session:
        return begin_batch(session, "batch", lease_until=at, now=at)


def test_batch_is_at_work_since_its_first_process(store: Store) -> None:
    """A process that the tracker has started after another one died knows when that one began."""
    assert begin(store, NOW) == NOW
    with store.writing() as session:
        assert note_batch_restart(session, "batch", lease_until=LATER, seen_restarts=0) == 1
    assert begin(store, LATER) == NOW


@pytest.mark.parametrize("ends", ["by its word", "known to Prefect", "given up"])
def test_ended_batch_begins_when_a_person_starts_it_again(store: Store, ends: str) -> None:
    """Prefect's Retry is how a person tries the same videos again; if that dies, it goes on."""
    begin(store, NOW)
    with store.writing() as session:
        note_batch_restart(session, "batch", lease_until=LATER, seen_restarts=0)
        if ends != "given up":
            end_batch(session, "batch", end="Completed: 1 videos", prefect_knows_by=LATER)
        if ends != "by its word":
            release_batch(session, "batch")
    assert begin(store, LATER) == LATER
    with store.writing() as session:
        assert note_batch_restart(session, "batch", lease_until=LATER, seen_restarts=0) == 1
    assert begin(store, LATER + timedelta(seconds=9)) == LATER
