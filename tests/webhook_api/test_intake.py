"""Durability under load and under lock: 202 only after the commit, 503 only if nothing is stored."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest
from sqlmodel import select

from postflow.errors import StoreUnavailableError
from postflow.store.database import Store, open_store
from postflow.store.inbox import Delivery
from postflow.store.tables import EventRow
from tests.factories import PROJECT, make_delivery
from tests.webhook_api.conftest import Service
from tests.webhook_api.signing import BODY, PATH, signed
from webhook_api.intake import Intake


def _send_many(service: Service, bodies: Sequence[bytes]) -> list[int]:
    async def send_all() -> list[int]:
        limits = httpx.Limits(max_connections=64)
        async with httpx.AsyncClient(
            base_url=service.public_url, limits=limits, timeout=30
        ) as client:
            posts = (client.post(PATH, content=body, headers=signed(body)) for body in bodies)
            return [answer.status_code for answer in await asyncio.gather(*posts)]

    return asyncio.run(send_all())


def test_concurrent_deliveries_are_all_stored(service: Service) -> None:
    """Two hundred deliveries at once are two hundred rows, each as it was sent."""
    bodies = [b'{"type":"file.ready","number":%d}' % number for number in range(200)]
    statuses = _send_many(service, bodies)

    assert statuses == [202] * 200
    with service.store.reading() as session:
        assert sorted(session.exec(select(EventRow.body))) == sorted(bodies)


def test_locked_store_is_told_in_time(service: Service) -> None:
    """A locked store is told before Frame.io gives up, and what was refused is not stored later."""
    with service.locked():
        began = time.monotonic()
        statuses = _send_many(service, [BODY] * 20)
        took = time.monotonic() - began
    accepted = service.public.post(PATH, content=BODY, headers=signed())

    assert statuses == [503] * 20
    assert took < 5
    assert accepted.status_code == 202
    assert service.count_events() == 1


def test_locked_store_keeps_nobody_else_waiting(service: Service) -> None:
    """Health and refusals are answered at once while many deliveries wait for the lock."""
    with service.locked(), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(_send_many, service, [BODY] * 60)
        took = []
        while not waiting.done():
            began = time.monotonic()
            assert service.public.get("/health").status_code == 200
            assert service.public.post(PATH, content=BODY).status_code == 401
            took.append(time.monotonic() - began)

    assert set(waiting.result()) == {503}
    assert max(took) < 1


def test_short_lock_only_delays(service: Service) -> None:
    """A lock that goes in time costs nothing but that time: the answer is 202, after the commit."""
    with ThreadPoolExecutor(1) as pool:
        with service.locked():
            waiting = pool.submit(_send_many, service, [BODY] * 5)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.5)
        assert waiting.result(timeout=5) == [202] * 5

    assert service.count_events() == 5


def _record(intake: Intake, deliveries: Sequence[Delivery]) -> list[BaseException | None]:
    async def record_all() -> list[BaseException | None]:
        return await asyncio.gather(*map(intake.record, deliveries), return_exceptions=True)

    intake.start()
    try:
        return asyncio.run(record_all())
    finally:
        intake.close()


def test_intake_stores_on_every_database(store: Store) -> None:
    """On SQLite and PostgreSQL alike a delivery that was taken is committed, and its project told."""
    commits: list[Collection[str | None]] = []
    intake = Intake(store, on_commit=commits.append)
    answers = _record(intake, [make_delivery(f"file-{n}") for n in range(50)])

    assert answers == [None] * 50
    assert 1 <= len(commits) <= 50
    assert all(set(projects) == {PROJECT} for projects in commits)
    with store.reading() as session:
        assert len(session.exec(select(EventRow.id)).all()) == 50


def test_impatience_takes_a_delivery_back(sqlite_url: str) -> None:
    """Patience that ends while the writer waits for the lock leaves nothing behind."""
    store = open_store(sqlite_url, busy_timeout=timedelta(seconds=1))
    intake = Intake(store, patience=timedelta(milliseconds=200))
    with store.writing() as session:
        session.connection()  # a session begins with its first statement
        answers = _record(intake, [make_delivery()])
    with store.reading() as session:
        stored = session.exec(select(EventRow.id)).all()
    store.close()

    assert isinstance(answers[0], StoreUnavailableError)
    assert stored == []


def test_closed_intake_takes_nothing(sqlite_store: Store) -> None:
    """A service that stops refuses what comes after its last commit."""
    intake = Intake(sqlite_store)
    intake.start()
    intake.close()

    with pytest.raises(StoreUnavailableError, match="stopping"):
        asyncio.run(intake.record(make_delivery()))


def test_full_disk_is_told_to_all(sqlite_url: str) -> None:
    """A store that has no room refuses every delivery of the transaction, and goes on later."""
    store = open_store(sqlite_url)
    pages = _limit_pages(store, None)
    _limit_pages(store, pages)
    too_big = Delivery(
        body=b"x" * 900_000, request_timestamp="1", received_at=make_delivery().received_at
    )
    refused = _record(Intake(store), [too_big])
    _limit_pages(store, 1_000_000)
    accepted = _record(Intake(store), [too_big])
    store.close()

    assert isinstance(refused[0], StoreUnavailableError)
    assert accepted == [None]


def _limit_pages(store: Store, most: int | None) -> int:
    """Set how large the database may get (None: leave it); return its size in pages."""
    with store.engine.connect() as connection:
        if most is not None:
            connection.exec_driver_sql(f"PRAGMA max_page_count={most}")
        found: int = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    return found
