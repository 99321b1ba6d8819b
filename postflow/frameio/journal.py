"""What survives the process that uploads: the port that the store implements."""

from __future__ import annotations

import asyncio
from typing import Protocol

from postflow.frameio.chunks import Placeholder


class UploadJournal(Protocol):
    """Remembers one upload's placeholder and its finished parts.

    Called from worker threads, never twice at once; each call must be committed on return.
    """

    def load(self) -> Placeholder | None:
        """Return the recorded placeholder with its `finished` parts."""
        ...

    def placeholder_created(self, placeholder: Placeholder) -> None:
        """Record a new placeholder, in place of any before."""
        ...

    def part_finished(self, number: int) -> None:
        """Record that Frame.io holds this part of the recorded placeholder."""
        ...

    def discarded(self) -> None:
        """Forget the placeholder: it is of no more use."""
        ...


class AsyncJournal:
    """The journal for a coroutine: its database must not stop the other parts."""

    def __init__(self, journal: UploadJournal) -> None:
        self._journal = journal
        self._one_at_a_time = asyncio.Lock()

    async def load(self) -> Placeholder | None:
        """Return the recorded placeholder."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._journal.load)

    async def placeholder_created(self, placeholder: Placeholder) -> None:
        """Record a new placeholder."""
        async with self._one_at_a_time:
            await asyncio.to_thread(self._journal.placeholder_created, placeholder)

    async def part_finished(self, number: int) -> None:
        """Record a finished part."""
        async with self._one_at_a_time:
            await asyncio.to_thread(self._journal.part_finished, number)

    async def discarded(self) -> None:
        """Forget the placeholder."""
        async with self._one_at_a_time:
            await asyncio.to_thread(self._journal.discarded)
