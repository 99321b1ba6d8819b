"""Long drills in rounds, each small enough for one machine; what is done is kept in a file.

Every round has a seed of its own, made from the drill's, so that a round that failed can be
repeated alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROUND = 30
"""The most uploads of one round: what two cores bring through in a few minutes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """One drill of a long one, on one database."""

    number: int
    database: str
    seed: str
    uploads: int
    kills: int


@dataclass(kw_only=True, slots=True)
class Progress:
    """A long drill and the rounds of it that are over, as they are written down."""

    seed: str
    uploads: int
    kills: int
    databases: Sequence[str]
    done: list[dict[str, Any]]

    @property
    def rounds(self) -> list[Round]:
        """All rounds, one database after the other."""
        return plan_rounds(self.seed, self.uploads, self.kills, self.databases)

    @property
    def left(self) -> list[Round]:
        """The rounds that are still to be done."""
        return self.rounds[len(self.done) :]

    def is_of(
        self, *, seed: str | None, uploads: int, kills: int, databases: Sequence[str]
    ) -> bool:
        """Whether this is the drill that somebody asks for; without a seed any of that size is."""
        asked = (seed or self.seed, uploads, kills, list(databases))
        return asked == (self.seed, self.uploads, self.kills, list(self.databases))

    def save(self, path: Path) -> None:
        """Write it down, so that a reader sees the old state or the new one."""
        new = path.with_suffix(".new")
        new.write_text(json.dumps(asdict(self), indent=2), encoding="utf-8")
        new.replace(path)


def load_progress(path: Path) -> Progress | None:
    """Return what was written down before, or None where there is nothing to be read."""
    try:
        return Progress(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def plan_rounds(seed: str, uploads: int, kills: int, databases: Sequence[str]) -> list[Round]:
    """Return the rounds of a drill: as even as can be, the only one with the drill's own seed."""
    count = max(1, -(-uploads // ROUND))
    return [
        Round(
            number=number,
            database=database,
            seed=seed if count == 1 else f"{seed}.{number}",
            uploads=_share(uploads, number, count),
            kills=_share(kills, number, count),
        )
        for database in databases
        for number in range(1, count + 1)
    ]


def _share(total: int, number: int, count: int) -> int:
    """Return what falls to one of `count`, so that all together are the total."""
    return total * number // count - total * (number - 1) // count
