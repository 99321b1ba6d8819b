from __future__ import annotations

import json

import httpx
import pytest

from postflow.errors import (
    FrameioError,
    FrameioRefusedError,
    FrameioUnavailableError,
    NotFoundError,
    RateLimitedError,
)
from postflow.frameio.failures import FOREIGN_ERRORS, Answer, failure_of
from postflow.frameio.protocol import Call, path_of, read_object, read_page
from postflow.frameio.wire import Reference

CALL = Call(
    operation="list things",
    path=path_of("things"),
    model=Reference,
    params={"page_size": "100", "include": "owner", "sort": "created_at_asc"},
)


def answer(body: object, status: int = 200, **headers: str) -> Answer:
    """Write an answer as Frame.io does."""
    return Answer(status=status, headers=headers, body=json.dumps(body).encode())


def test_next_page_asks_for_everything_again() -> None:
    """Frame.io drops include, sort and page_size from the link; the next call has them."""
    page = read_page(CALL, answer({"data": [], "links": {"next": "/v4/things?after=CUR%3D"}}))
    assert page.next_call is not None
    assert page.next_call.params == {**CALL.params, "after": "CUR="}
    assert page.next_call.path == CALL.path


def test_last_page_has_no_next_call() -> None:
    """A null link ends the list."""
    page = read_page(CALL, answer({"data": [{"id": "1"}], "links": {"next": None}}))
    assert ([item.id for item in page.items], page.next_call) == (["1"], None)


def test_link_never_leads_to_another_host() -> None:
    """Only the cursor of a link is used: the token stays with our host."""
    link = "https://evil.test/v4/other?after=X"
    page = read_page(CALL, answer({"data": [], "links": {"next": link}}))
    assert page.next_call is not None
    assert page.next_call.path == CALL.path


def test_page_that_names_itself_is_refused() -> None:
    """A cursor that does not move would be read for ever."""
    first = answer({"data": [], "links": {"next": "/v4/things?after=A"}})
    second = read_page(CALL, first).next_call
    assert second is not None
    with pytest.raises(FrameioError, match="cannot be read"):
        read_page(second, first)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>login</html>",
        b"[]",
        b'{"data": [{"id": 5, "type": []}], "links": {"next": null}}',
        b'{"data": []}',
        b"",
    ],
    ids=["html", "no object", "wrong types", "no links", "nothing"],
)
def test_unreadable_page_is_an_error(body: bytes) -> None:
    """A page that cannot be read is never an empty page."""
    with pytest.raises(FrameioError, match="cannot be read"):
        read_page(CALL, Answer(status=200, body=body))


def test_unreadable_object_quotes_no_value() -> None:
    """The message and its causes name fields, not their values, which may be secret."""
    with pytest.raises(FrameioError) as caught:
        read_object(CALL, answer({"data": {"id": ["secret-value"]}}))
    assert "id" in str(caught.value)
    assert "secret-value" not in repr(caught.value) + repr(caught.value.__cause__)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, FrameioRefusedError),
        (401, FrameioRefusedError),
        (403, FrameioRefusedError),
        (404, NotFoundError),
        (408, FrameioUnavailableError),
        (409, FrameioRefusedError),
        (422, FrameioRefusedError),
        (429, RateLimitedError),
        (500, FrameioUnavailableError),
        (502, FrameioUnavailableError),
        (530, FrameioUnavailableError),
        (499, FrameioRefusedError),
        (302, FrameioError),
    ],
)
def test_status_tells_who_must_act(status: int, kind: type[FrameioError]) -> None:
    """Each status becomes one kind of error that says what was asked."""
    failure = failure_of("show file 7", answer({"errors": [{"detail": "Because"}]}, status))
    assert type(failure) is kind
    assert "show file 7" in str(failure)


def test_refusal_repeats_the_reasons() -> None:
    """Frame.io's own words and the place they mean are in the message."""
    reasons = {"errors": [{"detail": "Unexpected field: foo", "source": {"pointer": "/data/foo"}}]}
    failure = failure_of("create a folder", answer(reasons, 422))
    assert "Unexpected field: foo at /data/foo" in str(failure)


@pytest.mark.parametrize(
    ("header", "seconds"), [("", 1.0), ("0", 1.0), ("7", 7.0), ("soon", 1.0), ("nan", 1.0)]
)
def test_rate_limit_waits_a_second_at_least(header: str, seconds: float) -> None:
    """Retry-After is obeyed where it makes sense, and a second is the least."""
    failure = failure_of("show me", Answer(status=429, headers={"retry-after": header}))
    assert isinstance(failure, RateLimitedError)
    assert failure.retry_after == seconds


@pytest.mark.parametrize(
    ("limit", "window", "seconds"),
    [("10", "60000", 6.0), ("5", "1000", 1.0), ("0", "1000", 1.0), ("ten", "60000", 1.0)],
    ids=["slow", "fast", "nothing", "unreadable"],
)
def test_rate_limit_waits_for_its_window(limit: str, window: str, seconds: float) -> None:
    """Without Retry-After the wait is as long as one more call takes to fit into the window."""
    headers = {"x-ratelimit-limit": limit, "x-ratelimit-window": window}
    failure = failure_of("show me", Answer(status=429, headers=headers))
    assert isinstance(failure, RateLimitedError)
    assert failure.retry_after == seconds


def all_httpx_errors() -> list[type[Exception]]:
    """Find every error class that httpx exports."""
    found = [getattr(httpx, name) for name in httpx.__all__]
    return [each for each in found if isinstance(each, type) and issubclass(each, Exception)]


def test_every_httpx_error_is_mapped() -> None:
    """No error class of httpx is foreign to the mapping, except misuse of cookies."""
    strangers = [each for each in all_httpx_errors() if not issubclass(each, FOREIGN_ERRORS)]
    assert strangers == [httpx.CookieConflict]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError("refused"), FrameioUnavailableError),
        (httpx.ReadTimeout("slow"), FrameioUnavailableError),
        (httpx.RemoteProtocolError("cut"), FrameioUnavailableError),
        (httpx.UnsupportedProtocol("ftp"), FrameioError),
        (httpx.InvalidURL("nothing"), FrameioError),
    ],
    ids=lambda each: each.__class__.__name__,
)
def test_lost_connection_can_be_tried_again(error: Exception, kind: type[FrameioError]) -> None:
    """What the network does is nobody's fault; what the settings say is somebody's."""
    assert type(failure_of("show me", error)) is kind


def test_id_cannot_climb_out_of_its_path() -> None:
    """An id from outside becomes one segment, whatever is in it."""
    assert path_of("files", "../accounts?x=1#y") == "/v4/files/..%2Faccounts%3Fx%3D1%23y"
    assert path_of("files", "adobe:1") == "/v4/files/adobe:1"
