"""How fast PostFlow's uploader is beside curl and the official SDK, into one local nginx.

`make bench-upload` runs it. Every run sends the same parts to the same server, which keeps them;
afterwards they are read back and compared, outside the measured time. What the figures mean is
in docs/performance.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.machine import describe_load, describe_machine
from bench.nginx import find_nginx, serving
from bench.senders import part_sizes, peak_memory

MEGABYTE = 1_000_000
BLOCK = 1024 * 1024
ORDER = ("postflow", "postflow-hashing", "curl", "sdk")
GOALS = {"curl": 0.9, "sdk": 2.0}
PEAK_GOAL = 80  # MB


@dataclass(frozen=True, kw_only=True)
class Run:
    """One upload: its speed in MB/s, its processor time in seconds, its peak memory in MB."""

    speed: float
    cpu: float
    peak: float


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What the runs of one sender gave."""

    command: str
    runs: list[Run] = field(default_factory=list)

    @property
    def speed(self) -> float:
        """The median speed."""
        return statistics.median(run.speed for run in self.runs)

    @property
    def cpu(self) -> float:
        """The median processor time."""
        return statistics.median(run.cpu for run in self.runs)

    @property
    def peak(self) -> float:
        """The most memory of all runs."""
        return max(run.peak for run in self.runs)

    def times(self, other: Figures) -> float:
        """Tell how many times as fast as another sender this one is."""
        return self.speed / other.speed


@dataclass(frozen=True, kw_only=True)
class Bench:
    """One file, its parts as curl wants them, and the server that takes them."""

    folder: Path
    address: str
    kept: Path
    size: int
    parts: int

    @property
    def file(self) -> Path:
        """The file that everybody sends."""
        return self.folder / "video.mov"

    def command(self, sender: str, target: str) -> list[str]:
        """Return the command that sends the file below the address `target`."""
        if sender != "curl":
            module = [sys.executable, "-m", "bench.senders"]
            return [*module, sender, str(self.file), f"{self.address}/{target}", str(self.parts)]
        transfers: list[str] = []
        for part in sorted((self.folder / "parts").iterdir()):
            transfers += ["-T", str(part), f"{self.address}/{target}/{part.name}"]
        headers = ["-H", "x-amz-acl: private", "-H", "content-type: application/octet-stream"]
        words = ["curl", "--no-progress-meter", "-f", "-Z", "--parallel-max", "5"]
        return [*words, *headers, *transfers]

    def run(self, sender: str, target: str) -> Run:
        """Send once; raises where bytes differ."""
        began, cpu = time.perf_counter(), children_cpu()
        process = subprocess.Popen(  # noqa: S603 -- our own commands
            self.command(sender, target), stdout=subprocess.PIPE, text=True
        )
        peak = watch_memory(process.pid)
        seconds = time.perf_counter() - began
        told = process.communicate()[0]
        if process.returncode:
            raise SystemExit(f"{sender} failed with exit code {process.returncode}.")
        self.check(target)
        seen = {"seconds": seconds, "cpu": children_cpu() - cpu, "peak": peak}
        figures = seen if sender == "curl" else json.loads(told)
        return Run(
            speed=self.size / figures["seconds"] / MEGABYTE,
            cpu=figures["cpu"],
            peak=figures["peak"] / MEGABYTE,
        )

    def check(self, target: str) -> None:
        """Compare every byte that arrived with the file, then delete it."""
        arrived = sorted((self.kept / target).iterdir())
        with self.file.open("rb") as sent:
            for part, size in zip(arrived, part_sizes(self.size, self.parts), strict=True):
                with part.open("rb") as got:
                    if digest(sent, size) != digest(got, size) or got.read(1):
                        raise SystemExit(f"The bytes of {part} are not those of the file.")
        shutil.rmtree(self.kept / target)


def watch_memory(pid: int) -> int:
    """Wait for the end of a process that cannot tell its own peak memory, and return it."""
    peak, ended = 0, os.pidfd_open(pid)
    while not select.select([ended], [], [], 0.01)[0]:
        peak = max(peak, peak_memory(pid))
    os.close(ended)
    return peak


