"""Notices go out through apprise, and never give away where to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from pydantic import SecretStr

from postflow.errors import ConfigurationError
from postflow.notices import make_notify

# apprise imports a module of Python's own that will go away; it has a replacement by then.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

Received = list[dict[str, object]]


@pytest.fixture
def receiver() -> Iterator[tuple[int, Received]]:
    """Give the port of a receiver of JSON notices, and what it received."""
    received: Received = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the library
            pass

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, received
        server.shutdown()
        thread.join()


def test_notice_reaches_its_receiver(receiver: tuple[int, Received]) -> None:
    """Title and text arrive where the address says."""
    port, received = receiver
    notify = make_notify([SecretStr(f"json://127.0.0.1:{port}/")])
    assert notify is not None
    notify("clip.mp4: changes requested", "Cleo: too dark")

    assert [(each["title"], each["message"]) for each in received] == [
        ("clip.mp4: changes requested", "Cleo: too dark")
    ]


def test_no_address_means_no_notices() -> None:
    """Nobody is told where nobody is to be told."""
    assert make_notify([]) is None


@pytest.mark.parametrize("address", ["nonsense://my-secret@host", "my-secret"])
def test_unknown_address_is_not_repeated(address: str, caplog: pytest.LogCaptureFixture) -> None:
    """An address that apprise cannot read is an error that does not show it, nor does a log."""
    with pytest.raises(ConfigurationError, match=r"notices\.urls") as raised:
        make_notify([address])
    assert "my-secret" not in str(raised.value) + caplog.text


def test_unreachable_receiver_stops_nobody(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A notice that cannot be sent is logged without its address; work goes on."""
    notify = make_notify(["json://user:my-secret@127.0.0.1:9/"])
    assert notify is not None
    notify("clip.mp4: failed", "text")

    assert "my-secret" not in caplog.text
    printed = capsys.readouterr()  # where to depends on who has configured the log in this process
    assert "notice not sent" in printed.out + printed.err
    assert "my-secret" not in printed.out + printed.err
