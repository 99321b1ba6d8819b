"""The signature on deliveries and the lenient reading of their bodies."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from postflow.errors import DeliveryRejectedError
from postflow.frameio.webhooks import parse_event, sign_delivery, verify_delivery

SECRET = "postflow-test-secret"
SENT = 1_700_000_000
NOW = datetime.fromtimestamp(SENT, UTC)
READY = b'{"account":{"id":"6f70f1bd-7e89-4a7e-b4d3-7e576585a181"},"type":"file.ready"}'
READY_SIGNATURE = "v0=1b9729b196a0fc6ff0ae2e1bdef38f3746805c1c01db9e3d2bf3b3edeb4210eb"
ACCENT = '{"type":"comment.created","note":"é"}'.encode()
ACCENT_SIGNATURE = "v0=76182c8612f77dd42528b736728967a53990ffe78bbafe8e6fb9fa355ad80f0b"


def verify(
    *,
    secrets: tuple[str, ...] = (SECRET,),
    timestamp_header: str | None = str(SENT),
    signature_header: str | None = READY_SIGNATURE,
    body: bytes = READY,
    now: datetime = NOW,
) -> None:
    """Verify the known delivery, changed in what the test is about."""
    verify_delivery(
        secrets=secrets,
        timestamp_header=timestamp_header,
        signature_header=signature_header,
        body=body,
        now=now,
        tolerance=timedelta(seconds=300),
    )


@pytest.mark.parametrize(
    ("body", "signature"),
    [(READY, READY_SIGNATURE), (ACCENT, ACCENT_SIGNATURE)],
    ids=["ascii", "utf-8"],
)
def test_signature_matches_known_vectors(body: bytes, signature: str) -> None:
    """Signing known bytes at a known second gives the signature two others computed."""
    assert sign_delivery(secret=SECRET, timestamp=SENT, body=body) == signature
    verify(body=body, signature_header=signature)


def test_any_live_secret_is_enough() -> None:
    """During a rotation a delivery signed with the old or the new secret is accepted."""
    verify(secrets=("new-secret", "", SECRET))


@pytest.mark.parametrize("seconds", [-300, -299, 299, 300])
def test_delivery_within_tolerance_is_accepted(seconds: int) -> None:
    """Clocks may differ by the tolerance in either direction."""
    verify(now=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("seconds", "word"), [(301, "old"), (-301, "in the future")], ids=["old", "future"]
)
def test_untimely_delivery_is_rejected(seconds: int, word: str) -> None:
    """A delivery from too long ago, or from the future, could be a replay."""
    with pytest.raises(DeliveryRejectedError, match=f"301 s {word}"):
        verify(now=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("header", [None, ""], ids=["absent", "empty"])
def test_missing_headers_are_named(header: str | None) -> None:
    """The sentence names the header that the sender forgot."""
    with pytest.raises(DeliveryRejectedError, match="no X-Frameio-Request-Timestamp"):
        verify(timestamp_header=header)
    with pytest.raises(DeliveryRejectedError, match="no X-Frameio-Signature"):
        verify(signature_header=header)


@pytest.mark.parametrize("header", ["yesterday", "1.7e9", "-5", " 1700000000", "١٧٠٠", "9" * 5000])
def test_malformed_timestamp_is_rejected(header: str) -> None:
    """Only plain ASCII digits are a timestamp, whatever Python would read as a number."""
    with pytest.raises(DeliveryRejectedError, match="malformed"):
        verify(timestamp_header=header)


@pytest.mark.parametrize(
    "header",
    ["v1=" + "0" * 64, "v0=" + "0" * 63, READY_SIGNATURE.upper(), "é", READY_SIGNATURE + "\n"],
    ids=["version", "short", "upper-case", "not-ascii", "newline"],
)
def test_malformed_signature_is_rejected(header: str) -> None:
    """A signature of another form is refused without comparing."""
    with pytest.raises(DeliveryRejectedError, match="malformed"):
        verify(signature_header=header)


def test_changed_body_is_rejected() -> None:
    """One byte more in the body and the signature no longer holds."""
    with pytest.raises(DeliveryRejectedError, match="not signed with any"):
        verify(body=READY + b" ")


def test_timestamp_is_part_of_signature() -> None:
    """An old signature cannot be sent again under a fresh timestamp."""
    with pytest.raises(DeliveryRejectedError, match="not signed with any"):
        verify(timestamp_header=str(SENT + 1))


@pytest.mark.parametrize("secrets", [(), ("",), ("  ", "\t")], ids=["none", "empty", "blank"])
def test_empty_secrets_count_as_none(secrets: tuple[str, ...]) -> None:
    """An empty secret would let anybody sign, so it verifies nothing."""
    signature = sign_delivery(secret="", timestamp=SENT, body=READY)
    with pytest.raises(DeliveryRejectedError, match="No webhook secret"):
        verify(secrets=secrets, signature_header=signature)


def test_event_carries_type_and_ids() -> None:
    """The documented body of file.ready is read in full."""
    event = parse_event(
        b'{"account":{"id":"a"},"project":{"id":"p"},"resource":{"id":"f","type":"file"},'
        b'"type":"file.ready","user":{"id":"u"},"workspace":{"id":"w"}}'
    )
    assert event == ("file.ready", "f", "file", "p", "u", "w", "a")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": None, "resource": None},
        {"type": 7, "resource": "f", "user": []},
        {"resource": {"id": {"deep": 1}}, "project": {"id": ""}},
        {"type": "nul\0", "resource": {"id": "\ud800", "type": "x" * 300}},
    ],
    ids=["empty", "nulls", "wrong-types", "nested-ids", "unstorable-text"],
)
def test_strange_events_are_still_read(body: dict[str, object]) -> None:
    """A signed object is an event whatever it holds; unreadable parts are absent."""
    event = parse_event(json.dumps(body).encode())
    assert event.type is None
    assert event.resource_id is None


@pytest.mark.parametrize(
    "body",
    [b'{"a":' * 100_000 + b"1" + b"}" * 100_000, b'{"n":' + b"9" * 5_000 + b"}"],
    ids=["too-deep", "too-long-a-number"],
)
def test_objects_beyond_reading_are_stored(body: bytes) -> None:
    """An object that Python refuses to read in full was signed all the same."""
    assert parse_event(body).type is None


@pytest.mark.parametrize(
    "body",
    [b"", b"nope", b"[]", b'"text"', b"\xff\xfe\xfa", b"[" * 200_000],
    ids=["empty", "prose", "list", "text", "not-utf-8", "too-deep"],
)
def test_other_bodies_are_refused(body: bytes) -> None:
    """What is not a JSON object is a ValueError, never another exception."""
    with pytest.raises(ValueError, match=r"."):
        parse_event(body)
