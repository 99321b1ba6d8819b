"""What the statistics and the waiting list cost as the store grows, on SQLite and PostgreSQL.

`make bench-views` runs it. Each store has ten events, three comments and one wait per upload, of
which a hundred waits are open; what the figures mean is in docs/performance.md.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from sqlalchemy import create_engine, insert, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from bench.machine import describe_load, describe_machine
from postflow.store.database import Store, open_store
from postflow.store.tables import (
    CommentRevisionRow,
    CommentRow,
    EventRow,
    UploadRow,
    VersionRow,
    WaitRow,
)
from postflow.store.tallies import ROLLED_EVERY, Tally, roll_on
from postflow.store.views import list_waiting, tracking_stats

SIZES = (1_000, 10_000, 100_000)
EVENTS, COMMENTS, WAITING = 10, 3, 100
CHUNK = 2_000
GOALS = {"statistics": 100.0, "waiting list": 20.0}  # milliseconds, at every size
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
POSTGRES = "postgresql+psycopg://postgres@localhost:5432/postgres"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """How long one reading took, in milliseconds."""

    database: str
    uploads: int
    reading: str
    best: float
    median: float
    worst: float

    @property
    def is_reached(self) -> bool:
        """Whether the goal is reached."""
        return self.median <= GOALS[self.reading]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a goal is missed."""
    options = _parse(arguments)
    print(f"before: {describe_machine()}\n")
    print("| database | uploads | events | reading | best ms | median ms | worst ms | goal |")
    print("|---|---|---|---|---|---|---|---|")
    figures = []
    for database in ("SQLite", "PostgreSQL"):
        for uploads in options.sizes:
            for figure in measure(database, uploads, options):
                figures.append(figure)
                _print_row(figure)
    print(f"\nafter: {describe_load()}")
    return 0 if all(figure.is_reached for figure in figures) else 1


def measure(database: str, uploads: int, options: argparse.Namespace) -> Iterator[Figure]:
    """Fill a new store, and read it as often as asked."""
    opening = _sqlite() if database == "SQLite" else _postgresql(options.postgres)
    with opening as url:
        store = open_store(url, create=True)
        try:
            fill(store, uploads)
            _settle_down(store)
            readings: dict[str, Callable[[Session], object]] = {
                "statistics": tracking_stats,
                "waiting list": list_waiting,
            }
            for name, read in readings.items():
                times = sorted(_time(store, read) for _ in range(options.runs))
                yield Figure(
                    database=database,
                    uploads=uploads,
                    reading=name,
                    best=times[0],
                    median=statistics.median(times),
                    worst=times[-1],
                )
        finally:
            store.close()


def fill(store: Store, uploads: int) -> None:
    """Write so many uploads with their versions, events, comments and waits."""
    for first in range(0, uploads, CHUNK):
        numbers = range(first, min(first + CHUNK, uploads))
        with store.writing() as session:
            connection = session.connection()
            for table, rows in (
                (UploadRow, [_upload(i) for i in numbers]),
                (VersionRow, [_version(i) for i in numbers]),
                (WaitRow, [_wait(i) for i in numbers]),
                (CommentRow, [_comment(i, k) for i in numbers for k in range(COMMENTS)]),
                (CommentRevisionRow, [_revision(i, k) for i in numbers for k in range(COMMENTS)]),
                (EventRow, [_event(i, k) for i in numbers for k in range(EVENTS)]),
            ):
                connection.execute(insert(table), rows)
            session.commit()


def _upload(i: int) -> dict[str, object]:
    review = ("pending", "approved", "approved", "rejected")[i % 4]
    status = ("ready", "ready", "ready", "ready", "failed")[i % 5]
    return {
        "upload_id": f"upload-{i}",
        "filename": f"shot_{i:06}.mov",
        "project_id": f"project-{i % 20}",
        "file_id": f"file-{i}",
        "version": 1,
        "status": status,
        "review_status": review,
        "created_at": NOW,
        "updated_at": NOW,
    }


