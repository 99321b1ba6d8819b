"""Keys that come close together, as hands and slow lines send them, decide nothing by mistake."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from select import select as select_ready

import pytest
from sqlmodel import select
from textual.events import Key
from textual.pilot import Pilot

from postflow.dashboard.terminal.app import DashboardApp
from postflow.dashboard.terminal.screens import DecisionScreen
from postflow.store.tables import RulingRow
from tests.dashboard.test_terminal import Desk, desk, settle

__all__ = ["desk"]  # the fixture of the other tests serves these too


@pytest.mark.parametrize(
    ("keys", "decided"),
    [(("enter", "enter"), {1}), (("enter", "escape"), {0, 1}), (("escape", "enter"), {0})],
    ids=["enter-enter", "enter-escape", "escape-enter"],
)
def test_first_of_two_quick_keys_answers(
    desk: Desk, keys: tuple[str, ...], decided: set[int]
) -> None:
    """A key that comes before the question is gone changes nothing, and ends nothing."""

    async def story(pilot: Pilot[None], app: DashboardApp) -> None:
        await pilot.press("r")
        for key in keys:
            app.post_message(Key(key, None))
        await settle(pilot, app)
        assert not isinstance(app.screen, DecisionScreen)
        assert len(desk.decided) in decided

    desk.play(story)


def test_escape_is_escape_whatever_comes_with_it(desk: Desk, sqlite_url: str) -> None:
    """A terminal's bytes for Escape and Enter, arriving at once, are no Enter, and decide nothing."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    program = subprocess.Popen(
        [sys.executable, "-m", "postflow", "dashboard"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "POSTFLOW_DATABASE__URL": sqlite_url, "TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(theirs)
    try:
        read_until(ours, b"shot_00")
        for together in (b"\x1b\r", b"\x1bf\r", b"\x1b\x1b\r"):
            os.write(ours, b"r")
            read_until(ours, b"Reject")
            os.write(ours, together)
            read_until(ours, b"[bold].mp4")  # what the question had covered
        deadline = time.monotonic() + 20
        while program.poll() is None and time.monotonic() < deadline:
            os.write(ours, b"q")  # leaves the table; in the question it would be a letter
            read_some(ours)
        assert program.poll() == 0
    finally:
        program.kill()
        program.wait()
        os.close(ours)
    with desk.store.reading() as session:
        assert session.exec(select(RulingRow)).all() == []


def read_some(terminal: int, *, seconds: float = 0.3) -> bytes:
    """Return what the program draws in this time at most."""
    if not select_ready([terminal], [], [], seconds)[0]:
        return b""
    try:
        return os.read(terminal, 65536)
    except OSError:  # it has ended
        return b""


def read_until(terminal: int, text: bytes) -> None:
    """Return once the program has drawn this text."""
    drawn, deadline = b"", time.monotonic() + 30
    while text not in drawn:
        assert time.monotonic() < deadline, drawn[-500:]
        drawn += read_some(terminal)
    while read_some(terminal):
        pass  # until all is drawn
