"""Rounds on a store and a simulated Frame.io of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from postflow.settings import Settings
from postflow.settings.sections import (
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
def rounds(simulator: RunningSimulator, sqlite_store: Store, tmp_path: Path) -> Rounds:
    """Give one studio with its client."""
    return _open(simulator, sqlite_store, tmp_path)


@pytest.fixture
def rounds_on_each(simulator: RunningSimulator, store: Store, tmp_path: Path) -> Rounds:
    """Give the same once on each database."""
    return _open(simulator, store, tmp_path)


def _open(simulator: RunningSimulator, store: Store, folder: Path) -> Rounds:
    frameio = {
        "base_url": simulator.base_url,
        "token": "editor@studio.example",
        "respect_rate_limits": False,
        "folder": "Review",
    }
    settings = Settings(
        frameio=FrameioSettings.model_validate(frameio),
        review=ReviewSettings(max_rounds=3),
        post_processing=PostProcessingSettings(output_dir=folder / "delivered"),
    )
    return Rounds(simulator=simulator, store=store, settings=settings, folder=folder)
