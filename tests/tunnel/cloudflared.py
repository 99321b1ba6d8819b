"""What stands in for cloudflared: prints what it prints, forwards HTTP, fails when it is told to.

Copied as an executable file into a folder of the test's own, where it notes its calls and reads
how it is to behave. Its quick tunnels are addresses of this machine.
"""

from __future__ import annotations

import http.server
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

FOLDER = Path(__file__).parent
NAMED_PORT = "named-port"


def say(message: str, level: str = "INF") -> None:
    """Print a line as cloudflared does: to stderr, with time and level."""
    sys.stderr.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {level} {message}\n")
    sys.stderr.flush()


def say_in_a_box(*lines: str) -> None:
    """Print lines in a frame, which is how a quick tunnel tells its address."""
    width = max(map(len, lines))
    say("+" + "-" * (width + 4) + "+")
    for line in lines:
        say("|  " + line.ljust(width) + "  |")
    say("+" + "-" * (width + 4) + "+")


class Forwarding(http.server.BaseHTTPRequestHandler):
    """Hands each request on to the origin, and its answer back."""

    origin = ""

    def forward(self) -> None:
        """Forward one request."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        request = urllib.request.Request(  # noqa: S310 - an address of this machine
            self.origin + self.path, data=body or None, method=self.command
        )
        for name, value in self.headers.items():
            if name.lower() not in {"host", "content-length", "connection"}:
                request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - the same
                self.answer(answer.status, answer.read())
        except urllib.error.HTTPError as refusal:
            self.answer(refusal.code, refusal.read())
        except OSError:
            self.answer(502, b"")

    def answer(self, status: int, body: bytes) -> None:
        """Send an answer."""
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing about requests."""

    do_GET = do_POST = do_PATCH = forward  # noqa: N815 - the names that the library calls


def main() -> int:
    """Be one tunnel until killed."""
    arguments = sys.argv[1:]
    behaviour = FOLDER / "fails"
    if behaviour.exists():
        note(arguments, port=0)
        say(
            'failed to request quick Tunnel: Post "https://api.trycloudflare.com/tunnel": EOF',
            "ERR",
        )
        return 1
    if (FOLDER / "stubborn").exists():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Forwarding.origin = arguments[arguments.index("--url") + 1]
    named = FOLDER / NAMED_PORT
    port = int(named.read_text()) if "run" in arguments else 0
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Forwarding)
    port = server.server_address[1]
    note(arguments, port)
    say("Thank you for trying Cloudflare Tunnel. (https://www.cloudflare.com/website-terms/)")
    if "run" not in arguments:
        say("Requesting new quick Tunnel on trycloudflare.com...")
        say_in_a_box(
            "Your quick Tunnel has been created! Visit it at (it may take some time to be "
            "reachable):",
            f"http://127.0.0.1:{port}",
        )
    say("Registered tunnel connection connIndex=0 event=0 ip=198.41.200.13 protocol=quic")
    server.serve_forever()
    return 0


def note(arguments: list[str], port: int) -> None:
    """Write down that the program was called."""
    call = {"pid": os.getpid(), "port": port, "arguments": arguments}
    with (FOLDER / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps(call) + "\n")


if __name__ == "__main__":
    sys.exit(main())