def children_cpu() -> float:
    """Return the processor time of all commands that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def digest(file: object, size: int) -> str:
    """Hash the next bytes of an open file."""
    found = hashlib.sha256()
    while size > 0:
        data = file.read(min(BLOCK, size))  # type: ignore[attr-defined]
        if not data:
            return "too short"
        found.update(data)
        size -= len(data)
    return found.hexdigest()


def write_video(bench: Bench) -> None:
    """Write random bytes; they are then in the page cache."""
    with bench.file.open("wb") as file:
        for start in range(0, bench.size, BLOCK):
            file.write(os.urandom(min(BLOCK, bench.size - start)))


def cut_video(bench: Bench) -> None:
    """Cut the file for curl, which cannot send a part of one."""
    (bench.folder / "parts").mkdir()
    with bench.file.open("rb") as whole:
        for number, size in enumerate(part_sizes(bench.size, bench.parts), start=1):
            (bench.folder / "parts" / f"part_{number:04}").write_bytes(whole.read(size))


def measure(bench: Bench, *, runs: int) -> dict[str, Figures]:
    """Run everybody in turn, the first one another each time."""
    found = {name: Figures(command=shown(bench.command(name, "…"))) for name in ORDER}
    for number in range(runs):
        start = number % len(ORDER)
        for sender in (*ORDER[start:], *ORDER[:start]):
            found[sender].runs.append(bench.run(sender, f"{sender}-{number}"))
    return found


def shown(command: Sequence[str]) -> str:
    """Shorten a command to what matters."""
    words = [Path(word).name if word.startswith("/") else word for word in command]
    return " ".join(words[:10]) + (" …" if len(words) > 10 else "")  # noqa: PLR2004


def print_table(found: dict[str, Figures]) -> None:
    """Print one line per sender, with the ratios beside the figures."""
    heads = f"{'MB/s':>6}{'x curl':>8}{'x SDK':>7}{'CPU s':>7}{'peak MB':>9}"
    say(f"{'sender':17}{heads}  runs (MB/s); command")
    for name, figures in found.items():
        ratios = "".join(f"{figures.times(found[other]):7.2f}" for other in ("curl", "sdk"))
        runs = " ".join(f"{run.speed:.0f}" for run in figures.runs)
        say(
            f"{name:17}{figures.speed:6.0f} {ratios}{figures.cpu:7.2f}{figures.peak:9.0f}"
            f"  {runs}; {figures.command}"
        )
    for other, goal in GOALS.items():
        ratio = found["postflow"].times(found[other])
        say(f"goal: at least {goal} x {other}: {ratio:.2f}, {verdict(ratio >= goal)}")


def print_memory(label: str, peak: float) -> None:
    """Say what one upload held at most."""
    reached = verdict(peak <= PEAK_GOAL)
    say(f"goal: at most {PEAK_GOAL} MB of memory at {label}: {peak:.0f}, {reached}")


def verdict(reached: bool) -> str:
    """Say whether a goal was reached."""
    return "reached" if reached else "missed"


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def missing() -> str | None:
    """Say what keeps this machine from measuring, if anything."""
    if find_nginx() is None:
        return "nginx is not installed (Debian: apt-get install nginx)"
    return None if shutil.which("curl") else "curl is not installed"


def roomy_folder(size: int) -> str | None:
    """Prefer memory for what the server keeps: a disk would be what is measured."""
    memory = Path("/dev/shm")  # noqa: S108 -- a folder of our own is made in it
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 2 * size else None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1000, help="megabytes of the file")
    parser.add_argument("--part", type=int, default=50, help="megabytes of a part")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--large", type=int, default=4000, help="megabytes for memory; 0: skip")
    wanted = parser.parse_args()
    reason = missing()
    if reason is not None:
        say(f"The upload benchmark is skipped: {reason}.")
        return
    say(describe_machine())
    found = run_bench(wanted.size, wanted.part, runs=wanted.runs)
    print_table(found)
    ours = [found[name] for name in ORDER if name.startswith("postflow")]
    print_memory(f"{wanted.size} MB", max(figures.peak for figures in ours))
    if wanted.large:
        print_memory(f"{wanted.large} MB", peak_of(wanted.large, wanted.part))
    say(describe_load())


@contextmanager
def prepared(size: int, part: int) -> Iterator[Bench]:
    """Give a file of so many megabytes and a server, and leave nothing behind."""
    total = size * MEGABYTE
    with (
        tempfile.TemporaryDirectory(prefix="postflow-bench-") as source,
        tempfile.TemporaryDirectory(prefix="postflow-bench-", dir=roomy_folder(total)) as served,
        serving(find_nginx() or "nginx", Path(served)) as address,
    ):
        bench = Bench(
            folder=Path(source),
            address=address,
            kept=Path(served) / "kept",
            size=total,
            parts=max(1, round(size / part)),
        )
        write_video(bench)
        yield bench


def run_bench(size: int, part: int, *, runs: int) -> dict[str, Figures]:
    """Measure everybody; one run of each goes before and does not count."""
    with prepared(size, part) as bench:
        cut_video(bench)
        for sender in ORDER:
            bench.run(sender, f"{sender}-warm-up")
        return measure(bench, runs=runs)


def peak_of(size: int, part: int) -> float:
    """Return the most memory that PostFlow holds for a larger file, hashing included."""
    with prepared(size, part) as bench:
        return bench.run("postflow-hashing", "large").peak


if __name__ == "__main__":
    main()
