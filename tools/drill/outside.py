"""PostFlow as anybody can see it: its API, its inbox, its ledger, and Prefect's own API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from sqlmodel import col, select

from postflow.store.database import open_store
from postflow.store.tables import EventRow, WaitRow

JsonObject = dict[str, Any]
_PAGE = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Inside:
    """What PostFlow and Prefect say at one moment; uploads, runs and waits by file name."""

    uploads: Mapping[str, JsonObject]
    runs: Mapping[str, Sequence[JsonObject]]
    """The `process-video` runs, oldest first."""
    owed: Mapping[str, Sequence[WaitRow]]
    """Waits that have an answer and are not closed."""
    inbox: Counter[tuple[str, bytes]]
    """How many rows there are of each timestamp and body."""
    unsettled: Sequence[EventRow]


def look_inside(*, service_url: str, prefect_url: str, store_url: str) -> Inside:
    """Read everything; raises httpx.HTTPError or PostFlowError while something is away."""
    with httpx.Client(timeout=20) as http:
        uploads = _read_uploads(http, service_url)
        runs = _read_runs(http, prefect_url)
    names = {upload["upload_id"]: upload["filename"] for upload in uploads}
    store = open_store(store_url)
    try:
        with store.reading() as session:
            events = session.exec(select(EventRow)).all()
            due = select(WaitRow).where(
                col(WaitRow.due_at).is_not(None), col(WaitRow.closed_at).is_(None)
            )
            waits = session.exec(due).all()
    finally:
        store.close()
    owed: dict[str, list[WaitRow]] = {}
    for wait in waits:
        owed.setdefault(names.get(wait.upload_id, wait.upload_id), []).append(wait)
    return Inside(
        uploads={upload["filename"]: upload for upload in uploads},
        runs=runs,
        owed=owed,
        inbox=Counter((event.request_timestamp, event.body) for event in events),
        unsettled=[event for event in events if event.settled_at is None],
    )


def _read_uploads(http: httpx.Client, service_url: str) -> list[JsonObject]:
    found: list[JsonObject] = []
    while True:
        page = {"limit": _PAGE, "offset": len(found)}
        answer = http.get(f"{service_url}/api/uploads", params=page).raise_for_status().json()
        found += answer
        if len(answer) < _PAGE:
            return found


def _read_runs(http: httpx.Client, prefect_url: str) -> dict[str, list[JsonObject]]:
    runs: dict[str, list[JsonObject]] = {}
    offset = 0
    while True:
        wanted = {
            "flows": {"name": {"any_": ["process-video"]}},
            "sort": "EXPECTED_START_TIME_ASC",
            "limit": _PAGE,
            "offset": offset,
        }
        answer = http.post(f"{prefect_url}/flow_runs/filter", json=wanted).raise_for_status().json()
        for run in answer:
            runs.setdefault(run["name"], []).append(run)
        offset += len(answer)
        if len(answer) < _PAGE:
            return runs
