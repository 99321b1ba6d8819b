"""What a simulated Frame.io can be told before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from postflow.simulator.scenario import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig:
    """How the simulated Frame.io behaves; the defaults are the real one's, as far as known.

    `time_scale` divides every wait of the simulator itself (transcodes, back-off between
    deliveries, steps of a scenario), never the times it writes down or signs.
    """

    data_dir: Path | None = None  # None: a temporary folder, removed when the app is
    transcode_delay: timedelta = timedelta(seconds=2)
    part_size: int = 20_000_000
    even_parts: bool = True  # False: full parts and a short last one
    url_lifetime: timedelta = timedelta(hours=24)
    token_lifetime: timedelta = timedelta(hours=1)
    frames_per_second: int = 25  # only to write frames as timecodes
    enforce_rate_limits: bool = False
    time_scale: float = 1.0
    delivery_timeout: timedelta = timedelta(seconds=5)
    delivery_attempts: int = 5
    delivery_backoff: timedelta = timedelta(seconds=15)
    delivery_transport: httpx.AsyncBaseTransport | None = None  # None: the network
    versioned_resource: str = "file"  # or "version_stack": what file.versioned names
    completion_also_updates: bool = False  # True: comment.updated comes with completion too
    scenario: Scenario | None = None
