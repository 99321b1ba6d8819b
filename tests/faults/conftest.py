"""What the tests of faults share."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from postflow.simulator.config import SimulatorConfig
from postflow.store.database import open_store
from tests.faults.uploads import Studio
from tests.frameio.simulated import simulate


@pytest.fixture
def studio(sqlite_url: str, tmp_path: Path) -> Iterator[Studio]:
    """Give an empty store, an empty Frame.io that cuts files every 100 000 bytes, and a folder."""
    store = open_store(sqlite_url)
    config = SimulatorConfig(part_size=100_000, transcode_delay=timedelta(hours=1))
    with simulate(config) as frameio:
        yield Studio(frameio=frameio, store=store, url=sqlite_url, folder=tmp_path)
    store.close()
