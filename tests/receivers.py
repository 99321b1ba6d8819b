"""A receiver of notices on a port of its own: it keeps what it gets, and refuses on request."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer


@dataclass
class NoticeReceiver:
    """What apprise's `json://` talks to."""

    port: int = 0
    answer: int = 200
    received: list[dict[str, object]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """The address for the settings."""
        return f"json://127.0.0.1:{self.port}/"

    @property
    def titles(self) -> list[object]:
        """The titles of what was taken, in their order."""
        return [each["title"] for each in self.received]


@contextmanager
def receiving_notices() -> Iterator[NoticeReceiver]:
    """Receive notices on a free port for as long as the block runs."""
    receiver = NoticeReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if receiver.answer == 200:
                receiver.received.append(body)
            self.send_response(receiver.answer)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the library
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
