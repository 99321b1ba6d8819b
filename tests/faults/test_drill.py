"""The drill in small: real programs, killed and cut off, and everything checked from outside."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.prefect
@pytest.mark.timeout(900)  # a minute on idle cores; a busy machine stretches the plan
def test_small_drill_misses_nothing(tmp_path: Path) -> None:
    """Four reviews end as meant although two programs are killed and the database is away."""
    sizes = ("--uploads", "4", "--kills", "2", "--seed", "1", "--database", "sqlite")
    drill = [sys.executable, "-m", "tools.drill", *sizes, "--folder", str(tmp_path / "drill")]
    ran = subprocess.run(drill, capture_output=True, text=True, check=False, cwd=ROOT)  # noqa: S603 - our own module
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "nothing was missed" in ran.stdout
