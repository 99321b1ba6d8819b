"""Commands run in this process, in an empty folder, without anybody's configuration."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from postflow.cli.main import run_program


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


Postflow = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every setting of the machine out of the test."""
    for name in [n for n in os.environ if n.startswith(("POSTFLOW_", "PREFECT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("POSTFLOW_LANG", "en")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nowhere"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def postflow(capsys: pytest.CaptureFixture[str]) -> Postflow:
    """Run a command and give back its exit code and what it printed."""

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        code = run_program(list(arguments))
        printed = capsys.readouterr()
        return Ran(code=code, out=printed.out, err=printed.err)

    return run


@pytest.fixture
def store_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postflow: Postflow) -> str:
    """Make an empty store by `postflow migrate`, in the place that every command will use."""
    url = f"sqlite:///{tmp_path / 'postflow.db'}"
    monkeypatch.setenv("POSTFLOW_DATABASE__URL", url)
    assert postflow("migrate").code == 0
    return url
