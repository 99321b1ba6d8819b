"""Prefect's server as `postflow start` runs it."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from postflow.cli import prefect_server


def test_arguments_are_those_of_prefect() -> None:
    """It is Prefect's own command, with all that it understands."""
    command = [sys.executable, "-m", "postflow.cli.prefect_server", "--help"]
    done = subprocess.run(  # noqa: S603 -- our own program
        command, capture_output=True, text=True, check=True, timeout=120
    )
    assert "prefect server start" in done.stdout
    assert "--port" in done.stdout


def test_what_is_loaded_is_kept_out_of_collections(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while full collections look at nothing that was there before."""
    monkeypatch.setattr(prefect_server, "_LOADED_AFTER", (0.0, 0.0))
    before = gc.get_freeze_count()
    try:
        prefect_server._keep_out_of_collections()
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()
