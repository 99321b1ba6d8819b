"""Signed deliveries, each another one, and wrk that sends them."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from postflow.frameio.webhooks import sign_delivery

SECRET = "a-secret-of-the-bench"  # noqa: S105 -- it guards nothing
_SCRIPT = Path(__file__).with_name("deliveries.lua")


@dataclass(frozen=True, kw_only=True)
class Sent:
    """How sending went: answers a second, milliseconds, and what was not answered 2xx."""

    rate: float
    p50: float
    p99: float
    answers: int
    failed: int


def find_wrk() -> str | None:
    """Find the load generator."""
    return shutil.which("wrk")


def make_body(event: str, resource_id: str, *, project_id: str) -> bytes:
    """Write a delivery as Frame.io does."""
    ids = {name: {"id": str(uuid4())} for name in ("account", "user", "workspace")}
    resource = {"id": resource_id, "type": event.partition(".")[0]}
    return json.dumps(
        {**ids, "project": {"id": project_id}, "resource": resource, "type": event}
    ).encode()


def write_deliveries(path: Path, count: int) -> None:
    """Write so many comments of one project that nobody tracks, signed as of now."""
    project_id, timestamp = str(uuid4()), int(time.time())
    with path.open("wb") as file:
        for body in _bodies(count, project_id):
            signature = sign_delivery(secret=SECRET, timestamp=timestamp, body=body)
            file.write(f"{timestamp}\t{signature}\t".encode() + body + b"\n")


def send_by_wrk(address: str, deliveries: Path, *, connections: int, seconds: int) -> Sent:
    """Send the file's deliveries, from its first one again where they are not enough."""
    command = [
        *(find_wrk() or "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"),
        *("-s", str(_SCRIPT), address, "--", str(deliveries)),
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
    found = json.loads(told.strip().splitlines()[-1])
    return Sent(
        rate=found["answers"] / found["seconds"],
        p50=found["p50"],
        p99=found["p99"],
        answers=found["answers"],
        failed=found["refused"] + found["broken"],
    )


def _bodies(count: int, project_id: str) -> Iterator[bytes]:
    for _ in range(count):
        yield make_body("comment.created", str(uuid4()), project_id=project_id)
