"""Rounds on a store and a simulated Frame.io of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from postflow.settings import Settings
from postflow.settings.sections import (
    DatabaseSettings,
    FrameioSettings,
    PostProcessingSettings,
    ReviewSettings,
)
from postflow.simulator.config import SimulatorConfig
from postflow.simulator.serving import RunningSimulator, running_simulator
from postflow.store.database import Store
from tests.versions.rounds import Rounds


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[RunningSimulator]:
    """Run a Frame.io whose transcodes take no time to speak of."""
    config = SimulatorConfig(
        data_dir=tmp_path / "frameio", transcode_delay=timedelta(milliseconds=10)
    )
    with running_simulator(config) as running:
        yield running


@pytest.fixture
def rounds(
    simulator: RunningSimulator, sqlite_store: Store, sqlite_url: str, tmp_path: Path
) -> Rounds:
    """Give one studio with its client."""
    settings = Settings(
        database=DatabaseSettings(url=sqlite_url),
        frameio=FrameioSettings.model_validate(
            {
                "base_url": simulator.base_url,
                "token": "editor@studio.example",
                "respect_rate_limits": False,
                "folder": "Review",
            }
        ),
        review=ReviewSettings(max_rounds=3),
        post_processing=PostProcessingSettings(output_dir=tmp_path / "delivered"),
    )
    return Rounds(simulator=simulator, store=sqlite_store, settings=settings, folder=tmp_path)
