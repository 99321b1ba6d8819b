"""The simulated clock: actions in order, at their own time, and no slower for one that fails."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from postflow.simulator.clock import SimulatedClock
from tests.simulator.conftest import eventually


def test_advancing_runs_actions_at_their_time() -> None:
    """An action sees the time at which it was due, and may plan another on the way."""

    async def story() -> list[tuple[str, int]]:
        clock, began, ran = SimulatedClock(), datetime.now().astimezone(), []

        def note(name: str) -> None:
            ran.append((name, round((clock.now() - began).total_seconds())))

        def second() -> None:
            note("second")
            clock.after(timedelta(seconds=5), lambda: note("planned on the way"))

        clock.after(timedelta(seconds=20), second)
        clock.after(timedelta(seconds=10), lambda: note("first"))
        clock.after(timedelta(hours=1), lambda: note("too late"))
        clock.advance(timedelta(seconds=60))
        assert clock.actions_waiting == 1
        assert round((clock.now() - began).total_seconds()) == 60
        return ran

    assert asyncio.run(story()) == [("first", 10), ("second", 20), ("planned on the way", 25)]


def test_scale_shortens_waits_only() -> None:
    """An hour passes in no time, and the time told is still the real one."""

    async def story() -> None:
        clock, ran = SimulatedClock(), asyncio.Event()
        clock.after(timedelta(hours=1), ran.set)
        clock.scale = 1_000_000
        async with asyncio.timeout(10):
            await ran.wait()
        assert clock.advanced_by == timedelta(0)

    asyncio.run(story())


def test_failing_action_does_not_stop_others() -> None:
    """The action after one that failed still runs."""

    async def story() -> None:
        clock, ran = SimulatedClock(), []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: ran.append(context))
        clock.after(timedelta(0), lambda: pytest.fail("this action fails"))
        clock.after(timedelta(milliseconds=1), lambda: ran.append({}))
        await eventually(lambda: len(ran) == 2)

    asyncio.run(story())


def test_actions_survive_their_event_loop() -> None:
    """An action planned in one event loop runs in the next one that asks."""
    clock, ran = SimulatedClock(), []

    async def plan() -> None:
        clock.after(timedelta(seconds=1), lambda: ran.append("planned"))

    async def move_on() -> None:
        clock.advance(timedelta(seconds=1))

    asyncio.run(plan())
    asyncio.run(move_on())
    assert ran == ["planned"]
