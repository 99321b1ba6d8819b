"""A real `postflow serve` under attack: honest deliveries get their 202, memory stays bounded."""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from postflow.cli.machine import find_free_ports
from tests.webhook_api.signing import BODY, PATH, SECRET, signed

FLOOD = 2000
MEGABYTE = 1024 * 1024
HEAD = f"POST {PATH} HTTP/1.1\r\nHost: x\r\n".encode()
ANSWER_SECONDS = 5  # when Frame.io gives up


class Besieged:
    """The service as a child, and what it costs."""

    def __init__(self, port: int, process: psutil.Process) -> None:
        self.port = port
        self._process = process
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=ANSWER_SECONDS)

    def connect(self, stack: ExitStack, say: bytes = b"") -> socket.socket:
        """Connect, and say something without an end."""
        connection = stack.enter_context(socket.create_connection(("127.0.0.1", self.port), 10))
        with suppress(OSError):  # who is thrown out while speaking is thrown out all the same
            connection.sendall(say)
        return connection

    def send_honestly(self, times: int = 20) -> list[int]:
        """Deliver as Frame.io does, each over a connection of its own."""
        statuses = []
        for _ in range(times):
            headers = {**signed(), "connection": "close"}
            statuses.append(self._client.post(PATH, content=BODY, headers=headers).status_code)
        return statuses

    @property
    def memory(self) -> int:
        """The bytes that it holds."""
        return int(self._process.memory_info().rss)

    def close(self) -> None:
        """Let go of the client."""
        self._client.close()


@pytest.fixture(scope="module", autouse=True)
def _many_files() -> Iterator[None]:
    """Let this process, and its child, open as many connections as the attacks need."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 3 * FLOOD
    if before[1] != resource.RLIM_INFINITY and before[1] < wanted:
        pytest.skip(f"this machine lets a process open only {before[1]} files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], wanted), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture(scope="module")
def service(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Besieged]:
    """Run the service; one for all attacks, which must not spoil it for the next one."""
    folder = tmp_path_factory.mktemp("besieged")
    public, private = find_free_ports(2)
    config = {
        "webhook": {"port": public, "secrets": [SECRET]},
        "dashboard": {"port": private},
        "database": {"url": f"sqlite:///{folder}/postflow.db"},
        "prefect": {"api_url": "http://127.0.0.1:9/api"},
    }
    (folder / "pipeline_config.json").write_text(json.dumps(config))
    with subprocess.Popen(
        [sys.executable, "-m", "postflow", "serve"],
        cwd=folder,
        env={**os.environ, "POSTFLOW_CONFIG": str(folder / "pipeline_config.json")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as child:
        try:
            _wait_until_home(public)
            besieged = Besieged(public, psutil.Process(child.pid))
            assert set(besieged.send_honestly()) == {202}
            yield besieged
            besieged.close()
        finally:
            child.terminate()


def _wait_until_home(port: int) -> None:
    ends_at = time.monotonic() + 60
    while time.monotonic() < ends_at:
        with suppress(httpx.HTTPError):
            if httpx.get(f"http://127.0.0.1:{port}/health").is_success:
                return
        time.sleep(0.05)
    raise AssertionError("the service did not start")


def _push(connection: socket.socket, piece: bytes, *, most: int) -> int:
    """Send a piece again and again until nobody takes it any more; return how many bytes went."""
    sent = 0
    connection.settimeout(5)
    try:
        while sent < most:
            connection.sendall(piece)
            sent += len(piece)
    except OSError:
        pass
    return sent


@pytest.mark.parametrize(
    ("say", "count", "megabytes"),
    [
        (b"", FLOOD, 80),
        (HEAD, FLOOD, 80),
        (HEAD + b"Content-Length: 9\r\n\r\nhalf", FLOOD, 80),
        (HEAD + b"Content-Length: 1000000\r\n\r\n" + b"x" * 900_000, 200, 200),
    ],
    ids=["silent", "half a head", "half a body", "large half bodies"],
)
def test_idle_connections_keep_nobody_out(
    service: Besieged, say: bytes, count: int, megabytes: int
) -> None:
    """Thousands of connections that owe us bytes cost little, and honest deliveries nothing."""
    before = service.memory
    with ExitStack() as stack:
        for _ in range(count):
            service.connect(stack, say)
        statuses = service.send_honestly()
        grown = service.memory - before

    assert set(statuses) == {202}
    assert grown < megabytes * MEGABYTE


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (HEAD, b"X-Flood: " + b"y" * 8000 + b"\r\n"),
        (HEAD + b"X-Flood: ", b"y" * 8000),
        (b"POST /", b"y" * 8000),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Flood: ", b"y" * 8000),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Flood: " + b"y" * 8000 + b"\r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1;" + b"y" * 8000 + b"\r\nx\r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1f40\r\n" + b"x" * 8000 + b"\r\n"),
        (b"", b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" * 200),
    ],
    ids=[
        *("headers", "one header", "address", "one trailer", "trailers"),
        *("chunk extensions", "chunks", "requests ahead"),
    ],
)
def test_endless_senders_are_cut_off(service: Besieged, start: bytes, piece: bytes) -> None:
    """Whatever never ends is refused after little of it, also from many at once."""
    before = service.memory
    with ExitStack() as stack:
        floods = [service.connect(stack, start) for _ in range(20)]
        sent = [_push(flood, piece, most=64 * MEGABYTE) for flood in floods]
        statuses = service.send_honestly()
        grown = service.memory - before

    assert max(sent) < 64 * MEGABYTE
    assert set(statuses) == {202}
    assert grown < 60 * MEGABYTE


def test_slow_senders_are_cut_off(service: Besieged) -> None:
    """Heads and bodies that come drop by drop end within their time, and delay nobody."""
    with ExitStack() as stack:
        slow_head = service.connect(stack, HEAD)
        slow_body = service.connect(stack, HEAD + b"Content-Length: 1000\r\n\r\n")
        began = time.monotonic()
        heard: dict[str, bytes] = {}
        while len(heard) < 2 and time.monotonic() - began < 20:
            for name, connection in (("head", slow_head), ("body", slow_body)):
                said = None if name in heard else _drip(connection)
                if said is not None:
                    heard[name] = said
            assert service.send_honestly(times=1) == [202]

    assert heard["head"] == b""
    assert heard["body"].startswith(b"HTTP/1.1 408")


def _drip(connection: socket.socket) -> bytes | None:
    """Send one more byte; return the answer, b"" at the end of the connection, or None."""
    connection.settimeout(0.3)
    try:
        connection.sendall(b"x")
        return connection.recv(65_536)
    except TimeoutError:
        return None
    except OSError:
        return b""
