"""One drill from start to end: submit, hurt, let settle, check."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from postflow.errors import PostFlowError
from postflow.settings import Settings
from postflow.settings.prefect_url import prefect_api_url
from tools.drill.checking import Scene, list_misses, summarise
from tools.drill.databases import Database
from tools.drill.outside import look_inside
from tools.drill.plan import Kill, Plan
from tools.drill.programs import Command, Programs, Say, write_settings

PATIENCE = 120.0  # seconds in which something must change while everything settles
_LONGEST_SETTLING = 480.0
_TICK = 0.2
_TELL_EVERY = 15.0
_LOOK_EVERY = 4.0
_USUAL_START = 20.0  # seconds that all programs take to come up on two idle cores
_SLOWEST_PACE = 3.0


@dataclass(kw_only=True, slots=True)
class Outcome:
    """How a drill ended: what was missed, one sentence each, and what was counted."""

    misses: list[str]
    counts: dict[str, Any]


@dataclass(kw_only=True, slots=True)
class Drill:
    """The programs, the database and the plan that happens to them."""

    plan: Plan
    programs: Programs
    database: Database
    settings: Settings
    videos: Path
    say: Say
    pace: float
    """How many seconds one of the plan takes: more than one on a busy machine."""
    began: float = 0.0
    told_at: float = 0.0
    kills: int = 0
    pending: list[Kill] = field(default_factory=list)
    submissions: list[Command] = field(default_factory=list)

    def run(self) -> Outcome:
        """Do all of the plan, then wait until nothing is missed, or patience is over."""
        self.began = self.told_at = time.monotonic()
        for at, action in self._list_actions():
            while time.monotonic() - self.began < at * self.pace:
                self._tick()
            action()
        return self._settle()

    def _list_actions(self) -> list[tuple[float, Callable[[], None]]]:
        """Return everything that is to be done, in order of time."""
        plan, database = self.plan, self.database
        actions = [(at, self._submitter(names)) for at, names in plan.batches]
        actions += [(kill.at, self._killer(kill)) for kill in plan.kills]
        if plan.away is not None:
            actions.append((plan.away.at, self._noted("the database is away", database.take_away)))
            over = plan.away.at + plan.away.seconds
            actions.append((over, self._noted("the database is back", database.give_back)))
        if plan.full is not None and database.can_be_filled:
            actions.append((plan.full.at, self._noted("the database is full", database.fill)))
            over = plan.full.at + plan.full.seconds
            actions.append((over, self._noted("the database has room again", database.relieve)))
        return sorted(actions, key=lambda each: each[0])

    def _submitter(self, names: Sequence[str]) -> Callable[[], None]:
        def submit() -> None:
            paths = [str(self.videos / name) for name in names]
            self.submissions.append(self.programs.run_command("run", "--detach", *paths))

        return submit

    def _killer(self, kill: Kill) -> Callable[[], None]:
        return lambda: self.pending.append(kill)

    def _noted(self, what: str, action: Callable[[], None]) -> Callable[[], None]:
        def act() -> None:
            self._tell(what)
            action()

        return act

    def _tick(self) -> None:
        """Do what is due at any time."""
        self.programs.tend()
        if self.pending and self.programs.kill(self.pending[0]):
            self.kills += 1
            self._tell(f"killed the {self.pending.pop(0).target}")
        for command in self.submissions:
            if command.exit_code not in (None, 0):
                self._tell(f"submitting once more: {command.last_words()[:150]}")
                command.start_again()
        if time.monotonic() - self.told_at > _TELL_EVERY:
            self.told_at = time.monotonic()
            self._tell(self._describe_progress())
        time.sleep(_TICK)

    def _settle(self) -> Outcome:
        """Look until nothing was missed twice in a row, or nothing changes any more."""
        last = time.monotonic() + _LONGEST_SETTLING * self.pace
        changed_at, is_quiet, before = time.monotonic(), False, self._look()
        while True:
            looked_at = time.monotonic()
            is_quiet = is_quiet or _is_true(self._is_everybody_done)
            is_sent = is_quiet and _is_true(lambda: self.programs.frameio.count_unsettled() == 0)
            outcome = self._look()
            if is_sent and not outcome.misses and not before.misses:
                return outcome
            if outcome != before:
                changed_at, before = looked_at, outcome
            if looked_at > min(last, changed_at + PATIENCE * self.pace):
                return self._with_reason(outcome, is_sent=is_sent)
            while time.monotonic() - looked_at < _LOOK_EVERY:
                self._tick()

    def _with_reason(self, outcome: Outcome, *, is_sent: bool) -> Outcome:
        """Say what the drill still waited for when it gave up."""
        hanging = sum(command.exit_code is None for command in self.submissions)
        if hanging:
            outcome.misses.append(f"{hanging} times `postflow run --detach` has not come back.")
        if not is_sent and not outcome.misses:
            outcome.misses.append(
                "Reviewers or deliveries of the simulator did not come to an end."
            )
        return outcome

    def _is_everybody_done(self) -> bool:
        """Whether all was submitted and killed, and nobody at Frame.io does anything more."""
        if self.pending or any(command.exit_code != 0 for command in self.submissions):
            return False
        seen = self.programs.frameio.see()
        for video in self.plan.videos:
            files = seen.files.get(video.name, ())
            is_over = video.is_removed or len(files) == video.versions
            if not is_over or any(file["state"] != "transcoded" for file in files):
                return False
        if self.programs.frameio.count_waiting() > 0:
            return False
        self.programs.frameio.end_faults()
        self._tell("all reviewers are done; waiting until everything has settled")
        return True

    def _look(self) -> Outcome:
        try:
            scene = self._see()
        except (httpx.HTTPError, PostFlowError) as error:
            return Outcome(misses=[f"Something does not answer: {error}"], counts={})
        return Outcome(misses=list_misses(scene), counts=summarise(scene) | {"kills": self.kills})

    def _see(self) -> Scene:
        # Frame.io first: what is acknowledged when it is read was stored before.
        seen = self.programs.frameio.see()
        inside = look_inside(
            service_url=self.programs.service_url,
            prefect_url=prefect_api_url(self.settings),
            store_url=self.settings.database.url,
        )
        return Scene(
            plan=self.plan,
            frameio=seen,
            inside=inside,
            delivered=self.settings.post_processing.output_dir,
        )

    def _describe_progress(self) -> str:
        outcome = self._look()
        counts = ", ".join(f"{name} {count}" for name, count in outcome.counts.items())
        return counts or outcome.misses[0][:150]

    def _tell(self, what: str) -> None:
        self.say(f"{time.monotonic() - self.began:5.0f} s  {what}")


def _is_true(question: Callable[[], bool]) -> bool:
    """Ask the simulated Frame.io; no answer is no."""
    try:
        return question()
    except httpx.HTTPError:
        return False


def drill(plan: Plan, database: Database, *, folder: Path, say: Say) -> Outcome:
    """Run one drill in an empty folder; nothing of it is left running, whatever happens."""
    from tools.drill.videos import make_videos  # noqa: PLC0415 - ffmpeg is looked for here

    settings = write_settings(folder, url=database.url)
    videos = folder / "videos"
    make_videos(videos, [video.name for video in plan.videos])
    with Programs(settings, plan, folder=folder, say=say) as programs:
        began = time.monotonic()
        programs.start()
        seconds = time.monotonic() - began
        pace = min(max(seconds / _USUAL_START, 1.0), _SLOWEST_PACE)
        say(f"all programs are up after {seconds:.0f} s; a second of the plan takes {pace:.1f} s")
        outcome = Drill(
            plan=plan,
            programs=programs,
            database=database,
            settings=settings,
            videos=videos,
            say=say,
            pace=pace,
        ).run()
    outcome.misses += [f"The process {each} is left over." for each in programs.left_over]
    return outcome
