"""A database that is away while flow processes work: it costs time, no run and no video."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from postflow.clock import utc_now
from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus
from postflow.settings import Settings
from postflow.simulator.config import SimulatorConfig
from postflow.simulator.serving import RunningSimulator, running_simulator
from postflow.store.database import Store, open_store
from postflow.store.flow_runs import check_holder, claim_run, load_run
from postflow.store.tables import DeliveryRow, FlowRunRow, UploadRow, WaitRow
from postflow.store.uploads import load_upload, move_status
from postflow.tracker.deciding import decide_by_hand
from tests.faults.outages import StoppedDatabase
from tests.flows.prefect_server import (
    PrefectServer,
    eventually,
    shared_server,
    start_process,
    stop_process,
)
from tests.flows.videos import Videos

pytestmark = pytest.mark.prefect

_RUN_FLOW = "import sys; from flows.process_video import process_video; process_video(sys.argv[1])"


@dataclass(kw_only=True)
class Work:
    """One flow process, without a deployment, that waits for a transcode that does not end."""

    server: PrefectServer
    store: Store
    url: str
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def log(self) -> str:
        """What the process has printed."""
        return (self.folder / "flow.log").read_text()

    def run(self) -> FlowRunRow:
        """Return the flow run."""
        with self.store.reading() as session:
            return session.exec(select(FlowRunRow)).one()

    def state(self) -> dict[str, Any]:
        """Return the run's state as Prefect has it."""
        answer = self.server.get(f"/flow_runs/{self.run().flow_run_id}").json()
        return dict(answer["state"])

    def is_waiting(self) -> bool:
        """Whether the process waits for the transcode."""
        assert self.process.poll() is None, self.log
        with self.store.reading() as session:
            return session.exec(select(WaitRow.id)).first() is not None

    def finish_review(self) -> None:
        """Say that the video is ready and approved, as the tracker would."""
        with self.store.writing() as session:
            upload_id = session.exec(select(UploadRow.upload_id)).one()
            move_status(load_upload(session, upload_id), UploadStatus.READY, now=utc_now())
        with self.store.writing() as session:
            decide_by_hand(
                session,
                upload_id,
                verdict=ReviewStatus.APPROVED,
                by="Cleo",
                reason="seen it",
                settings=Settings(),
                now=utc_now(),
            )

    def deliveries(self) -> list[DeliveryRow]:
        """Return what was delivered."""
        with self.store.reading() as session:
            return list(session.exec(select(DeliveryRow)))


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    """Give a Frame.io whose transcodes do not end."""
    with running_simulator(SimulatorConfig(transcode_delay=timedelta(hours=1))) as running:
        yield running


@pytest.fixture
def work(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    simulator: RunningSimulator,
    empty_postgres_url: str,
) -> Iterator[Work]:
    """Give a flow process that has uploaded its video and waits for the transcode."""
    server = shared_server(request, tmp_path_factory)
    config = tmp_path / "pipeline_config.json"
    config.write_text(
        json.dumps(
            {
                "database": {"url": empty_postgres_url, "patience": 120},
                "frameio": {
                    "base_url": simulator.base_url,
                    "token": "editor@studio.example",
                    "respect_rate_limits": False,
                },
                "post_processing": {"output_dir": str(tmp_path / "delivered")},
                "tracker": {"ready_patience": 250, "lease": 8, "lease_renewal": 1},
            }
        )
    )
    store = open_store(empty_postgres_url, create=True)
    video = Videos(tmp_path / "videos").make(f"{tmp_path.name}.mp4")
    process = start_process(
        [sys.executable, "-c", _RUN_FLOW, str(video)],
        environment=server.environment | {"POSTFLOW_CONFIG": str(config)},
        folder=Path(__file__).parents[2],
        log=tmp_path / "flow.log",
    )
    work = Work(
        server=server, store=store, url=empty_postgres_url, folder=tmp_path, process=process
    )
    try:
        eventually(work.is_waiting, doing="the flow process waits for the transcode")
        yield work
    finally:
        stop_process(process)
        store.close()


def test_stopped_database_costs_a_run_only_time(work: Work) -> None:
    """A run whose database goes away in the middle waits, goes on, and delivers once."""
    with StoppedDatabase(work.url):
        eventually(lambda: "waiting up to 0:02:00 for the store" in work.log, doing="it waits")
    work.finish_review()
    work.process.wait(timeout=90)
    assert work.state()["type"] == "COMPLETED", work.log
    assert [delivery.delivered_at is not None for delivery in work.deliveries()] == [True]
    assert "the store is back" in work.log
    assert work.log.count("waiting up to") == work.log.count("the store is back")


def test_process_that_slept_ends_quietly(work: Work) -> None:
    """A process that wakes after another one took its run over ends without a word about it."""
    os.kill(work.process.pid, signal.SIGSTOP)
    row = work.run()
    assert row.flow_run_id is not None
    with work.store.writing() as session:
        claim_run(
            session,
            flow_run_id=row.flow_run_id,
            upload_id=row.upload_id,
            version=row.version,
            holder="another process",
            lease_until=utc_now() + timedelta(minutes=1),
            now=utc_now(),
        )
    work.finish_review()
    os.kill(work.process.pid, signal.SIGCONT)
    work.process.wait(timeout=90)
    assert work.state()["type"] == "RUNNING", work.log
    assert work.deliveries() == []
    assert "this one ends without a word" in work.log
    with work.store.reading() as session:
        check_holder(session, row.flow_run_id, holder="another process")
        kept = load_run(session, row.flow_run_id)
    assert kept is not None
    assert (kept.finished_at, kept.note) == (None, None)
    assert kept.lease_until is not None
