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
    """Return the state of each of these runs that Prefect knows.

    Nearly all that somebody asks for together are suspended, so those are counted, and only the
    others are read. Where that does not add up, because one is unknown or has just changed, each is.
    """
    states: dict[str, RunState] = {}
    for portion in _portions(ids, _COUNTED):
        found = await _read_awake(prefect, portion, longest_start=longest_start)
        states |= found or await _read_each(prefect, portion, longest_start=longest_start)
    return states


def read_state(state: Mapping[str, Any] | None, *, longest_start: timedelta) -> RunState:
    """Return what a state, as Prefect writes it in JSON, means for a wake-up."""
    if state is None:
        return RunState.STARTING
    kind, at = StateType(state["type"]), datetime.fromisoformat(state["timestamp"])
    if kind is StateType.PENDING and datetime.now(UTC) - at > longest_start:
        return RunState.CRASHED
    return _STATES[kind]


async def _read_awake(
    prefect: PrefectClient, ids: Sequence[str], *, longest_start: timedelta
) -> dict[str, RunState] | None:
    """Return all states by reading those that are not suspended; None where that is not clear."""
    if len(ids) == 1:  # one that is asked for alone is most likely asked for because it is awake
        return None
    counted = {"id": {"any_": ids}, "state": {"type": {"any_": [StateType.PAUSED.value]}}}
    answer = await prefect.request("POST", "/flow_runs/count", json={"flow_runs": counted})
    count, awake = answer.json(), {}
    if count < len(ids):
        others = [kind.value for kind in StateType if kind is not StateType.PAUSED]
        asked = {"id": {"any_": ids}, "state": {"type": {"any_": others}}}
        awake = await _read(prefect, asked, longest_start=longest_start)
    is_clear = len(awake) < _PAGE and count + len(awake) == len(ids)
    return dict.fromkeys(ids, RunState.WAITING) | awake if is_clear else None


async def _read_each(
    prefect: PrefectClient, ids: Sequence[str], *, longest_start: timedelta
) -> dict[str, RunState]:
    states: dict[str, RunState] = {}
    for portion in _portions(ids, _PAGE):
        states |= await _read(prefect, {"id": {"any_": portion}}, longest_start=longest_start)
    return states


async def _read(
    prefect: PrefectClient, asked: Mapping[str, Any], *, longest_start: timedelta
) -> dict[str, RunState]:
    """Return the state of a page of the runs that this filter leaves."""
    # Not by the client's `read_flow_runs`: it makes whole flow runs of the answer, and nobody else
    # is served meanwhile.
    wanted = {"flow_runs": asked, "limit": _PAGE}
    answer = await prefect.request("POST", "/flow_runs/filter", json=wanted)
    return {
        run["id"]: read_state(run["state"], longest_start=longest_start) for run in answer.json()
    }


def _portions(ids: Sequence[str], length: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), length):
        yield ids[start : start + length]
