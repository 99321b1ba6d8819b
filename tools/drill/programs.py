"""The real programs of a drill as child processes: started, killed, started again, all ended."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import yaml

from postflow.cli.machine import Machine, find_free_ports
from postflow.cli.processes import Child, wait_for_http
from postflow.settings import Settings, load_settings
from postflow.settings.config_file import CONFIG_NAME, CONFIG_VARIABLE
from tools.drill.frameio import Frameio
from tools.drill.plan import SCALE, Kill, Plan, Target, write_scenario
from tools.drill.stories import EDITORS

Say = Callable[[str], None]

_TRANSCODE_SECONDS = 1.0
_PART_SIZE = 20_000
_RESTART_AFTER = 1.0
_GRACE = 5.0  # seconds for flow processes that lost their runner to end with the others
_NAMES = {
    Target.SERVICE: "service",
    Target.RUNNER: "runner",
    Target.RUNNER_AND_FLOWS: "runner",
    Target.PREFECT: "prefect",
}


def write_settings(folder: Path, *, url: str) -> Settings:
    """Write the config of one drill, with short timers, and return its settings.

    Variables of a real installation are forgotten first: a drill must never touch an account.
    """
    for name in [n for n in os.environ if n.startswith(("POSTFLOW_", "PREFECT_"))]:
        del os.environ[name]
    frameio, prefect, public, private = find_free_ports(4)
    config = {
        "database": {"url": url},
        "webhook": {"port": public, "public_url": f"http://127.0.0.1:{public}"},
        "dashboard": {"port": private},
        "frameio": {
            "base_url": f"http://127.0.0.1:{frameio}",
            "token": "editor@studio.example",
            "auto_version": False,  # the names are numbered, and no versions of one another
            "respect_rate_limits": False,
        },
        "prefect": {"port": prefect},
        "review": {"editors": sorted(EDITORS), "guard_window": 0},
        "tracker": {
            "resume_every": 1,
            "poll_every": 8,
            "lease": 12,
            "lease_renewal": 2,
            "ready_patience": 3,
            "longest_start": 60,
            "max_restarts": 50,
        },
    }
    path = folder / CONFIG_NAME
    path.write_text(json.dumps(config, indent=2), encoding="utf-8")
    os.environ[CONFIG_VARIABLE] = str(path)
    return load_settings(path)


class Programs:
    """Service, runner, Prefect server and simulator; as a context, so that nothing is left."""

    def __init__(self, settings: Settings, plan: Plan, *, folder: Path, say: Say) -> None:
        self._settings = settings
        self._plan = plan
        self._folder = folder
        self._say = say
        self._machine = Machine(settings, logs=settings.logs.folder, folder=folder, say=say)
        self._tended: list[Child] = []
        self._back_at: dict[str, float] = {}
        self._commands = 0
        self.frameio = Frameio(settings.frameio.base_url)
        self.left_over: Sequence[str] = ()
        """The processes that outlived all programs; known at the end, when they are killed."""

    def __enter__(self) -> Self:
        """Hold the programs; nothing is started yet, and nothing of a killed drill is left."""
        self._kill_own()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all programs, and the flow processes that lost their runner."""
        if kind is KeyboardInterrupt:  # a second one would leave half of them running
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self._machine.__exit__(kind, value, trace)
        _, alive = psutil.wait_procs(self._list_own(), timeout=_GRACE)
        self.left_over = [f"{process.pid} ({_describe(process)})" for process in alive]
        self._kill_own()
        self.frameio.close()

    @property
    def service_url(self) -> str:
        """The private face."""
        return self._machine.dashboard_url

    def start(self) -> None:
        """Start everything and register the webhook; raises PostFlowError."""
        scenario = self._folder / "scenario.yaml"
        text = yaml.safe_dump(write_scenario(self._plan), allow_unicode=True, sort_keys=False)
        scenario.write_text(text, encoding="utf-8")
        base = self._settings.frameio.base_url
        simulator = self._machine.children.start_module(
            *("simulator", "postflow", "simulator", "--port", base.rpartition(":")[2]),
            *("--scenario", str(scenario), "--data", str(self._folder / "frameio")),
            *("--time-scale", str(SCALE), "--transcode-seconds", str(SCALE * _TRANSCODE_SECONDS)),
        )
        wait_for_http(simulator, f"{base}/_sim/clock", seconds=60)
        self.frameio.prepare(part_size=_PART_SIZE)
        self._machine.start()
        self._tended = [self._machine.children.named(n) for n in ("service", "runner", "prefect")]
        self.run_command("webhook", "register").wait_ended(60)

    def run_command(self, *arguments: str) -> Command:
        """Start a command of PostFlow as a person would."""
        self._commands += 1
        name = f"command-{self._commands}-{arguments[0]}"
        return Command(self._machine.children.start_module(name, "postflow", *arguments))

    def kill(self, kill: Kill) -> bool:
        """Kill -9 what the plan says; False when no such process is there just now."""
        flows = self._list_flows()
        if kill.target is Target.FLOW:
            for process in flows[:1]:
                _kill(process)
            return bool(flows)
        child = self._machine.children.named(_NAMES[kill.target])
        if child.process is None or not child.is_alive:
            return False
        others = psutil.Process(child.process.pid).children(recursive=True)
        if kill.target is Target.RUNNER:
            others = []
        elif kill.target is Target.RUNNER_AND_FLOWS:
            others += flows
        self._back_at[child.name] = time.monotonic() + kill.away
        child.process.kill()
        for process in others:
            _kill(process)
        child.process.wait()
        return True

    def tend(self) -> None:
        """Start again what was killed, once its time has come, and what ended by itself."""
        for child in self._tended:
            if child.is_alive:
                self._back_at.pop(child.name, None)
                continue
            if child.name not in self._back_at:
                self._say(f"the {child.name} ended by itself: {child.last_words()[:200]}")
            back_at = self._back_at.setdefault(child.name, time.monotonic() + _RESTART_AFTER)
            if time.monotonic() >= back_at:
                child.start()

    def _kill_own(self) -> None:
        own = self._list_own()
        for process in own:
            _kill(process)
        psutil.wait_procs(own, timeout=10)

    def _list_flows(self) -> list[psutil.Process]:
        return [each for each in self._list_own() if _is_flow(each)]

    def _list_own(self) -> list[psutil.Process]:
        """Return the processes that read this drill's config, whoever their parent is now."""
        own = str(self._folder / CONFIG_NAME)
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                is_own = process.environ().get(CONFIG_VARIABLE) == own
                if is_own and process.pid != os.getpid():
                    found.append(process)
        return found


class Command:
    """A command that was started, to be looked at until it has ended well."""

    def __init__(self, child: Child) -> None:
        self._child = child

    @property
    def exit_code(self) -> int | None:
        """Its exit code, or None while it runs."""
        return self._child.process.poll() if self._child.process is not None else None

    def start_again(self) -> None:
        """Start it once more, after it has ended."""
        self._child.start()

    def last_words(self) -> str:
        """Return what it printed last."""
        return self._child.last_words()

    def wait_ended(self, seconds: float) -> None:
        """Wait until it has ended well; exits with its last words otherwise."""
        until = time.monotonic() + seconds
        while self.exit_code is None and time.monotonic() < until:
            time.sleep(0.1)
        if self.exit_code != 0:
            sys.exit(f"A command of the drill failed: {self.last_words()} (see {self._child.log}).")


def _is_flow(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return "PREFECT__FLOW_RUN_ID" in process.environ()
    return False


def _kill(process: psutil.Process) -> None:
    with suppress(psutil.Error):
        process.kill()


def _describe(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())[:120]
    return "gone meanwhile"
