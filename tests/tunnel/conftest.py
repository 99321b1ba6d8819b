"""A stand-in for the user's cloudflared, and what tests do with it."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

import tests.tunnel.cloudflared as stand_in

# The fixtures of a running service serve these tests too.
from tests.webhook_api.conftest import make_config, start_service

__all__ = ["make_config", "start_service"]


@dataclass(frozen=True, kw_only=True)
class Cloudflared:
    """An executable stand-in, in a folder of its own."""

    folder: Path

    @property
    def command(self) -> str:
        """Where it is."""
        return str(self.folder / "cloudflared")

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Return its runs so far, the oldest first."""
        path = self.folder / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def address(self) -> str:
        """The address that its newest run has told."""
        return f"http://127.0.0.1:{self.calls[-1]['port']}"

    def kill(self) -> None:
        """Let its newest run die."""
        os.kill(self.calls[-1]["pid"], signal.SIGKILL)

    def is_running(self) -> bool:
        """Whether any run of it lives."""
        return any(_lives(call["pid"], self.command) for call in self.calls)

    def fail(self, *, fails: bool = True) -> None:
        """Let the next runs end at once with an error, or no longer."""
        path = self.folder / "fails"
        path.touch() if fails else path.unlink()


def _lives(pid: int, command: str) -> bool:
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and command in process.cmdline()
    except psutil.Error:
        return False


@pytest.fixture
def cloudflared(tmp_path: Path) -> Cloudflared:
    """Give a program that behaves like cloudflared."""
    folder = tmp_path / "tunnel"
    folder.mkdir()
    program = folder / "cloudflared"
    source = Path(stand_in.__file__).read_text(encoding="utf-8")
    program.write_text(f"#!{sys.executable}\n{source}", encoding="utf-8")
    program.chmod(0o755)
    return Cloudflared(folder=folder)
