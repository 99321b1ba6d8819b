"""What the command line asks Prefect, as plain calls; imported late, Prefect is slow to import."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from postflow.domain.runs import RunState
from postflow.errors import FlowRunError
from postflow.flow_runs import PrefectFlowRuns


def has_deployments(api_url: str, names: Sequence[str]) -> bool:
    """Whether Prefect knows all these `flow/deployment` names."""
    prefect = PrefectFlowRuns(api_url)
    try:
        for name in names:
            asyncio.run(prefect.find_deployment(name))
    except FlowRunError:
        return False
    return True


def start_run(api_url: str, deployment: str, parameters: Mapping[str, Any]) -> str:
    """Start a run of the deployment and return its id."""
    prefect = PrefectFlowRuns(api_url)
    return asyncio.run(prefect.start(deployment, parameters=parameters, tags=["postflow"]))


def read_run(api_url: str, flow_run_id: str) -> tuple[RunState, str]:
    """Return a run's state and the sentence that came with it."""
    return asyncio.run(PrefectFlowRuns(api_url).fetch_outcome(flow_run_id))
