"""The drill's plan is made of its seed alone, and goes as far as was asked for."""

from __future__ import annotations

import pytest

from postflow.simulator.scenario import Scenario
from tools.drill.plan import HURT_SHARE, Target, make_plan, write_scenario
from tools.drill.stories import STORIES


def test_same_seed_makes_same_plan() -> None:
    """Whoever repeats a seed gets the same videos, reviewers, faults, kills and outages."""
    assert make_plan("7", uploads=30, kills=10) == make_plan("7", uploads=30, kills=10)
    assert make_plan("7", uploads=30, kills=10) != make_plan("8", uploads=30, kills=10)


def test_every_video_is_submitted_once() -> None:
    """The batches hold all videos, none of them twice."""
    plan = make_plan("7", uploads=20, kills=0)
    submitted = [name for _, names in plan.batches for name in names]
    assert sorted(submitted) == sorted(video.name for video in plan.videos)
    assert len(set(submitted)) == 20


def test_every_program_is_killed_in_turn() -> None:
    """Ten kills hit each kind of program twice."""
    killed = [kill.target for kill in make_plan("7", uploads=30, kills=10).kills]
    assert {target: killed.count(target) for target in Target} == dict.fromkeys(Target, 2)


def test_share_of_faults_is_met() -> None:
    """About three in ten deliveries are hit."""
    numbers = [fault["at"] for fault in make_plan("7", uploads=200, kills=0).faults]
    assert len(numbers) / 5000 == pytest.approx(HURT_SHARE, abs=0.03)
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_simulator_understands_every_plan(seed: str) -> None:
    """All stories of the deck are scenarios that the simulator takes."""
    plan = make_plan(seed, uploads=100, kills=0)
    assert {video.name[4:-4] for video in plan.videos} == set(STORIES)
    scenario = Scenario.model_validate(write_scenario(plan))
    assert len(scenario.stories) == sum(bool(v.first) + bool(v.second) for v in plan.videos)
