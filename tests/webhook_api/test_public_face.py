"""The public face: each answer, and the order in which the answers are tried."""

from __future__ import annotations

import socket
import sqlite3
import time
from collections.abc import Callable, Iterator

import pytest

from postflow.frameio.webhooks import SIGNATURE_HEADER, TIMESTAMP_HEADER
from tests.webhook_api.conftest import Service, StartService
from tests.webhook_api.signing import BODY, PATH, SECRET, signed
from webhook_api.public_description import describe_public_face

TOO_LONG = b"x" * (1024 * 1024 + 1)


def test_signed_delivery_is_stored_unchanged(service: Service) -> None:
    """A delivery that Frame.io signed is answered 202, and its bytes are in the inbox."""
    answer = service.public.post(PATH, content=BODY, headers=signed())

    assert answer.status_code == 202
    with sqlite3.connect(service.path) as connection:
        rows = connection.execute("SELECT body, event_type, resource_id FROM events").fetchall()
    connection.close()
    assert rows == [(BODY, "file.ready", "file-1")]


def test_equal_deliveries_are_two_rows(service: Service) -> None:
    """Frame.io sends the same bytes for different events, so nothing is collapsed."""
    headers = signed()
    statuses = [service.public.post(PATH, content=BODY, headers=headers).status_code for _ in "12"]

    assert statuses == [202, 202]
    assert service.count_events() == 2


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"type":"galaxy.exploded","resource":{"id":7}}',
        b'{"type":null,"resource":"x","user":[]}',
        '{"type":"comment.created","note":"é\u2028"}'.encode(),
        b'{"type":"x\\u0000y","resource":{"id":"\\ud800"}}',
    ],
    ids=["empty", "unknown type", "strange shapes", "unicode", "unstorable texts"],
)
def test_any_signed_object_is_stored(service: Service, body: bytes) -> None:
    """Whatever a signed object holds, it is stored: the tracker decides later what it means."""
    answer = service.public.post(PATH, content=body, headers=signed(body))

    assert answer.status_code == 202
    assert service.count_events() == 1


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b'"text"', b"\xff\xfe{", b"null"])
def test_signed_body_that_is_no_object(service: Service, body: bytes) -> None:
    """A signed body that is not a JSON object is refused with 400 and leaves no row."""
    answer = service.public.post(PATH, content=body, headers=signed(body))

    assert answer.status_code == 400
    assert service.count_events() == 0


@pytest.mark.parametrize(
    "make_headers",
    [
        dict,
        lambda: {TIMESTAMP_HEADER: str(int(time.time()))},
        lambda: signed(secret="another-secret"),
        lambda: signed(body=BODY + b" "),
        lambda: signed(late=302),
        lambda: signed(late=-302),
        lambda: {TIMESTAMP_HEADER: "soon", SIGNATURE_HEADER: "v0=" + "0" * 64},
        lambda: {**signed(), SIGNATURE_HEADER: "v0=nonsense"},
    ],
    ids=["none", "no signature", "secret", "body", "stale", "future", "time", "malformed"],
)
def test_untrusted_delivery_leaves_no_row(
    service: Service, make_headers: Callable[[], dict[str, str]]
) -> None:
    """A delivery whose signature is missing, wrong or not of now is answered 401."""
    answer = service.public.post(PATH, content=BODY, headers=make_headers())

    assert answer.status_code == 401
    assert service.count_events() == 0


def test_signature_counts_before_the_json(service: Service) -> None:
    """A stranger learns nothing about how bodies are read: nonsense unsigned is 401, not 400."""
    assert service.public.post(PATH, content=b"nonsense").status_code == 401


@pytest.mark.parametrize("secrets", [[], [""], ["  "]], ids=["none", "empty", "blank"])
def test_service_without_secret_refuses(start_service: StartService, secrets: list[str]) -> None:
    """Without a secret nothing can be trusted; an empty one counts as none, even if it signs."""
    service = start_service(webhook={"secrets": secrets})
    answer = service.public.post(PATH, content=BODY, headers=signed(secret="".join(secrets)))

    assert answer.status_code == 503
    assert service.count_events() == 0


def test_length_counts_before_the_secret(start_service: StartService) -> None:
    """A body that is too long is answered 413 even where nothing could be trusted anyway."""
    service = start_service(webhook={"secrets": []})

    assert service.public.post(PATH, content=TOO_LONG).status_code == 413


def test_longest_body_is_still_taken(service: Service) -> None:
    """Exactly 1 MiB is allowed."""
    body = b'{"x":"' + b"y" * (1024 * 1024 - 8) + b'"}'
    assert len(body) == 1024 * 1024

    assert service.public.post(PATH, content=body, headers=signed(body)).status_code == 202


def test_long_body_without_length(service: Service) -> None:
    """A chunked body is counted as it comes, and refused as soon as it is too long."""

    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 65_536

    answer = service.public.post(PATH, content=chunks(), headers=signed(TOO_LONG))

    assert answer.status_code == 413
    assert service.count_events() == 0


def test_announced_length_is_enough(service: Service) -> None:
    """Nobody waits for two gigabytes to arrive before saying that they are too many."""
    host, port = service.public_url.removeprefix("http://").split(":")
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000000\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(head.encode())

        assert connection.recv(65_536).startswith(b"HTTP/1.1 413")


def test_hanging_up_leaves_no_trace(
    service: Service, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A sender that hangs up in the middle of its body leaves no row and no traceback."""
    host, port = service.public_url.removeprefix("http://").split(":")
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf"
    for _ in range(5):
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(head.encode())
    assert service.public.get("/health").status_code == 200

    assert service.count_events() == 0
    assert "Traceback" not in "".join(capfd.readouterr())
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("HEAD", "/health", 200),
        ("POST", "/health", 405),
        ("GET", PATH, 405),
        ("PUT", PATH, 405),
        ("POST", f"{PATH}/", 404),
        ("GET", "/", 404),
        ("GET", "/docs", 404),
        ("GET", "/openapi.json", 404),
        ("GET", "/api/uploads", 404),
    ],
)
def test_nothing_else_is_public(service: Service, method: str, path: str, status: int) -> None:
    """The public face is two routes, each with its own method."""
    assert service.public.request(method, path).status_code == status


def test_any_live_secret_is_accepted(start_service: StartService) -> None:
    """During a rotation both secrets are good."""
    service = start_service(webhook={"secrets": ["new-secret", SECRET]})
    statuses = [
        service.public.post(PATH, content=BODY, headers=signed(secret=secret)).status_code
        for secret in ("new-secret", SECRET, "third")
    ]

    assert statuses == [202, 202, 401]


def test_description_names_what_is_served(service: Service) -> None:
    """The OpenAPI document of the public face names its two routes, and is itself not served."""
    described = describe_public_face()["paths"]
    assert isinstance(described, dict)
    answers = {
        (method, path): service.public.request(method, path).status_code
        for path, methods in described.items()
        for method in methods
    }

    assert answers == {("post", PATH): 401, ("get", "/health"): 200}
    assert service.public.get("/openapi.json").status_code == 404
