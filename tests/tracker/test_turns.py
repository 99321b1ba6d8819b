"""Frame.io's narrow limits are one queue for all processes on one store."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from postflow.domain.polling import estimate_sweep
from postflow.frameio import requests, review_requests
from postflow.frameio.protocol import Call, P
from postflow.frameio.ratelimits import RateLimits
from postflow.tracker.turns import endpoints_of_a_look, share_turns
from tests.tracker.conftest import Scene

COMMENTS = review_requests.list_comments("account", "file", include=())


def calls_at_once(scene: Scene, call: Call[P], *, processes: int, each: int) -> int:
    """Return how many calls pass without any wait, made by several processes at one moment."""

    async def pass_all() -> int:
        passed = 0
        for _ in range(processes):
            limits = RateLimits(take_turn=share_turns(scene.store, scene.clock))
            for _ in range(each):
                try:
                    await asyncio.wait_for(limits.wait_for_turn(call), timeout=0.3)
                except TimeoutError:
                    return passed
                passed += 1
        return passed

    return asyncio.run(pass_all())


def test_two_processes_share_one_limit(sqlite_scene: Scene) -> None:
    """A command beside the service cannot take more than what the service has left of a minute."""
    assert calls_at_once(sqlite_scene, COMMENTS, processes=2, each=60) == 95


def test_fast_limits_cost_no_transaction(sqlite_scene: Scene) -> None:
    """Limits that recover within a second are left to each process."""
    file = requests.show_file("account", "file")
    assert calls_at_once(sqlite_scene, file, processes=3, each=5) == 15


def test_thousand_reviews_take_ten_minutes() -> None:
    """What the pages say about a sweep follows from the limits of the calls it makes."""
    assert (
        timedelta(minutes=10) < estimate_sweep(1000, endpoints_of_a_look()) < timedelta(minutes=11)
    )
