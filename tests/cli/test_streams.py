"""The program as a process: what becomes of its output where that is not a modern terminal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-m", "postflow"]
FULL = Path("/dev/full")


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603 - our own program
        [*PROGRAM, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_every_encoding_prints_french(store_url: str, encoding: str) -> None:
    """A terminal without accents gets plain letters and plain lines, never an error."""
    for arguments in (["--help"], ["config", "show"], ["status", "é✔\N{SNOWMAN}"]):
        ran = _run(*arguments, POSTFLOW_LANG="fr", PYTHONIOENCODING=encoding)
        assert b"Traceback" not in ran.stderr
        assert b"Error" not in ran.stderr
        assert (ran.stdout + ran.stderr).decode(encoding)


def test_ascii_keeps_french_readable(store_url: str) -> None:
    """Letters lose their accents and nothing else."""
    ran = _run("status", POSTFLOW_LANG="fr", PYTHONIOENCODING="ascii")
    assert b"`postflow run VIDEO` envoie une video." in ran.stdout


def test_json_is_whole_in_ascii() -> None:
    """Programs get every character back, whatever the encoding of the pipe."""
    ran = _run("explain", "--text", "Validé", "--json", PYTHONIOENCODING="ascii")
    assert "'Validé'" in json.loads(ran.stdout)["explanation"]


def test_invalid_file_names_are_printed(store_url: str) -> None:
    """A name that is no text at all is part of a sentence too."""
    ran = subprocess.run(  # noqa: S603 - our own program
        [*map(os.fsencode, PROGRAM), b"run", b"\xff.mp4"], capture_output=True, check=False
    )
    assert ran.returncode == 1
    assert b"does not exist" in ran.stderr


@pytest.mark.parametrize("arguments", [["config", "show"], ["config", "schema"]])
def test_reader_that_has_enough_sees_no_error(arguments: list[str]) -> None:
    """A pipe that ends, as in `| head -1`, ends the program without a word."""
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(  # noqa: S603 - our own program
        [*PROGRAM, *arguments], stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert ran.stderr == b""
    assert ran.returncode == 1


@pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", [["config", "show"], ["config", "schema"]])
def test_full_disk_is_one_sentence(arguments: list[str]) -> None:
    """Output that cannot be written is said in one sentence, and the command has failed."""
    with FULL.open("wb") as full:
        ran = subprocess.run(  # noqa: S603 - our own program
            [*PROGRAM, *arguments], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert ran.returncode == 1
    assert ran.stderr.startswith(b"The output cannot be written (")
    assert ran.stderr.count(b"\n") == 1


def test_closed_output_is_no_error() -> None:
    """A program started without any output does its work."""
    ran = subprocess.run(  # noqa: S603 - our own program, and a shell only to close its output
        ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *PROGRAM, "config", "show"],
        stderr=subprocess.PIPE,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
def test_interrupted_watching_exits_with_130(
    store_url: str, tmp_path: Path, number: signal.Signals
) -> None:
    """Ctrl-C ends a command that would go on for ever, without a traceback."""
    (tmp_path / "shots").mkdir()
    with subprocess.Popen(  # noqa: S603 - our own program
        [*PROGRAM, "watch", "shots"],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert b"Watching" in process.stdout.readline()
        process.send_signal(number)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Traceback" not in told


def test_completion_offers_commands() -> None:
    """What the installed shell completion asks for is answered."""
    ran = _run(_POSTFLOW_COMPLETE="complete_bash", COMP_WORDS="postflow expl", COMP_CWORD="1")
    assert ran.stdout.split() == [b"explain"]
