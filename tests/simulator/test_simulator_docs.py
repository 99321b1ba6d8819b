"""The page about the simulator says what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from postflow.simulator.control import commands, inspection, people
from postflow.simulator.faults import FaultKind
from postflow.simulator.scenario import ACTIONS, load_scenario

PAGE = Path(__file__).parents[2] / "docs" / "simulator.md"


@pytest.fixture
def page() -> str:
    """Read the page."""
    return PAGE.read_text(encoding="utf-8")


def test_every_control_route_is_described(page: str) -> None:
    """The table of control routes has exactly the routes that exist."""
    routers = (commands.router, inspection.router, people.router)
    routes = [each for router in routers for each in router.routes if isinstance(each, APIRoute)]
    existing = {f"{method} {route.path}" for route in routes for method in route.methods or ()}
    described = set(re.findall(r"^\| `([A-Z]+ /_sim/[^`]+)`", page, flags=re.MULTILINE))
    assert described == existing


def test_every_fault_is_described(page: str) -> None:
    """The table of faults has exactly the kinds that exist."""
    table = page.partition("## Faults")[2].partition("## Scenarios")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)) == set(FaultKind)


def test_every_step_is_described(page: str) -> None:
    """The table of steps has exactly the actions that exist."""
    table = page.partition("## Scenarios")[2]
    assert set(re.findall(r"^\| `(\w+): ", table, flags=re.MULTILINE)) == set(ACTIONS)


def test_example_scenario_can_be_loaded(page: str, tmp_path: Path) -> None:
    """The example on the page is a scenario as it stands."""
    path = tmp_path / "scenario.yaml"
    path.write_text(page.partition("```yaml")[2].partition("```")[0], encoding="utf-8")
    scenario = load_scenario(path)
    assert len(scenario.stories) == 4
    assert len(scenario.faults) == 1
