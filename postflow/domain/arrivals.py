"""When a file that somebody copies into a folder may be taken: once it has stopped growing.

Sees only what it is shown; moments are seconds of any clock that never goes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_FIRST_PAUSE = 15.0  # seconds until a file that was refused is tried again; doubled up to
_LONGEST_PAUSE = 600.0
_MOST_DOUBLINGS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class FileState:
    """By what one can see that a file was written to."""

    size: int
    modified_ns: int


@dataclass(kw_only=True, slots=True)
class _Arrival:
    state: FileState
    since: float
    is_taken: bool = False
    refusals: int = 0
    try_at: float = 0.0


class Arrivals:
    """Remembers the files of a folder, since when each is as it is, and which were taken."""

    def __init__(self, *, settle: float) -> None:
        self._settle = settle
        self._files: dict[Path, _Arrival] = {}

    def look(self, found: Mapping[Path, FileState], *, now: float) -> list[Path]:
        """Return the files to take now: unchanged long enough, not empty, not taken as they are."""
        self._files = {
            path: known
            if (known := self._files.get(path)) is not None and known.state == state
            else _Arrival(state=state, since=now)
            for path, state in found.items()
        }
        return sorted(path for path, each in self._files.items() if self._is_due(each, now))

    def take(self, path: Path) -> None:
        """Say that the file was dealt with; it comes again only when it changes."""
        if path in self._files:
            self._files[path].is_taken = True

    def refuse(self, path: Path, *, now: float) -> None:
        """Say that the file could not be dealt with now; it comes again after a growing pause."""
        arrival = self._files.get(path)
        if arrival is not None:
            pause = _FIRST_PAUSE * 2 ** min(arrival.refusals, _MOST_DOUBLINGS)
            arrival.refusals += 1
            arrival.try_at = now + min(pause, _LONGEST_PAUSE)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is on its way, so that only an event can bring news."""
        return all(each.is_taken for each in self._files.values())

    def _is_due(self, arrival: _Arrival, now: float) -> bool:
        if arrival.is_taken or arrival.state.size == 0:
            return False
        return now - arrival.since >= self._settle and now >= arrival.try_at
