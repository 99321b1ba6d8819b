"""Frame.io's narrow rate limits, shared by every process that reads reviews on one store."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from postflow.domain.polling import Endpoint
from postflow.frameio import requests, review_requests
from postflow.frameio.ratelimits import POLITE, TakeTurn
from postflow.store.allowances import take_turn
from postflow.store.database import Store
from postflow.tracker.ports import Clock


def share_turns(store: Store, clock: Clock) -> TakeTurn:
    """Return what takes turns in the store, so that replicas and commands queue in one line."""

    def take(operation: str, every: timedelta) -> timedelta:
        with store.writing() as session:
            return take_turn(session, f"at Frame.io: {operation}", every=every, now=clock())

    async def wait_in_line(operation: str, every: timedelta) -> timedelta:
        return await asyncio.to_thread(take, operation, every)

    return wait_in_line


def endpoints_of_a_look() -> list[Endpoint]:
    """Return what reading one file, stacked and without news, asks of each rate limit."""
    calls = (
        requests.show_file("", ""),
        review_requests.list_comments("", "", include=()),
        requests.show_version_stack("", ""),
    )
    return [
        Endpoint(calls=1, per_second=call.rate.calls * POLITE / call.rate.seconds) for call in calls
    ]
