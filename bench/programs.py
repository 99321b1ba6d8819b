"""The real programs that are measured, each as a child on free ports, with stores of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import httpx
import psutil
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from postflow.cli.machine import find_free_ports

POSTGRES_VARIABLE = "POSTFLOW_TEST_POSTGRES_URL"
_POSTGRES = "postgresql+psycopg://postgres@localhost:5432/postgres"
_PATIENCE = 90.0  # seconds until a program listens
_FAREWELL = 30.0


@contextmanager
def running(
    command: Sequence[str], *, folder: Path, ready: str, variables: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python module until the block ends; its output goes to a file in the folder."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(("POSTFLOW_", "PREFECT_"))}
    with (folder / f"{uuid4().hex[:8]}.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 -- our own programs
            [sys.executable, "-m", *command],
            cwd=folder,
            env=own | {"PYTHONPATH": str(Path.cwd())} | dict(variables or {}),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_ready(process, ready, Path(log.name))
            yield process
        finally:
            process.terminate()
            process.wait(_FAREWELL)


class Served(NamedTuple):
    """A program that serves: its address, and its process."""

    address: str
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """Return the processor time that it has taken so far."""
        times = self.process.cpu_times()
        return times.user + times.system


@contextmanager
def serving_bare(folder: Path) -> Iterator[Served]:
    """Run the bare route."""
    (port,) = find_free_ports(1)
    address = f"http://127.0.0.1:{port}"
    command = ["bench.bare", str(port)]
    with running(command, folder=folder, ready=f"{address}/health") as process:
        yield Served(address, psutil.Process(process.pid))


@contextmanager
def serving_simulator(folder: Path) -> Iterator[Served]:
    """Run a simulated Frame.io."""
    (port,) = find_free_ports(1)
    address = f"http://127.0.0.1:{port}"
    command = ["postflow", "simulator", "--port", str(port)]
    with running(command, folder=folder, ready=f"{address}/_sim/state") as process:
        yield Served(address, psutil.Process(process.pid))


@contextmanager
def serving_postflow(
    folder: Path,
    *,
    database: str,
    secret: str,
    frameio: str,
    prefect: str = "http://127.0.0.1:9/api",
) -> Iterator[Served]:
    """Run `postflow serve` with its tracker; gives the address of the public face."""
    public, private = find_free_ports(2)
    config = folder / f"config-{public}.json"
    settings = {
        "database": {"url": database},
        "webhook": {"port": public, "secrets": [secret]},
        "dashboard": {"port": private},
        "frameio": {"base_url": frameio, "token": "postflow", "respect_rate_limits": False},
        "prefect": {"api_url": prefect},
    }
    config.write_text(json.dumps(settings), encoding="utf-8")
    address = f"http://127.0.0.1:{public}"
    variables = {"POSTFLOW_CONFIG": str(config)}
    ready = f"http://127.0.0.1:{private}/ready"
    command = ["postflow", "serve"]
    with running(command, folder=folder, ready=ready, variables=variables) as process:
        yield Served(address, psutil.Process(process.pid))


@contextmanager
def postgres_database() -> Iterator[str | None]:
    """Give the address of a new, empty database, or None where no server answers."""
    url = make_url(os.environ.get(POSTGRES_VARIABLE) or _POSTGRES)
    engine = create_engine(url, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    name = f"postflow_bench_{uuid4().hex[:12]}"
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except OperationalError:
        engine.dispose()
        yield None
        return
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()


def _wait_until_ready(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    ends_at = time.monotonic() + _PATIENCE
    while time.monotonic() < ends_at and process.poll() is None:
        try:
            if httpx.get(address, timeout=5).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.05)
    raise SystemExit(f"A program did not start:\n{log.read_text(errors='replace')[-2000:]}")
