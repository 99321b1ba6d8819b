"""What survives the process that uploads: the port that the store implements."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from postflow.frameio.chunks import Placeholder

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedFor:
    """A placeholder that Frame.io was asked for at a moment."""

    folder_id: str
    name: str
    size: int
    since: datetime


class UploadJournal(Protocol):
    """Remembers one upload's placeholder, its finished parts, and a question without an answer.

    Called from worker threads, never twice at once; each call must be committed on return.
    """

    def load(self) -> Placeholder | None:
        """Return the recorded placeholder with its `finished` parts."""
        ...

    def asking(self, asked: AskedFor) -> None:
        """Record that Frame.io is asked for a placeholder from now on."""
        ...

    def answer_lost(self) -> None:
        """Record that it cannot be known whether the placeholder exists."""
        ...

    def answered(self) -> None:
        """Record that nothing is open any more."""
        ...

    def unanswered(self) -> AskedFor | None:
        """Return what was asked for and may have left a placeholder behind."""
        ...

    def orphans_among(self, file_ids: frozenset[str], asked: AskedFor) -> frozenset[str] | None:
        """Return those that no upload has on record; None while another one asks for the same."""
        ...

    def placeholder_created(self, placeholder: Placeholder) -> None:
        """Record a new placeholder, in place of any before; it answers what was asked."""
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
        return await self._apart(self._journal.load)

    async def asking(self, asked: AskedFor) -> None:
        """Record that Frame.io is asked from now on."""
        await self._apart(lambda: self._journal.asking(asked))

    async def answer_lost(self) -> None:
        """Record that the placeholder may exist."""
        await self._apart(self._journal.answer_lost)

    async def answered(self) -> None:
        """Record that nothing is open any more."""
        await self._apart(self._journal.answered)

    async def unanswered(self) -> AskedFor | None:
        """Return what may have left a placeholder behind."""
        return await self._apart(self._journal.unanswered)

    async def orphans_among(
        self, file_ids: frozenset[str], asked: AskedFor
    ) -> frozenset[str] | None:
        """Return those that belong to nobody; None while that cannot be known."""
        return await self._apart(lambda: self._journal.orphans_among(file_ids, asked))

    async def placeholder_created(self, placeholder: Placeholder) -> None:
        """Record a new placeholder."""
        await self._apart(lambda: self._journal.placeholder_created(placeholder))

    async def part_finished(self, number: int) -> None:
        """Record a finished part."""
        await self._apart(lambda: self._journal.part_finished(number))

    async def discarded(self) -> None:
        """Forget the placeholder."""
        await self._apart(self._journal.discarded)

    async def _apart(self, call: Callable[[], T]) -> T:
        async with self._one_at_a_time:
            return await asyncio.to_thread(call)
