"""The machine that runs submitted videos, shared with the tests of the flows."""

from __future__ import annotations

import pytest

from tests.flows.machine import Machine, shared_machine


@pytest.fixture(scope="session")
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Give the session's machine: started once, with a runner and a tracker."""
    return shared_machine(request, tmp_path_factory)
