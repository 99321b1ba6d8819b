"""Two services on one PostgreSQL: they share the work, and one dies in the middle of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlmodel import Session, col, func, select

from postflow.clock import utc_now
from postflow.simulator.config import SimulatorConfig
from postflow.store.database import Store
from postflow.store.tables import DecisionRow, EventRow, UploadRow
from postflow.store.uploads import register_upload
from tests.frameio.simulated import Simulated, simulate
from tests.webhook_api.signing import PATH, SECRET, signed

UPLOADS, TIMES = 12, 4
DEADLINE = 90.0
PROGRAM = """
import sys
from postflow.settings import load_settings
from webhook_api.serving import run
run(load_settings(sys.argv[1]), on_listening=lambda *urls: print(*urls, flush=True))
"""


class Service:
    """One `serve` process, and the address of its public face."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.public = next(line for line in process.stdout if line.startswith("http")).split()[0]
        # What it logs is read, or the process would wait for somebody to do it.
        threading.Thread(target=process.stdout.read, daemon=True).start()

    def kill(self) -> None:
        """End it as a machine does that loses its power."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=20)


@contextmanager
def _serving(folder: Path, name: str, url: str, frameio: Simulated) -> Iterator[Service]:
    config = folder / name / "pipeline_config.json"
    config.parent.mkdir()
    sections = {
        "webhook": {"port": 0, "secrets": [SECRET]},
        "dashboard": {"port": 0},
        "database": {"url": url},
        "frameio": {"base_url": frameio.address, "token": "editor", "respect_rate_limits": False},
        "prefect": {"api_url": "http://127.0.0.1:9/api"},
        "tracker": {"poll_every": 600, "poll_every_without_webhook": 600},
        "logs": {"folder": str(config.parent / "logs")},
    }
    config.write_text(json.dumps(sections), encoding="utf-8")
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", PROGRAM, str(config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={key: value for key, value in os.environ.items() if not key.startswith("POSTFLOW_")},
    ) as process:
        try:
            yield Service(process)
        finally:
            process.kill()


@pytest.fixture
def frameio() -> Iterator[Simulated]:
    """Run a Frame.io whose own deliveries go nowhere: the test brings them itself."""
    with simulate(SimulatorConfig(transcode_delay=timedelta(0))) as running:
        yield running


@pytest.fixture
def services(
    tmp_path: Path, postgres_store: Store, frameio: Simulated
) -> Iterator[tuple[Service, Service]]:
    """Start two services on one database; the first one leads, because it was alone."""
    url = postgres_store.engine.url.render_as_string(hide_password=False)
    with ExitStack() as stack:
        first = stack.enter_context(_serving(tmp_path, "first", url, frameio))
        eventually(lambda: leader(postgres_store) is not None)
        second = stack.enter_context(_serving(tmp_path, "second", url, frameio))
        yield first, second


def eventually(happened: Callable[[], bool]) -> None:
    """Wait until it has happened, or fail."""
    ends_at = time.monotonic() + DEADLINE
    while not happened():
        assert time.monotonic() < ends_at, "it did not happen in time"
        time.sleep(0.1)


def leader(store: Store) -> int | None:
    """Return PostgreSQL's number for the connection that leads."""
    with store.reading() as session:
        found: int | None = (
            session.connection()
            .exec_driver_sql(
                "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND "
                "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            .scalar()
        )
        return found


def count(session: Session, *conditions: object) -> int:
    """Return how many uploads fit."""
    statement = select(func.count()).select_from(UploadRow).where(*conditions)  # type: ignore[arg-type]  # conditions of any kind
    return session.exec(statement).one()


def track(store: Store, frameio: Simulated, number: int) -> str:
    """Put a file there and track it; return its id."""
    name = f"clip-{number}.mp4"
    file_id = str(frameio.order("POST", "/files", file_name=name, **{"as": "editor"})["id"])
    with store.writing() as session:
        register_upload(
            session,
            upload_id=f"clip-{number}",
            filename=name,
            file_id=file_id,
            project_id=frameio.project["id"],
            now=utc_now(),
        )
    return file_id


def approve(frameio: Simulated, file_id: str) -> bytes:
    """Let a client approve; return the delivery that tells of it."""
    comment = frameio.order(
        "POST", f"/files/{file_id}/comments", text="Approved.", **{"as": "cleo@client.example"}
    )
    body = {
        "type": "comment.created",
        "resource": {"id": comment["id"], "type": "comment"},
        "project": {"id": frameio.project["id"]},
        "user": {"id": comment["owner"]["id"]},
    }
    return json.dumps(body).encode()


def deliver(service: Service, body: bytes) -> bool:
    """Send a delivery; whether it was acknowledged."""
    try:
        answer = httpx.post(service.public + PATH, content=body, headers=signed(body), timeout=10)
    except httpx.HTTPError:
        return False
    return answer.status_code == 202


def test_replicas_share_and_survive_each_other(
    services: tuple[Service, Service], postgres_store: Store, frameio: Simulated
) -> None:
    """Every acknowledged event is settled once, no decision is doubled, the lead changes hands."""
    first, second = services
    bodies = [approve(frameio, track(postgres_store, frameio, i)) for i in range(UPLOADS)]
    led_before = leader(postgres_store)
    sent = [(services[i % 2], body) for i, body in enumerate(bodies * TIMES)]
    with ThreadPoolExecutor(8) as pool:
        halfway = len(sent) // 2
        acknowledged = sum(pool.map(lambda each: deliver(*each), sent[:halfway]))
        first.kill()
        acknowledged += sum(pool.map(lambda each: deliver(second, each[1]), sent[halfway:]))

    def is_settled() -> bool:
        with postgres_store.reading() as session:
            approved = count(session, UploadRow.review_status == "approved") == UPLOADS
            unsettled = select(EventRow.id).where(col(EventRow.settled_at).is_(None)).limit(1)
            return approved and session.exec(unsettled).first() is None

    eventually(is_settled)
    eventually(lambda: leader(postgres_store) not in (None, led_before))
    with postgres_store.reading() as session:
        events = session.exec(select(EventRow)).all()
        decisions = session.exec(select(DecisionRow)).all()
    assert len(events) == acknowledged == len(sent)
    assert {event.set_aside_at for event in events} == {None}
    assert sorted(each.upload_id for each in decisions) == sorted(
        f"clip-{i}" for i in range(UPLOADS)
    )

    # What only the leader does goes on: a file that is known by name is found.
    with postgres_store.writing() as session:
        project_id = frameio.project["id"]
        register_upload(
            session, upload_id="named", filename="named.mp4", project_id=project_id, now=utc_now()
        )
    frameio.order("POST", "/files", file_name="named.mp4", **{"as": "editor"})

    def is_attached() -> bool:
        with postgres_store.reading() as session:
            return session.get_one(UploadRow, "named").file_id is not None

    eventually(is_attached)
