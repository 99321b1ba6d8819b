"""Ctrl-C while a command waits for somebody: one sentence, 130, and nothing is lost."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from postflow.store.database import open_store
from postflow.store.uploads import register_upload
from tests.factories import NOW


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("run", "shot.mp4"), "the same command again repeats nothing"),
        (("webhook", "rotate"), "Interrupted before a rotation began"),
        (("reconcile",), "what was read so far is kept"),
    ],
    ids=["run", "rotate", "reconcile"],
)
def test_interrupted_command_says_what_is_kept(
    tmp_path: Path, sqlite_url: str, command: tuple[str, ...], sentence: str
) -> None:
    """Whoever was asked has not answered yet; the sentence says how to go on."""
    (tmp_path / "shot.mp4").write_bytes(b"a video")
    store = open_store(sqlite_url)
    with store.writing() as session:
        register_upload(session, upload_id="u", filename="u.mp4", file_id="f", now=NOW)
    store.close()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        program = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "postflow", *command],
            cwd=tmp_path,
            env={
                **os.environ,
                "POSTFLOW_DATABASE__URL": sqlite_url,
                "POSTFLOW_FRAMEIO__BASE_URL": address,
                "POSTFLOW_FRAMEIO__TOKEN": "editor@studio.example",
                "POSTFLOW_PREFECT__API_URL": f"{address}/api",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            asked, _ = silent.accept()
            with asked:
                program.send_signal(signal.SIGINT)
                said, _ = program.communicate(timeout=60)
        finally:
            program.kill()
    assert program.returncode == 130
    assert sentence in said
    assert len(said.splitlines()) == 1
