"""Child processes that end with their parent: each in a session of its own, ended whole.

A runner starts flow processes of its own, so ending a child means ending all it ever started.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from postflow.errors import PostFlowError
from postflow.logs import rotate_in_place
from postflow.settings.sections import LogSettings

_GRACE = 8.0  # seconds between the polite and the last signal
_RESTART_AFTER = 2.0
_RESTARTS_AT_MOST = 5
_LIVED_LONG = 60.0  # seconds after which a program's earlier ends are forgiven


@dataclass(kw_only=True, slots=True)
class Child:
    """A program that belongs to this one, with its log file."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    died_at: float = field(default=0.0)
    restarted_at: float = field(default=0.0)

    def start(self) -> None:
        """Start the program; what it prints goes to the end of its log file."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own programs, and no shell
                self.command,
                env=dict(self.environment),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def is_alive(self) -> bool:
        """Whether the program itself runs."""
        return self.process is not None and self.process.poll() is None

    def last_words(self) -> str:
        """Return the last line of the log that says something."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


class Children:
    """The programs of one `postflow start` or demo, started in order and stopped in reverse."""

    def __init__(
        self,
        *,
        environment: Mapping[str, str],
        folder: Path,
        logs: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._environment = environment
        self._folder = folder
        self._logs = logs
        self._clock = clock
        self._children: list[Child] = []

    def start(self, name: str, *command: str, **more_environment: str) -> Child:
        """Start `command` as a child with a log named after it."""
        child = Child(
            name=name,
            command=command,
            environment={**self._environment, **more_environment},
            folder=self._folder,
            log=self._logs / f"postflow_{name}.log",
        )
        self._children.append(child)
        child.start()
        return child

    def start_module(self, name: str, *arguments: str, **more_environment: str) -> Child:
        """Start `python -m …` with this very Python."""
        return self.start(name, sys.executable, "-m", *arguments, **more_environment)

    def named(self, name: str) -> Child:
        """Return the child that was started last under this name; raises KeyError."""
        for child in reversed(self._children):
            if child.name == name:
                return child
        raise KeyError(name)

    def restart_dead(self, say: Callable[[str], None]) -> None:
        """Start again what died by itself; raises PostFlowError when one keeps dying."""
        for child in self._children:
            if child.is_alive:
                continue
            if child.died_at == 0.0:
                child.died_at = self._clock()
            elif self._clock() - child.died_at > _RESTART_AFTER:
                self._restart(child, say)

    def rotate_logs(self, settings: LogSettings) -> None:
        """Move aside what the programs have printed, where it is too much."""
        for child in self._children:
            rotate_in_place(child.log, settings)

    def stop(self) -> None:
        """End every child and all that it started; nothing is left running."""
        started = [found for child in self._children for found in _family(child)]
        for child in reversed(self._children):
            if child.process is not None and child.is_alive:
                child.process.terminate()
        _wait_or_kill([c.process.pid for c in self._children if c.process], started)
        for child in self._children:
            if child.process is not None:
                child.process.wait()

    def _restart(self, child: Child, say: Callable[[str], None]) -> None:
        if child.died_at - child.restarted_at > _LIVED_LONG:
            child.restarts = 0
        child.restarts += 1
        child.died_at, child.restarted_at = 0.0, self._clock()
        if child.restarts > _RESTARTS_AT_MOST:
            raise PostFlowError(
                f"The program {child.name!r} ended {child.restarts} times ({child.last_words()}); see "
                f"{child.log}."
            )
        say(f"the program {child.name!r} ended ({child.last_words()}), starting it again")
        child.start()


def wait_for_http(child: Child, url: str, *, seconds: float) -> None:
    """Return once `url` answers 200; raises PostFlowError when the child ends or time does."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not child.is_alive:
            raise PostFlowError(
                f"The program {child.name!r} ended: {child.last_words()} (see {child.log})."
            )
        try:
            if httpx.get(url, timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise PostFlowError(
        f"The program {child.name!r} did not answer at {url} within {seconds:.0f} s; see {child.log}."
    )


def _family(child: Child) -> list[psutil.Process]:
    """Return the processes that the child started, whatever sessions they made for themselves."""
    if child.process is None:
        return []
    try:
        return psutil.Process(child.process.pid).children(recursive=True)
    except psutil.Error:
        return []


def _wait_or_kill(pids: Sequence[int], started: Sequence[psutil.Process]) -> None:
    """Give all of them some seconds to end by themselves, then end those that are left."""
    roots = []
    for pid in pids:
        try:
            roots.append(psutil.Process(pid))
        except psutil.Error:
            continue
    _, alive = psutil.wait_procs(roots, timeout=_GRACE)
    late = [process for root in roots for process in _descendants(root)]
    for process in {*alive, *started, *late}:
        try:
            process.terminate()
        except psutil.Error:
            continue
    _, alive = psutil.wait_procs([*alive, *started, *late], timeout=2)
    for process in alive:
        try:
            process.kill()
        except psutil.Error:
            continue


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []
