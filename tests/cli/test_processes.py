"""Programs that end by themselves are started again, unless they cannot live."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from postflow.cli.machine import Machine
from postflow.cli.processes import Child, Children
from postflow.errors import PostFlowError
from postflow.settings import load_settings


@dataclass
class Watched:
    """A program that ends at once, watched by a clock that the test moves."""

    folder: Path
    now: float = 100.0
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start the program."""
        self.children = Children(
            environment={}, folder=self.folder, logs=self.folder, clock=lambda: self.now
        )
        self.child: Child = self.children.start("service", sys.executable, "-c", "print('bye')")

    def die_and_return(self, *, after: float) -> None:
        """Let the program be found dead after some time, and be started again."""
        assert self.child.process is not None
        self.child.process.wait()
        self.now += after
        self.children.restart_dead(self.said.append)
        self.now += 3
        self.children.restart_dead(self.said.append)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """Give the program; nothing of it is left afterwards."""
    watched = Watched(tmp_path)
    yield watched
    watched.children.stop()


def test_program_that_ended_is_started_again(watched: Watched) -> None:
    """What ends by itself comes back, and a sentence says so."""
    watched.die_and_return(after=1)
    assert watched.said == ["the program 'service' ended (bye), starting it again"]


def test_program_that_cannot_live_is_given_up(watched: Watched) -> None:
    """A program that ends again and again at once would do so for ever."""
    for _ in range(5):
        watched.die_and_return(after=1)
    with pytest.raises(PostFlowError, match="'service' ended 6 times"):
        watched.die_and_return(after=1)


def test_rare_ends_are_never_too_many(watched: Watched) -> None:
    """A program that ends once in a while is started again for as long as the machine runs."""
    for _ in range(12):
        watched.die_and_return(after=3600)
    assert len(watched.said) == 12


def test_nothing_is_left_where_nobody_reads_any_more(tmp_path: Path) -> None:
    """A machine whose terminal is gone cannot say that it stops, and stops all the same."""

    def say(_: str) -> None:
        raise BrokenPipeError

    machine = Machine(load_settings(), logs=tmp_path, folder=tmp_path, say=say)
    child = machine.children.start("sleeper", sys.executable, "-c", "import time; time.sleep(600)")
    with suppress(BrokenPipeError):
        machine.__exit__(KeyboardInterrupt)
    assert not child.is_alive
