"""How fast PostFlow acknowledges deliveries that are on disk, beside a route that stores nothing.

`make bench-ingest` runs it. In each round everybody gets the same deliveries over 64 connections;
afterwards every one that was acknowledged is counted in the store, and settled. What the figures
mean is in docs/performance.md.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlmodel import Session, col, func, select

from bench.deliveries import SECRET, Sent, find_wrk, send_by_wrk, write_deliveries
from bench.machine import describe_machine
from bench.programs import (
    Served,
    postgres_database,
    serving_bare,
    serving_postflow,
    serving_simulator,
)
from postflow.store.database import Store, open_store
from postflow.store.tables import EventRow

GOALS = (1.0, 2.0)
"""At least so many times bare's answers a second, at most so many times its p99."""
_SETTLE_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What the rounds of one candidate gave."""

    rounds: list[Sent] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """Microseconds of processor time for one answer, with all that the program does beside it."""
    settled: list[float] = field(default_factory=list)
    """Events settled a second, from the first delivery until the last one was settled."""

    def median(self, of: Callable[[Sent], float]) -> float:
        """Return the median over the rounds."""
        return statistics.median(of(each) for each in self.rounds)


def measure(
    folder: Path, *, rounds: int, seconds: int, connections: int, names: Sequence[str]
) -> dict[str, Figures]:
    """Run everybody in turn, the first one another each time."""
    found = {name: Figures() for name in names}
    with serving_simulator(folder) as frameio:
        for number in range(rounds):
            order = list(found)
            start = number % len(order)
            for name in (*order[start:], *order[:start]):
                sending = _Sending(
                    folder, frameio.address, seconds=seconds, connections=connections
                )
                sending.run(name, found[name])
    return {name: figures for name, figures in found.items() if figures.rounds}


@dataclass(frozen=True)
class _Sending:
    folder: Path
    frameio: str
    seconds: int
    connections: int

    def run(self, name: str, figures: Figures) -> None:
        """Send one round to one candidate."""
        if name == "bare":
            with serving_bare(self.folder) as served:
                self._send(served, figures)
            return
        database = _sqlite if name == "sqlite" else _postgres
        with database(self.folder) as url:
            if url is None:
                return
            with serving_postflow(
                self.folder, database=url, secret=SECRET, frameio=self.frameio
            ) as served:
                store = open_store(url)
                began = time.perf_counter()
                self._send(served, figures)
                stored = _wait_until_settled(store, figures.rounds[-1])
                figures.settled.append(stored / (time.perf_counter() - began))
                store.close()

    def _send(self, served: Served, figures: Figures) -> None:
        deliveries = self.folder / "deliveries"
        write_deliveries(deliveries, 60_000)
        send_by_wrk(served.address, deliveries, connections=self.connections, seconds=1)
        before = served.cpu_seconds()
        sent = send_by_wrk(
            served.address, deliveries, connections=self.connections, seconds=self.seconds
        )
        figures.rounds.append(sent)
        figures.cpu.append((served.cpu_seconds() - before) / sent.answers * 1e6)


@contextmanager
def _sqlite(folder: Path) -> Iterator[str | None]:
    with tempfile.TemporaryDirectory(dir=folder) as own:
        yield f"sqlite:///{own}/postflow.db"


def _postgres(_folder: Path) -> AbstractContextManager[str | None]:
    return postgres_database()


def _wait_until_settled(store: Store, sent: Sent) -> int:
    """Return how many events are stored once all are settled; ends where one is missing."""
    ends_at = time.monotonic() + _SETTLE_SECONDS
    while time.monotonic() < ends_at:
        with store.reading() as session:
            if _count(session, settled=False) == 0:
                stored = _count(session, settled=True)
                if stored < sent.answers - sent.failed:
                    raise SystemExit(f"{sent.answers} were acknowledged, {stored} are stored.")
                return stored
        time.sleep(0.1)
    raise SystemExit("The events are not settled in time; look into the tracker.")


def _count(session: Session, *, settled: bool) -> int:
    open_ones = col(EventRow.settled_at).is_(None)
    return session.exec(
        select(func.count()).select_from(EventRow).where(~open_ones if settled else open_ones)
    ).one()


def print_table(found: dict[str, Figures]) -> None:
    """Print one line per candidate, with the ratios beside the figures."""
    bare = found["bare"]
    rate, p99 = bare.median(lambda each: each.rate), bare.median(lambda each: each.p99)
    say("            answers/s  x bare   p50 ms  p99 ms  x bare  CPU us  failed  settled/s  rounds")
    for name, figures in found.items():
        own_rate, own_p99 = figures.median(lambda e: e.rate), figures.median(lambda e: e.p99)
        settled = f"{statistics.median(figures.settled):.0f}" if figures.settled else "-"
        say(
            f"{name:12}{own_rate:9.0f}{own_rate / rate:8.2f}"
            f"{figures.median(lambda e: e.p50):9.1f}{own_p99:8.1f}{own_p99 / p99:8.2f}"
            f"{statistics.median(figures.cpu):8.0f}{sum(each.failed for each in figures.rounds):8}{settled:>11}  "
            + " ".join(f"{each.rate:.0f}" for each in figures.rounds)
        )
        if name != "bare":
            fast, prompt = GOALS
            reached = own_rate / rate >= fast and own_p99 / p99 <= prompt
            say(f"goal for {name}: {fast} x bare, p99 {prompt} x bare: {verdict(reached)}")


def verdict(reached: bool) -> str:
    """Say whether a goal was reached."""
    return "reached" if reached else "missed"


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="how long each sends in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=["bare", "sqlite", "postgresql"])
    parser.add_argument("--connections", type=int, default=64)
    wanted = parser.parse_args()
    if find_wrk() is None:
        say("The ingest benchmark is skipped: wrk is not installed (Debian: apt-get install wrk).")
        return
    say(describe_machine())
    with tempfile.TemporaryDirectory(prefix="postflow-bench-") as folder:
        found = measure(
            Path(folder),
            rounds=wanted.rounds,
            seconds=wanted.seconds,
            connections=wanted.connections,
            names=wanted.only,
        )
    print_table(found)
    say(describe_machine())


if __name__ == "__main__":
    main()
