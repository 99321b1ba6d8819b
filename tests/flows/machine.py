"""One machine that runs PostFlow for real: Prefect, runner, tracker, store, simulated Frame.io."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlmodel import col, select

from postflow.clock import utc_now
from postflow.domain.standing import ReviewStatus
from postflow.flow_runs import PrefectFlowRuns
from postflow.frameio.opening import open_frameio
from postflow.settings import load_settings
from postflow.simulator.config import SimulatorConfig
from postflow.simulator.serving import RunningSimulator, running_simulator
from postflow.store.database import Store, open_store
from postflow.store.tables import DeliveryRow, FlowRunRow, UploadRow, WaitRow
from postflow.tracker.deciding import decide_by_hand
from postflow.tracker.service import Tracker
from tests.flows.prefect_server import (
    PrefectServer,
    eventually,
    shared_server,
    start_process,
    stop_process,
)
from tests.flows.videos import Videos

_MACHINE: pytest.StashKey[Machine] = pytest.StashKey()


@dataclass(kw_only=True)
class Machine:
    """The parts, and what tests do with them."""

    server: PrefectServer
    simulator: RunningSimulator
    folder: Path
    videos: Videos
    store: Store
    runner: subprocess.Popen[bytes] | None = None
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def delivered(self) -> Path:
        """Where deliveries go."""
        return self.folder / "delivered"

    @property
    def config(self) -> Path:
        """The config file that every process of this machine reads."""
        return self.folder / "pipeline_config.json"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of this machine's processes."""
        return self.server.environment | {"POSTFLOW_CONFIG": str(self.config)}

    def write_config(self, **changes: dict[str, Any]) -> None:
        """Write the config file: everything short, and whatever differs."""
        sections: dict[str, dict[str, Any]] = {
            "database": {"url": f"sqlite:///{self.folder / 'postflow.db'}"},
            "frameio": {
                "base_url": self.simulator.base_url,
                "token": "editor@studio.example",
                "respect_rate_limits": False,
            },
            "webhook": {"enabled": False},
            "post_processing": {"output_dir": str(self.delivered)},
            "tracker": {
                "resume_every": 0.5,
                "poll_every": 2,
                "poll_every_without_webhook": 2,
                "lease": 8,
                "lease_renewal": 1,
                "ready_patience": 4,
            },
        }
        for name, values in changes.items():
            sections[name] = sections.get(name, {}) | values
        new = self.config.with_suffix(".new")
        new.write_text(json.dumps(sections))
        new.replace(self.config)

    @contextmanager
    def configured(self, **changes: dict[str, Any]) -> Iterator[None]:
        """Let flow processes that start meanwhile read other settings."""
        self.write_config(**changes)
        try:
            yield
        finally:
            self.write_config()

    def start_runner(self) -> None:
        """Serve both flows, in a process as `postflow start` does."""
        self.runner = start_process(
            [sys.executable, "-m", "flows.serving"],
            environment=self.environment,
            folder=self.folder,
            log=self.folder / "runner.log",
        )

    def stop_runner(self) -> None:
        """Tell the runner to end, as a machine does that is switched off."""
        if self.runner is not None:
            stop_process(self.runner)

    def submit(self, *paths: Path, deployment: str = "process-batch/local", **more: Any) -> str:
        """Start a batch and return its flow run's id."""
        parameters = {"paths": [str(path) for path in paths], **more}
        return self.start(deployment, parameters)

    def start(self, deployment: str, parameters: dict[str, Any]) -> str:
        """Start a run of a deployment, as soon as there is one of that name."""
        eventually(lambda: self.is_served(deployment), doing=f"{deployment} exists")
        prefect = PrefectFlowRuns(self.server.api_url)
        return asyncio.run(prefect.start(deployment, parameters=parameters))

    def is_served(self, deployment: str) -> bool:
        """Whether the runner has told Prefect of this deployment."""
        log = self.folder / "runner.log"
        assert self.runner is None or self.runner.poll() is None, log.read_text()[-2000:]
        return self.server.get(f"/deployments/name/{deployment}").is_success

    def state(self, flow_run_id: str) -> dict[str, Any]:
        """Return the run's state as Prefect has it: type, name, message."""
        return dict(self.server.get(f"/flow_runs/{flow_run_id}").json()["state"] or {})

    def wait_for_state(self, flow_run_id: str, *types: str) -> dict[str, Any]:
        """Wait until the run is in a state of one of these types."""

        def look() -> dict[str, Any] | None:
            state = self.state(flow_run_id)
            return state if state.get("type") in types else None

        return eventually(look, doing=f"flow run {flow_run_id} gets {types}")

    def wait_until_suspended(self, *names: str) -> None:
        """Wait until the run of each video sleeps and no process of it is left."""
        for name in names:
            eventually(functools.partial(self.last_run, name), doing=f"{name} has a run")
            self.wait_for_state(self.run_of(name), "PAUSED")
            run = self.run_of(name)
            eventually(functools.partial(self.is_gone, run), doing=f"{name} has no process")

    def processes_of(self, flow_run_id: str) -> list[psutil.Process]:
        """Return the living processes that work on this flow run."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("PREFECT__FLOW_RUN_ID") == flow_run_id:
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
        return found

    def is_gone(self, flow_run_id: str) -> bool:
        """Whether no process works on this flow run."""
        return not self.processes_of(flow_run_id)

    def upload(self, name: str) -> UploadRow:
        """Return the upload of the file of this name, which must be there."""
        upload = self.find_upload(name)
        assert upload is not None, name
        return upload

    def find_upload(self, name: str) -> UploadRow | None:
        """Return the upload of the file of this name, if there is one."""
        with self.store.reading() as session:
            return session.exec(select(UploadRow).where(UploadRow.filename == name)).first()

    def last_run(self, name: str) -> FlowRunRow | None:
        """Return what the store knows of the newest run of this video."""
        upload = self.find_upload(name)
        if upload is None:
            return None
        with self.store.reading() as session:
            runs = select(FlowRunRow).where(
                FlowRunRow.upload_id == upload.upload_id, col(FlowRunRow.flow_run_id).is_not(None)
            )
            return session.exec(runs.order_by(col(FlowRunRow.id).desc())).first()

    def run_of(self, name: str) -> str:
        """Return the id of the newest flow run of this video."""
        run = self.last_run(name)
        assert run is not None
        assert run.flow_run_id is not None
        return run.flow_run_id

    def waits_of(self, flow_run_id: str) -> list[WaitRow]:
        """Return every wait of a flow run, oldest first."""
        with self.store.reading() as session:
            mine = select(WaitRow).where(WaitRow.flow_run_id == flow_run_id)
            return list(session.exec(mine.order_by(col(WaitRow.id))))

    def approve(self, name: str, *, undo_window: timedelta | None = None) -> None:
        """Let a person approve by hand; `undo_window` stands in for the configured one."""
        settings = load_settings(self.config)
        review = settings.review.model_copy(update={"undo_window": undo_window})
        with self.store.writing() as session:
            decide_by_hand(
                session,
                self.upload(name).upload_id,
                verdict=ReviewStatus.APPROVED,
                by="pat",
                reason="called Camille",
                settings=settings.model_copy(update={"review": review}),
                now=utc_now(),
            )

    def deliveries(self) -> list[DeliveryRow]:
        """Return every delivery the store knows."""
        with self.store.reading() as session:
            return list(session.exec(select(DeliveryRow)))

    def say(self, name: str, who: str, text: str, **more: Any) -> None:
        """Let a reviewer comment on the file of this name."""
        self.control("POST", f"/files/{name}/comments", {"as": who, "text": text, **more})

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Call a control route of the simulated Frame.io."""
        address = f"{self.simulator.base_url}/_sim{path}"
        answer = self.server.http.request(method, address, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def artifacts(self, flow_run_id: str, key: str) -> list[dict[str, Any]]:
        """Return the artifacts of this key on a run's page."""
        mine = {"flow_run_id": {"any_": [flow_run_id]}, "key": {"any_": [key]}}
        return list(self.server.post("/artifacts/filter", {"artifacts": mine}).json())

    def uploads_at_frameio(self, name: str) -> int:
        """Count the files of this name that the simulated Frame.io holds."""
        return sum(file.name == name for file in self.simulator.world.state.files())


def shared_machine(request: pytest.FixtureRequest, tmp: pytest.TempPathFactory) -> Machine:
    """Return the session's machine, started when first asked for."""
    stash = request.config.stash
    if _MACHINE not in stash:
        server = shared_server(request, tmp)
        stack = ExitStack()
        request.session.addfinalizer(stack.close)
        with pytest.MonkeyPatch.context() as patch:
            # It outlives the test that asks first, whose settings are not its own.
            for name in [name for name in os.environ if name.startswith("POSTFLOW_")]:
                patch.delenv(name)
            stash[_MACHINE] = stack.enter_context(_running(server, tmp.mktemp("machine")))
    return stash[_MACHINE]


@contextmanager
def _running(server: PrefectServer, folder: Path) -> Iterator[Machine]:
    config = SimulatorConfig(data_dir=folder / "frameio", transcode_delay=timedelta(seconds=1))
    with running_simulator(config) as simulator:
        store = open_store(f"sqlite:///{folder / 'postflow.db'}", create=True)
        machine = Machine(
            server=server,
            simulator=simulator,
            folder=folder,
            videos=Videos(folder / "videos"),
            store=store,
        )
        machine.write_config()
        machine.start_runner()
        try:
            with _tracking(machine):
                yield machine
        finally:
            machine.stop_runner()
            store.close()


@contextmanager
def _tracking(machine: Machine) -> Iterator[None]:
    """Run the tracker in a thread of this process for as long as the block lasts."""
    started = threading.Event()
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def track() -> None:
        settings = load_settings(machine.config)
        stop = asyncio.Event()
        loops.append((asyncio.get_running_loop(), stop))
        started.set()
        async with open_frameio(settings.frameio) as frameio:
            tracker = Tracker(
                store=machine.store,
                frameio=frameio,
                flow_runs=PrefectFlowRuns(machine.server.api_url),
                settings=settings,
            )
            await tracker.run(stop)

    thread = threading.Thread(target=lambda: asyncio.run(track()), name="tracker", daemon=True)
    thread.start()
    started.wait(30)
    try:
        yield
    finally:
        loop, stop = loops[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
