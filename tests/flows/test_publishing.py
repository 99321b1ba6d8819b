"""What the tracker attaches to a run from outside, with a real Prefect server."""

from __future__ import annotations

import asyncio
import os
from uuid import uuid4

import psutil
import pytest

from postflow.domain.runs import ArtifactKind, RunArtifact
from postflow.flow_runs import PrefectFlowRuns
from tests.flows.prefect_server import shared_server

pytestmark = pytest.mark.prefect


def test_publishing_starts_no_other_server(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An artifact arrives at the server of the settings, and no second one is started for it."""
    server = shared_server(request, tmp_path_factory)
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    before = set(psutil.Process().children(recursive=True))
    artifact = RunArtifact(
        flow_run_id=str(uuid4()),
        key="verdict",
        kind=ArtifactKind.MARKDOWN,
        description="Why it is approved",
        data="approved by Cleo",
    )
    asyncio.run(PrefectFlowRuns(server.api_url).publish(artifact))
    mine = {"flow_run_id": {"any_": [artifact.flow_run_id]}}
    (found,) = server.post("/artifacts/filter", {"artifacts": mine}).json()
    assert (found["key"], found["data"]) == ("verdict", "approved by Cleo")
    assert set(psutil.Process().children(recursive=True)) - before == set()
