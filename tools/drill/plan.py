"""What a drill will do and when, all of it from one seed.

Pure: the same seed and sizes give the same videos, reviewers, faults, kills and outages.
"""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from tools.drill.stories import REVIEWERS, Step, tell_stories

HURT_SHARE = 0.3
BATCH = 6
SCALE = 5.0
"""How much faster than the real ones the simulated Frame.io's own waits pass: retries above all."""
_DELIVERIES_PER_VIDEO = 25
_FAULTS = ("drop", "duplicate", "delay", "reorder", "wrong_signature")


class Target(StrEnum):
    """What is killed with kill -9."""

    SERVICE = "service"
    RUNNER = "runner"
    """The runner alone: its flow processes live on without it."""
    RUNNER_AND_FLOWS = "runner and its flow processes"
    FLOW = "flow process"
    PREFECT = "Prefect server"


@dataclass(frozen=True, kw_only=True, slots=True)
class Video:
    """One upload: its file name and what its reviewers do."""

    name: str
    first: Sequence[Step]
    second: Sequence[Step]
    versions: int
    is_removed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Kill:
    """At which second what is killed, and how many seconds it stays away."""

    at: float
    target: Target
    away: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Outage:
    """From which second on the database is away, or full, and for how long."""

    at: float
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Everything that will happen; seconds count from the moment when all programs are up."""

    seed: str
    videos: Sequence[Video]
    batches: Sequence[tuple[float, Sequence[str]]]
    faults: Sequence[Mapping[str, object]]
    kills: Sequence[Kill]
    away: Outage | None
    full: Outage | None


def make_plan(seed: str, *, uploads: int, kills: int, calm: bool = False) -> Plan:
    """Return the plan of this seed; a calm one has no faults, kills and outages."""
    random = Random(seed)  # noqa: S311 - a plan to be repeated, nothing secret
    length = 20 + 5.0 * uploads
    videos = _make_videos(random, uploads, slowest=length / 6)
    starts = [0.6 * length * i / uploads for i in range(0, uploads, BATCH)]
    names = [video.name for video in videos]
    batches = [(at, names[i * BATCH : (i + 1) * BATCH]) for i, at in enumerate(starts)]
    away, full = random.uniform(0.2, 0.4), random.uniform(0.6, 0.8)
    return Plan(
        seed=seed,
        videos=videos,
        batches=batches,
        faults=() if calm else _make_faults(random, uploads * _DELIVERIES_PER_VIDEO),
        kills=() if calm else _make_kills(random, kills, length),
        away=None if calm else Outage(at=away * length, seconds=random.uniform(4, 8)),
        full=None if calm else Outage(at=full * length, seconds=random.uniform(4, 8)),
    )


def write_scenario(plan: Plan) -> dict[str, object]:
    """Return the simulator's scenario in which all reviewers of the plan act."""
    stories = []
    for video in plan.videos:
        for number, steps in enumerate((video.first, video.second), start=1):
            if steps:
                when = {"file": glob.escape(video.name), "event": "file.ready", "round": number}
                stories.append({"when": when, "steps": [_slow_down(step) for step in steps]})
    return {"reviewers": REVIEWERS, "stories": stories, "faults": list(plan.faults)}


def _make_videos(random: Random, count: int, *, slowest: float) -> list[Video]:
    videos = []
    for number, (title, told) in enumerate(tell_stories(random, count=count, slowest=slowest), 1):
        name = f"{number:03d}-{title}.mp4"
        steps = [{**step, "version": name} if "version" in step else step for step in told.first]
        versions = 1 + any("version" in step for step in steps)
        videos.append(
            Video(
                name=name,
                first=steps,
                second=told.second,
                versions=versions,
                is_removed=told.is_removed,
            )
        )
    return videos


def _make_faults(random: Random, deliveries: int) -> list[Mapping[str, object]]:
    return [
        {"kind": random.choice(_FAULTS), "at": number, "seconds": random.uniform(5, 60)}
        for number in range(1, deliveries + 1)
        if random.random() < HURT_SHARE
    ]


def _make_kills(random: Random, count: int, length: float) -> list[Kill]:
    """Kill everything in turn, in an order and at moments of chance."""
    moments = sorted(random.uniform(0.05, 0.9) * length for _ in range(count))
    targets: list[Target] = []
    while len(targets) < count:
        targets += random.sample(list(Target), k=len(Target))
    return [
        Kill(at=at, target=target, away=random.uniform(0, 3))
        for at, target in zip(moments, targets, strict=False)
    ]


def _slow_down(step: Step) -> Step:
    """Write a step's real seconds as the simulator's own."""
    pause = step["after"]
    return {**step, "after": pause * SCALE if isinstance(pause, float) else pause}
