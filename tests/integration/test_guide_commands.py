"""Every command of the guides, run in their order as a reader would type them."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.test_examples import ROOT, Studio, free_ports, studio, videos
from tests.integration.test_guides import GUIDES, blocks

__all__ = ["studio", "videos"]  # the fixtures of the examples serve these tests too

STAYS = {"simulator": "listens on", "serve": "PostFlow  ", "start": "Ctrl-C stops everything"}
"""Commands that run until they are interrupted, and what they say once they are up."""
MAY_REFUSE = {"doctor"}
"""Commands that exit with 1 where something is missing: here there is no Prefect yet."""


def _commands(guide: str) -> list[list[str]]:
    lines = [line for block in blocks(guide, "bash") for line in block.splitlines()]
    return [shlex.split(line) for line in lines if line.strip() and not line.startswith("#")]


@contextmanager
def _running(studio: Studio, arguments: list[str]) -> Iterator[None]:
    """Run a command that stays, once it is up, until the block ends; Ctrl-C must end it."""
    program = subprocess.Popen(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-m", "postflow", *arguments],
        cwd=studio.folder,
        env=studio.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert program.stdout is not None
    said: list[str] = []
    try:
        for line in program.stdout:
            said.append(line)
            if STAYS[arguments[0]] in line:
                break
        assert program.poll() is None, "".join(said)
        yield
    finally:
        program.send_signal(signal.SIGINT)
        rest, _ = program.communicate(timeout=60)
    assert program.returncode in (0, 130), "".join([*said, rest])
    assert "Traceback" not in rest


def _with_own_prefect(studio: Studio) -> Studio:
    """Let `postflow start` bring up a Prefect server, on a free port."""
    (port,) = free_ports(1)
    own = {**studio.environment, "POSTFLOW_PREFECT__PORT": str(port)}
    del own["POSTFLOW_PREFECT__API_URL"]
    return replace(studio, environment=own)


def _run(studio: Studio, arguments: list[str]) -> None:
    ran = studio.run("-m", "postflow", *arguments)
    allowed = {0, 1} if arguments[0] in MAY_REFUSE else {0}
    assert ran.returncode in allowed, f"postflow {shlex.join(arguments)}: {ran.stdout}{ran.stderr}"
    assert "Traceback" not in ran.stdout + ran.stderr


@pytest.mark.prefect
@pytest.mark.timeout(900)  # it brings up all of PostFlow, on a machine that may be busy
@pytest.mark.parametrize("guide", GUIDES)
def test_commands_of_the_guide_run(guide: str, studio: Studio, videos: dict[str, Path]) -> None:
    """Each command ends well, and at the end of the guide the videos are delivered."""
    (studio.folder / "videos").mkdir()
    # Both are liked at once: a scene is refused first, which `--on-rejected finish` may end.
    for name, like in (("intro", "intro"), ("intro2", "scene1")):
        (studio.folder / "videos" / f"{name}.mp4").write_bytes(videos[like].read_bytes())
    (studio.folder / "examples").symlink_to(ROOT / "examples")
    track = "import postflow as p; p.init_postflow(); p.track_upload('upload_001', 'ma_video.mp4')"
    assert studio.run("-c", track).returncode == 0

    commands = _commands(guide)
    start = commands.index(["postflow", "start"])
    for command in commands[:start]:
        if command[0] == "postflow" and command[1] in STAYS:
            # The addresses of the page may be taken on this machine.
            arguments = ["0" if each == "8090" else each for each in command[1:]]
            with _running(studio, arguments):
                pass
        elif command[0] == "postflow":
            _run(studio, command[1:])
        else:  # the environment is the fixture's, and installed is PostFlow already
            assert command[0] == "export" or command == ["pip", "install", "."]
    machine = _with_own_prefect(studio)
    with _running(machine, ["start"]):
        second = machine.run("-m", "postflow", "start")
        assert second.returncode == 1
        assert "PostFlow already runs here (pid " in second.stderr
        for command in commands[start + 1 :]:
            _run(machine, command[1:])

    delivered = {path.name for path in (studio.folder / "delivered").glob("*.mp4")}
    assert delivered == {"intro.mp4", "intro2.mp4"}
