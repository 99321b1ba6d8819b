"""How much processor time each of several programs has taken."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NamedTuple

import psutil
from sqlalchemy.engine import make_url

_LOOK_EVERY = 1.0  # seconds


class Processor(NamedTuple):
    """The processor time of several programs by name, in seconds."""

    seconds: Mapping[str, float]

    def since(self, before: Processor) -> dict[str, float]:
        """Return what each program has taken since then."""
        return {name: taken - before.seconds[name] for name, taken in self.seconds.items()}


Programs = Mapping[str, Callable[[], list[psutil.Process]]]
"""By name, the processes that a program consists of just now."""


class Meter:
    """Adds up the processor time of programs whose processes come and go."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._taken: dict[str, dict[int, float]] = {name: {} for name in programs}
        self._lock = threading.Lock()

    def read(self) -> Processor:
        """Return what every program has taken so far."""
        with self._lock:
            for name, processes in self._programs.items():
                for process in processes():
                    with suppress(psutil.Error):
                        times = process.cpu_times()
                        self._taken[name][process.pid] = times.user + times.system
            return Processor({name: sum(each.values()) for name, each in self._taken.items()})


@contextmanager
def metering(programs: Programs) -> Iterator[Meter]:
    """Give a meter that also looks now and then, so that little is lost of what ends early."""
    meter, ended = Meter(programs), threading.Event()

    def look() -> None:
        while not ended.wait(_LOOK_EVERY):
            meter.read()

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield meter
    finally:
        ended.set()
        looking.join()


def with_children(process: psutil.Process) -> Callable[[], list[psutil.Process]]:
    """Return what finds a process and all that it has started."""

    def find() -> list[psutil.Process]:
        try:
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    return find


def backends_of(database: str) -> Callable[[], list[psutil.Process]]:
    """Return what finds the processes that serve one PostgreSQL database on this machine."""
    name = f" {make_url(database).database} "

    def find() -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.name() == "postgres" and name in " ".join(process.cmdline()):
                    found.append(process)
        return found

    return find
