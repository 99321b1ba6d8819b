"""`postflow run --new-version-of`: what is wrong with the command line is said at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from postflow.cli.main import run_program


def test_new_version_is_exactly_one_file(
    sqlite_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Two files cannot both be the next version: wrong usage, and nothing is submitted."""
    monkeypatch.setenv("POSTFLOW_DATABASE__URL", sqlite_url)
    paths = [tmp_path / "one.mp4", tmp_path / "two.mp4"]
    for path in paths:
        path.write_bytes(path.name.encode())
    code = run_program(["run", *(str(path) for path in paths), "--new-version-of", "clip"])
    assert code == 2
    assert "exactly one file" in capsys.readouterr().err
