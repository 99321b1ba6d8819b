"""What Prefect says of many flow runs, asked for so that its server stays free for others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import StateType

from postflow.domain.runs import RunState

_PAGE = 50
"""Runs in one answer: Prefect's server answers nobody else before it has written all of them."""
_COUNTED = 200
"""Runs in one count, which Prefect's database makes alone."""
_STATES = {
    StateType.PAUSED: RunState.WAITING,
    StateType.SCHEDULED: RunState.STARTING,
    StateType.PENDING: RunState.STARTING,
    StateType.RUNNING: RunState.RUNNING,
    StateType.CRASHED: RunState.CRASHED,
    StateType.CANCELLED: RunState.CANCELLED,
    StateType.CANCELLING: RunState.CANCELLED,
    StateType.COMPLETED: RunState.FINISHED,
    StateType.FAILED: RunState.FINISHED,
}


async def read_states(
    prefect: PrefectClient, ids: Sequence[str], *, longest_start: timedelta
) -> dict[str, RunState]:
    """Return the state of each of these runs that Prefect knows."""
    states: dict[str, RunState] = {}
    for portion in _portions(ids, _COUNTED):
        if await _are_all_suspended(prefect, portion):
            states |= dict.fromkeys(portion, RunState.WAITING)
        else:
            states |= await _read_each(prefect, portion, longest_start=longest_start)
    return states


def read_state(state: Mapping[str, Any] | None, *, longest_start: timedelta) -> RunState:
    """Return what a state, as Prefect writes it in JSON, means for a wake-up."""
    if state is None:
        return RunState.STARTING
    kind, at = StateType(state["type"]), datetime.fromisoformat(state["timestamp"])
    if kind is StateType.PENDING and datetime.now(UTC) - at > longest_start:
        return RunState.CRASHED
    return _STATES[kind]


async def _are_all_suspended(prefect: PrefectClient, ids: Sequence[str]) -> bool:
    """Whether every one of several runs is suspended, as nearly all are that somebody asks for.

    A run that one asks for alone is most likely asked for because it is not.
    """
    if len(ids) == 1:
        return False
    asked = {"id": {"any_": ids}, "state": {"type": {"any_": [StateType.PAUSED.value]}}}
    answer = await prefect.request("POST", "/flow_runs/count", json={"flow_runs": asked})
    return bool(answer.json() == len(ids))


async def _read_each(
    prefect: PrefectClient, ids: Sequence[str], *, longest_start: timedelta
) -> dict[str, RunState]:
    states: dict[str, RunState] = {}
    for portion in _portions(ids, _PAGE):
        asked = {"flow_runs": {"id": {"any_": portion}}, "limit": _PAGE}
        # Not by the client's `read_flow_runs`: it makes whole flow runs of the answer, and nobody
        # else is served meanwhile.
        answer = await prefect.request("POST", "/flow_runs/filter", json=asked)
        for run in answer.json():
            states[run["id"]] = read_state(run["state"], longest_start=longest_start)
    return states


def _portions(ids: Sequence[str], length: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), length):
        yield ids[start : start + length]
