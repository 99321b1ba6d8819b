"""Deliveries that come whole, in one piece: the same answers as in pieces, and after the commit."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from postflow.frameio.webhooks import SIGNATURE_HEADER, TIMESTAMP_HEADER
from tests.webhook_api.conftest import Service, StartService
from tests.webhook_api.signing import BODY, PATH, SECRET, signed


def _write(
    body: bytes = BODY,
    headers: Mapping[str, str] | None = None,
    *,
    version: str = "1.1",
    more: str = "",
) -> bytes:
    found = signed(body) if headers is None else headers
    lines = "".join(f"{name}: {value}\r\n" for name, value in found.items())
    head = f"POST {PATH} HTTP/{version}\r\nhost: x\r\ncontent-length: {len(body)}\r\n{lines}{more}"
    return f"{head}\r\n".encode() + body


class _Caller:
    """A connection that is spoken to in bytes."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._file = connection.makefile("rb")

    def say(self, *pieces: bytes) -> None:
        """Send the pieces, each of which arrives by itself."""
        for piece in pieces[:-1]:
            self._connection.sendall(piece)
            self.wait_until_read()
        self._connection.sendall(pieces[-1])

    def wait_until_read(self) -> None:
        """Return once the service has read all that was said: one loop reads from everybody."""
        host, port = self._connection.getpeername()
        assert httpx.get(f"http://{host}:{port}/health").is_success

    def read(self) -> tuple[str, dict[str, str], bytes]:
        """Return the next answer: its status line, its headers, its body."""
        status = self._file.readline().decode().strip()
        headers = {}
        while line := self._file.readline().decode().strip():
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        return status, headers, self._file.read(int(headers.get("content-length", 0)))

    def is_at_end(self) -> bool:
        """Whether the service hangs up without another byte."""
        return self._file.read(1) == b""


@contextmanager
def _calling(service: Service) -> Iterator[_Caller]:
    parts = urlsplit(service.public_url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), 10) as connection:
        yield _Caller(connection)


def test_whole_delivery_is_stored(service: Service) -> None:
    """One piece that holds a whole delivery is answered 202, and is a row by then."""
    with _calling(service) as caller:
        caller.say(_write())
        status, headers, body = caller.read()

        assert (status, body) == ("HTTP/1.1 202 Accepted", b'{"status": "stored"}')
        assert "date" in headers
        assert service.count_events() == 1


@pytest.mark.parametrize(
    ("body", "change"),
    [
        (BODY, {}),
        (b"[]", {}),
        (b"", {}),
        (BODY, {SIGNATURE_HEADER: ""}),
        (BODY, {SIGNATURE_HEADER: f"v0={'0' * 64}"}),
        (BODY, {TIMESTAMP_HEADER: "now"}),
    ],
    ids=["stored", "no object", "empty", "unsigned", "wrong signature", "malformed"],
)
def test_whole_is_answered_as_in_halves(
    service: Service, body: bytes, change: Mapping[str, str]
) -> None:
    """Nobody can tell from an answer whether the request came in one piece or in two."""
    request = _write(body, {**signed(body), **change})
    with _calling(service) as whole, _calling(service) as halved:
        whole.say(request)
        halved.say(request[:60], request[60:])
        answers = [whole.read(), halved.read()]

    (first, first_headers, first_body), (second, second_headers, second_body) = answers
    assert (first, first_body) == (second, second_body)
    assert first_headers.keys() == second_headers.keys()


def test_connection_takes_many_deliveries(service: Service) -> None:
    """A connection is kept for the next delivery, whether that comes whole or not."""
    with _calling(service) as caller:
        for number in range(6):
            request = _write(b'{"number":%d}' % number)
            caller.say(*([request] if number % 2 else [request[:-5], request[-5:]]))
            assert caller.read()[0] == "HTTP/1.1 202 Accepted"

    assert service.count_events() == 6


def test_deliveries_sent_ahead_are_all_stored(service: Service) -> None:
    """Deliveries that follow each other without waiting are answered in turn, each once."""
    bodies = [BODY, b"[]", BODY, BODY]
    with _calling(service) as caller:
        caller.say(b"".join(_write(body) for body in bodies))
        statuses = [caller.read()[0].split()[1] for _ in bodies]

    assert statuses == ["202", "400", "202", "202"]
    assert service.count_events() == 3


@pytest.mark.parametrize(
    ("version", "more"), [("1.1", "connection: close\r\n"), ("1.0", "")], ids=["close", "HTTP 1.0"]
)
def test_last_delivery_ends_its_connection(service: Service, version: str, more: str) -> None:
    """Whoever asks for it, or knows no better, is told 202 and hung up on."""
    with _calling(service) as caller:
        caller.say(_write(version=version, more=more))
        status, headers, _ = caller.read()

        assert status.endswith("202 Accepted")
        assert headers["connection"] == "close"
        assert caller.is_at_end()
    assert service.count_events() == 1


def test_whole_delivery_meets_a_locked_store(service: Service) -> None:
    """A store that stays locked is told in time, and the delivery is not stored later."""
    with _calling(service) as caller:
        with service.locked():
            caller.say(_write())
            refused = caller.read()[0]
        caller.say(_write())
        accepted = caller.read()[0]

    assert refused == "HTTP/1.1 503 Service Unavailable"
    assert accepted == "HTTP/1.1 202 Accepted"
    assert service.count_events() == 1


def test_sender_that_hangs_up_harms_nobody(service: Service) -> None:
    """A delivery whose sender has gone is stored all the same, and the next one is answered."""
    with service.locked(), _calling(service) as gone:
        gone.say(_write())
        gone.wait_until_read()
    with _calling(service) as caller:
        caller.say(_write())
        assert caller.read()[0] == "HTTP/1.1 202 Accepted"

    assert service.count_events() == 2


def test_whole_deliveries_without_a_secret(start_service: StartService) -> None:
    """Without a secret a whole delivery is refused, and counted as such."""
    service = start_service(webhook={"secrets": []})
    with _calling(service) as caller:
        caller.say(_write(headers=signed(secret=SECRET)))
        status = caller.read()[0]

    assert status == "HTTP/1.1 503 Service Unavailable"
    assert 'answers_total{status="503"} 1.0' in service.private.get("/metrics").text
