"""Sweeps: who makes them, when, and in which order files are read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from postflow.store.database import Store
from postflow.store.deliveries import claim_delivery, complete_delivery
from postflow.store.leadership import Duty, Leadership
from postflow.store.uploads import load_upload
from postflow.tracker.arrivals import Arrivals
from postflow.tracker.reconciler import Reconciler
from tests.tracker.conftest import Scene

MakeReconciler = Callable[[Scene], Reconciler]


@pytest.fixture
def make_reconciler() -> Iterator[MakeReconciler]:
    """Build reconcilers, each as in a process of its own, and let go of what they hold."""
    made: list[Leadership] = []

    def make(scene: Scene) -> Reconciler:
        made.append(Leadership(scene.store, Duty.RECONCILE))
        return Reconciler(
            store=scene.store,
            settings=scene.settings,
            arrivals=Arrivals(
                store=scene.store,
                frameio=scene.frameio,
                settings=scene.settings,
                clock=scene.clock,
            ),
            leadership=made[-1],
            clock=scene.clock,
        )

    yield make
    for each in made:
        each.close()


def reconcile(reconciler: Reconciler) -> int:
    """Let it do what is due; return how many files it concerned."""
    return asyncio.run(reconciler.run_once())


def look(scene: Scene) -> int:
    """Read what is due; return how many files that were."""
    return asyncio.run(scene.settler.look_at_due())


def test_start_reads_everything_once(scene: Scene, make_reconciler: MakeReconciler) -> None:
    """What was changed while no service ran is found at once, not at the next slow look."""
    scene.track()
    look(scene)
    scene.frameio.write("c1", "Approved.")
    reconciler = make_reconciler(scene)
    assert look(scene) == 0
    assert reconcile(reconciler) == 1
    assert look(scene) == 1
    assert scene.upload().review_status == "approved"
    assert reconcile(reconciler) == 0


def test_sweep_takes_turns_within_the_limits(scene: Scene, make_reconciler: MakeReconciler) -> None:
    """The files of a sweep are due one after the other, so that others can come in between."""
    for number in range(3):
        scene.track(f"clip-{number}", f"file-{number}")
    look(scene)
    reconcile(make_reconciler(scene))
    turns = sorted(scene.upload(f"clip-{number}").look_at or scene.clock() for number in range(3))
    pauses = [round((turn - scene.clock()).total_seconds(), 2) for turn in turns]
    assert pauses == [0, 0.63, 1.26]


def test_sweep_repeats_for_what_was_not_read(scene: Scene, make_reconciler: MakeReconciler) -> None:
    """Later sweeps leave alone what was read meanwhile."""
    for name in ("read", "unread"):
        scene.track(name, f"file-{name}")
    look(scene)
    reconciler = make_reconciler(scene)
    reconcile(reconciler)
    scene.clock.advance(scene.settings.tracker.reconcile_every.total_seconds() + 1)
    asyncio.run(scene.settler.look_at("file-read"))
    assert reconcile(reconciler) == 1


def test_delivered_videos_are_not_swept(scene: Scene, make_reconciler: MakeReconciler) -> None:
    """Years of deliveries do not stand in the way of what is under review."""
    scene.track()
    scene.frameio.write("c1", "Approved.")
    look(scene)
    with scene.store.writing() as session:
        upload = load_upload(session, "clip", lock=True)
        delivery = claim_delivery(session, upload, name="clip", claimed_by="r", now=scene.clock())
        assert delivery is not None
        complete_delivery(delivery, path="clip.mp4", sha256="0", manifest={}, now=scene.clock())
    assert reconcile(make_reconciler(scene)) == 0


def test_only_one_replica_leads(postgres_store: Store, make_reconciler: MakeReconciler) -> None:
    """On PostgreSQL the second service does not sweep, until the first one is gone."""
    first, second = (Leadership(postgres_store, Duty.RECONCILE) for _ in range(2))
    assert first.is_held()
    assert not second.is_held()
    assert first.is_held()
    first.close()
    assert second.is_held()
    assert not first.is_held()
    second.close()


def test_leader_that_lost_its_connection_asks_again(postgres_store: Store) -> None:
    """A cut connection has lost the lead without a word; it is taken anew, or left to another."""
    first, second = (Leadership(postgres_store, Duty.RECONCILE) for _ in range(2))
    assert first.is_held()
    with postgres_store.writing() as session:
        session.connection().exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
    assert not first.is_held()
    assert second.is_held()
    assert not first.is_held()
    second.close()


def test_sqlite_service_always_leads(sqlite_store: Store) -> None:
    """On SQLite there is one service, and nobody to ask."""
    assert Leadership(sqlite_store, Duty.RECONCILE).is_held()
