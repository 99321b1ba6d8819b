"""What PostFlow makes of the states that a real Prefect server tells."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from postflow.domain.runs import RunState
from postflow.flow_runs import PrefectFlowRuns
from tests.flows.prefect_server import PrefectServer, shared_server

pytestmark = pytest.mark.prefect


@pytest.fixture(scope="module")
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> PrefectServer:
    """Give the session's Prefect server."""
    return shared_server(request, tmp_path_factory)


@pytest.mark.parametrize(
    ("longest_start", "expected"),
    [(timedelta(minutes=5), RunState.STARTING), (timedelta(0), RunState.CRASHED)],
    ids=["in time", "too late"],
)
def test_pending_for_too_long_is_dead(
    server: PrefectServer, longest_start: timedelta, expected: RunState
) -> None:
    """A run whose runner died while it started stays Pending at Prefect, for ever."""
    flow = server.post("/flows/", {"name": "never-started"}).json()["id"]
    run = {"flow_id": flow, "state": {"type": "PENDING"}}
    run_id = server.post("/flow_runs/", run).json()["id"]
    prefect = PrefectFlowRuns(server.api_url, longest_start=longest_start)
    assert asyncio.run(prefect.fetch_states([run_id])) == {run_id: expected}


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("Rejected: clip.mp4: no", ("COMPLETED", "Rejected", "clip.mp4: no")),
        ("Failed: nobody decided", ("FAILED", "Failed", "nobody decided")),
        ("ValueError: what: ever", ("FAILED", "Failed", "ValueError: what: ever")),
    ],
)
def test_end_is_told_for_a_run(
    server: PrefectServer, end: str, expected: tuple[str, str, str]
) -> None:
    """A run whose process died before it could say how it ended gets that state from outside."""
    flow = server.post("/flows/", {"name": "ended"}).json()["id"]
    run = {"flow_id": flow, "state": {"type": "RUNNING"}}
    run_id = server.post("/flow_runs/", run).json()["id"]
    asyncio.run(PrefectFlowRuns(server.api_url).end(run_id, end))
    state = server.get(f"/flow_runs/{run_id}").json()["state"]
    assert (state["type"], state["name"], state["message"]) == expected


def test_kept_client_answers_again_and_again(server: PrefectServer) -> None:
    """The service asks over one client, and a new one is made for whoever asks afterwards."""
    flow = server.post("/flows/", {"name": "asked-often"}).json()["id"]
    run_id = server.post("/flow_runs/", {"flow_id": flow}).json()["id"]
    prefect = PrefectFlowRuns(server.api_url)

    async def ask_often() -> list[dict[str, RunState]]:
        async with prefect.kept_open():
            inside = [await prefect.fetch_states([run_id]) for _ in range(3)]
        return [*inside, await prefect.fetch_states([run_id])]

    assert asyncio.run(ask_often()) == [{run_id: RunState.STARTING}] * 4


@pytest.mark.parametrize(
    "others",
    [{}, {"RUNNING": RunState.RUNNING}, {None: RunState.MISSING}],
    ids=["all suspended", "one awake", "one unknown"],
)
def test_many_runs_are_told_apart(
    server: PrefectServer, others: dict[str | None, RunState]
) -> None:
    """Where all are suspended a count says so; where one is not, each is looked at."""
    flow = server.post("/flows/", {"name": "many"}).json()["id"]

    def begin(kind: str | None) -> str:
        if kind is None:
            return str(uuid4())
        run = {"flow_id": flow, "state": {"type": kind}}
        return str(server.post("/flow_runs/", run).json()["id"])

    expected = {begin("PAUSED"): RunState.WAITING for _ in range(3)}
    expected |= {begin(kind): state for kind, state in others.items()}
    prefect = PrefectFlowRuns(server.api_url)
    assert asyncio.run(prefect.fetch_states(list(expected))) == expected


def test_kept_client_needs_no_server() -> None:
    """The service starts without Prefect, and says so only when it has to ask."""
    prefect = PrefectFlowRuns("http://127.0.0.1:9/api")

    async def ask() -> bool:
        async with prefect.kept_open():
            return await prefect.is_reachable()

    assert asyncio.run(ask()) is False
