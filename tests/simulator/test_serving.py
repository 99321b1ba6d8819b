"""The simulated Frame.io as a process: says where it listens, ends when told."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from postflow.errors import ConfigurationError
from postflow.simulator.config import SimulatorConfig
from postflow.simulator.serving import serve_simulator

PROGRAM = """
from postflow.simulator.config import SimulatorConfig
from postflow.simulator.serving import serve_simulator
serve_simulator("127.0.0.1", 0, SimulatorConfig())
"""


def test_process_says_its_port_and_ends_on_sigterm(tmp_path: Path) -> None:
    """On port 0 the one printed line names the real address; SIGTERM ends it without a trace."""
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = line.split()[-1]
        headers = {"authorization": "Bearer postflow"}
        with httpx.Client(base_url=address, trust_env=False, headers=headers) as client:
            assert client.get("/v4/me").status_code == 200
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)  # with a connection still open
            rest, complaints = process.communicate(timeout=10)
    assert time.monotonic() - began < 3
    assert (rest, complaints) == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_taken_port_is_a_clear_error() -> None:
    """A port that somebody else has is named."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"Port {port} on 127.0.0.1 is taken"):
            serve_simulator("127.0.0.1", port, SimulatorConfig())