def _version(i: int) -> dict[str, object]:
    return {
        "upload_id": f"upload-{i}",
        "version": 1,
        "file_id": f"file-{i}",
        "filename": f"shot_{i:06}.mov",
        "view_url": f"https://next.frame.io/project/view/{i}",
        "looks": 5,
        "read_at": NOW,
        "created_at": NOW,
    }


def _wait(i: int) -> dict[str, object]:
    return {
        "upload_id": f"upload-{i}",
        "version": 1,
        "kind": "approval",
        "flow_run_id": f"run-{i}",
        "created_at": NOW + timedelta(seconds=i),
        "attempts": 1,
        "closed_at": None if i < WAITING else NOW,
    }


def _comment(i: int, k: int) -> dict[str, object]:
    return {
        "comment_id": f"comment-{i}-{k}",
        "upload_id": f"upload-{i}",
        "version": 1,
        "file_id": f"file-{i}",
        "author_name": "Cleo",
        "text": "Looks good to me, thank you.",
        "written_at": NOW,
        "verdict": "approved",
        "score": 1.0,
        "reason": "says so",
        "analyser_version": "bench",
    }


def _revision(i: int, k: int) -> dict[str, object]:
    return {
        "comment_id": f"comment-{i}-{k}",
        "sequence": 1,
        "text": "Looks good to me, thank you.",
        "deleted": False,
        "at": NOW,
        "seen_at": NOW,
    }


def _event(i: int, k: int) -> dict[str, object]:
    is_open = i < WAITING and k == 0
    return {
        "received_at": NOW,
        "request_timestamp": "1772442000",
        "body": b'{"type":"comment.created","resource":{"id":"%d-%d","type":"comment"}}' % (i, k),
        "event_type": "comment.created",
        "resource_type": "comment",
        "resource_id": f"comment-{i}-{k}",
        "project_id": f"project-{i % 20}",
        "upload_id": f"upload-{i}",
        "attempts": 1,
        "settled_at": None if is_open else NOW,
    }


def _settle_down(store: Store) -> None:
    """Do what the service and the databases do by themselves in quiet moments."""
    for moment in (NOW, NOW + ROLLED_EVERY):
        with store.writing() as session:
            for tally in Tally:
                roll_on(session, tally, now=moment)
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(
            text("ANALYZE" if connection.dialect.name == "sqlite" else "VACUUM ANALYZE")
        )


def _time(store: Store, read: Callable[[Session], object]) -> float:
    began = time.perf_counter()
    with store.reading() as session:
        read(session)
    return (time.perf_counter() - began) * 1000


@contextmanager
def _sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{Path(folder) / 'bench.db'}"


@contextmanager
def _postgresql(server: str) -> Iterator[str]:
    """Give a new database on the server, which is removed afterwards."""
    url, name = make_url(server), f"postflow_bench_{uuid4().hex[:12]}"
    _administer(url, f"CREATE DATABASE {name}")
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        _administer(url, f"DROP DATABASE {name} WITH (FORCE)")


def _administer(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    except OperationalError:
        sys.exit(f"No PostgreSQL server answers at {server}; start one, or name one by --postgres.")
    finally:
        engine.dispose()


def _print_row(figure: Figure) -> None:
    goal = GOALS[figure.reading]
    reached = "reached" if figure.is_reached else "missed"
    print(
        f"| {figure.database} | {figure.uploads:,} | {figure.uploads * EVENTS:,} | {figure.reading} "
        f"| {figure.best:.1f} | {figure.median:.1f} | {figure.worst:.1f} | ≤ {goal:.0f}: {reached} |",
        flush=True,
    )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.views", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="how many uploads")
    parser.add_argument("--runs", type=int, default=20, help="readings per row of the table")
    server = os.environ.get("POSTFLOW_TEST_POSTGRES_URL") or POSTGRES
    parser.add_argument("--postgres", default=server, help="address of a PostgreSQL server")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
