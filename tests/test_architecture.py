"""Who may import whom, what `import postflow` costs, and how long a file may get."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = ("postflow", "flows", "webhook_api")

# From the top down; modules may import what stands above them, never what stands beside or below.
LAYERS = (
    (
        "postflow.errors",
        "postflow.domain",
        "postflow.clock",
        "postflow.apart",
        "postflow.private_files",
    ),
    ("postflow.settings", "postflow.messages"),
    (
        "postflow.store",
        "postflow.frameio",
        "postflow.flow_runs",
        "postflow.run_states",
        "postflow.notices",
        "postflow.logs",
        "postflow.public_address",
        "postflow.second_opinion",
        "postflow.tunnel",
        "postflow.webhook_secrets",
    ),
    (
        "postflow.tracker",
        "postflow.uploading",
        "postflow.upload_journal",
        "postflow.submitting",
        "postflow.twin_files",
        "postflow.versioning",
        "postflow.delivery",
        "postflow.webhook_registration",
        "postflow.webhook_rotation",
        "postflow.webhook_self_test",
        "postflow.webhook_silence",
        "postflow.webhook_upkeep",
        "postflow.webhook_watch",
    ),
    ("postflow.auditing", "postflow.dashboard", "postflow.integration", "postflow.watching"),
    ("webhook_api", "flows", "postflow.cli", "postflow.__main__"),
)
INSIDE_ONE_PLACE = {
    ("postflow.__main__", "postflow.cli"),  # `python -m postflow` is the command
    ("postflow.domain", "postflow.errors"),  # the domain raises our errors
    ("postflow.flow_runs", "postflow.run_states"),  # how it asks about many of them
    ("postflow.submitting", "postflow.delivery"),  # both hash files, in one way
    ("postflow.uploading", "postflow.upload_journal"),  # the journal is where uploading keeps track
    ("postflow.webhook_rotation", "postflow.webhook_registration"),  # its steps repeat registering
    ("postflow.webhook_rotation", "postflow.webhook_self_test"),  # both sign and send
    ("postflow.webhook_upkeep", "postflow.webhook_registration"),  # says what is right
    ("postflow.webhook_watch", "postflow.webhook_registration"),  # the same
    ("postflow.webhook_silence", "postflow.webhook_registration"),  # the same
    ("postflow.webhook_silence", "postflow.webhook_self_test"),  # it looks into a silence by it
    ("postflow.webhook_silence", "postflow.webhook_upkeep"),  # and repairs by this
    ("postflow.webhook_watch", "postflow.webhook_silence"),  # one loop does both
    ("postflow.webhook_watch", "postflow.webhook_upkeep"),  # it sees to it that this is done
    ("postflow.submitting", "postflow.versioning"),  # a file may be a version of another one
}
STANDS_BESIDE = "postflow.simulator"
SIMULATOR_SEES = ("postflow.errors", "postflow.frameio.wire", "postflow.frameio.webhooks")
SIMULATOR_IS_SEEN_BY = ("postflow.simulator", "postflow.cli")
HEAVY = ("prefect", "fastapi", "sqlalchemy", "pydantic_settings", "httpx", "apprise")
SOURCE_LIMIT = 300
TEST_LIMIT = 400
GENERATED = "postflow/store/migrations/versions"


def _modules() -> Iterator[tuple[str, Path]]:
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(_modules())


def _imports(module: str) -> set[str]:
    """Return what the module imports anywhere in it, each name as far as it is a module."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (inner & MODULES.keys()) or {node.module}
    return found


def _is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def _place(module: str) -> tuple[int, str] | None:
    return next(
        (
            (level, package)
            for level, layer in enumerate(LAYERS)
            for package in layer
            if _is_in(module, package)
        ),
        None,
    )


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in SOURCES


@pytest.mark.parametrize("module", MODULES)
def test_imports_only_point_upwards(module: str) -> None:
    """A module imports only its own package and the layers above it."""
    own = _place(module)
    if own is None:
        return
    for imported in filter(_is_ours, _imports(module)):
        other = _place(imported)
        if other is None or other[1] == own[1] or (own[1], other[1]) in INSIDE_ONE_PLACE:
            continue
        assert other[0] < own[0], f"{module} may not import {imported}"


def test_every_module_has_a_place() -> None:
    """A new module must be given its place among the layers."""
    homeless = [
        module
        for module in MODULES
        if module not in SOURCES and _place(module) is None and not _is_in(module, STANDS_BESIDE)
    ]
    assert homeless == []


@pytest.mark.parametrize("module", [m for m in MODULES if _is_in(m, STANDS_BESIDE)])
def test_simulator_sees_only_the_wire(module: str) -> None:
    """The simulator shares payloads and signing with the client, and nothing else."""
    allowed = (*SIMULATOR_SEES, STANDS_BESIDE)
    for imported in filter(_is_ours, _imports(module)):
        assert any(_is_in(imported, each) for each in allowed), f"{module} imports {imported}"


def test_only_commands_use_the_simulator() -> None:
    """No part that runs in production depends on the simulated Frame.io."""
    users = [
        module
        for module in MODULES
        if any(_is_in(each, STANDS_BESIDE) for each in _imports(module))
        and not any(_is_in(module, each) for each in SIMULATOR_IS_SEEN_BY)
    ]
    assert users == []


@pytest.mark.parametrize("module", [m for m in MODULES if _is_in(m, "postflow.domain")])
def test_domain_needs_no_other_library(module: str) -> None:
    """The domain imports the standard library, our errors, and itself."""
    for imported in _imports(module):
        ours = _is_in(imported, "postflow.domain") or imported == "postflow.errors"
        assert ours or imported.partition(".")[0] in sys.stdlib_module_names, imported


def test_importing_postflow_loads_nothing_heavy() -> None:
    """`import postflow` costs no library that takes long to import."""
    code = f"import sys, postflow; print(*(set({HEAVY!r}) & sys.modules.keys()))"
    ran = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert ran.stdout.split() == []


@pytest.mark.parametrize("module", [m for m, p in MODULES.items() if GENERATED not in str(p)])
def test_source_files_stay_short(module: str) -> None:
    """A source file that reaches 300 lines is to be split."""
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) < SOURCE_LIMIT


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_test_files_stay_short(path: Path) -> None:
    """A test file that reaches 400 lines is to be split."""
    assert len(path.read_text(encoding="utf-8").splitlines()) < TEST_LIMIT
