"""A model server of the test's own: answers over real HTTP what the test wants, and remembers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class ModelServer:
    """Says `reply` to everything; `status`, `raw` and `silent` make it misbehave."""

    def __init__(self) -> None:
        self.reply = '{"verdict": "pending", "why": "asks something"}'
        self.status = 200
        self.raw: bytes | None = None
        self.silent = False
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.asked = threading.Event()
        self.over = threading.Event()
        self.url = ""

    def says(self, verdict: str, why: str = "because") -> None:
        """Answer with this verdict from now on."""
        self.reply = json.dumps({"verdict": verdict, "why": why})

    @property
    def body(self) -> bytes:
        """The next answer's bytes."""
        if self.raw is not None:
            return self.raw
        return json.dumps({"choices": [{"message": {"content": self.reply}}]}).encode()


@contextmanager
def run_model_server() -> Iterator[ModelServer]:
    """Give a running server on loopback, and end it."""
    model = ModelServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            model.requests.append(json.loads(self.rfile.read(length)))
            model.headers.append(dict(self.headers))
            model.paths.append(self.path)
            model.asked.set()
            if model.silent:
                model.over.wait(30)
                return
            body = model.body
            self.send_response(model.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Say nothing of clients that hung up."""

    server = Server(("127.0.0.1", 0), Handler)
    model.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield model
    finally:
        model.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
