"""The limit of parts in flight that several event loops of a process share."""

from __future__ import annotations

import asyncio
import threading

import pytest

from postflow.frameio.slots import ProcessSlots, process_slots

DEADLINE = 10.0


def test_same_limit_means_same_slots() -> None:
    """Uploads that ask for one limit share it."""
    assert process_slots(31) is process_slots(31)


def test_loops_in_threads_share_the_slots() -> None:
    """Four loops with eight tasks each never hold more than two slots, and all get their turn."""
    slots, counting = ProcessSlots(2), threading.Lock()
    held, most, turns = 0, 0, 0

    async def hold() -> None:
        nonlocal held, most, turns
        async with slots:
            with counting:
                held += 1
                most = max(most, held)
            await asyncio.sleep(0)
            with counting:
                held -= 1
                turns += 1

    async def run() -> None:
        await asyncio.gather(*(hold() for _ in range(8)))

    threads = [threading.Thread(target=asyncio.run, args=[run()]) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(DEADLINE)
    assert turns == 32
    assert most <= 2


def test_cancelled_task_gives_its_turn_away() -> None:
    """Whoever stops waiting, even just when its turn comes, keeps no slot."""
    slots = ProcessSlots(1)

    async def wait_forever() -> None:
        async with slots:
            await asyncio.Event().wait()

    async def run() -> None:
        holder = asyncio.create_task(wait_forever())
        await asyncio.sleep(0)
        waiters = [asyncio.create_task(wait_forever()) for _ in range(3)]
        await asyncio.sleep(0)
        for each in (waiters[1], holder, waiters[0], waiters[2]):
            each.cancel()
        await asyncio.gather(holder, *waiters, return_exceptions=True)
        async with asyncio.timeout(DEADLINE), slots:
            pass

    asyncio.run(run())


def test_closed_loop_keeps_no_slot() -> None:
    """A loop that ended while somebody waited in it does not stop the others."""
    slots = ProcessSlots(1)
    ended = asyncio.new_event_loop()

    async def run() -> None:
        async with slots:
            slots._waiting.append(ended.create_future())
            ended.close()
        async with asyncio.timeout(DEADLINE), slots:
            pass

    asyncio.run(run())


@pytest.mark.parametrize("limit", [1, 5])
def test_slots_come_back(limit: int) -> None:
    """After use there are as many as before."""
    slots = ProcessSlots(limit)

    async def use() -> None:
        async with slots:
            await asyncio.sleep(0)

    async def run() -> None:
        await asyncio.gather(*(use() for _ in range(20)))

    asyncio.run(run())
    assert slots._free == limit
