from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from postflow.errors import (
    ConfigurationError,
    FrameioError,
    FrameioRefusedError,
    FrameioUnavailableError,
    RateLimitedError,
)
from postflow.frameio import requests
from postflow.frameio.ratelimits import RateLimits
from postflow.frameio.retries import RetryPolicy
from tests.frameio.conftest import TOKEN, ClientOf
from tests.frameio.storage import ME

pytestmark = pytest.mark.anyio

GOOD = httpx.Response(200, json={"data": ME})


class Answers:
    """Gives one answer after the other, the last one for ever."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Note the request and answer it."""
        self.requests.append(request)
        answer = self._answers[min(len(self.requests), len(self._answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


class Renewable:
    """A token source with a second token, or none."""

    def __init__(self, second: str | None) -> None:
        self._second = second
        self._now = "first"

    async def current(self) -> str:
        """Return the token of the moment."""
        return self._now

    async def renewed(self, *, refused: str) -> str | None:
        """Switch to the second token."""
        assert refused == "first"
        self._now = self._second or self._now
        return self._second


def page(*ids: str, after: str | None) -> httpx.Response:
    """Write a page of workspaces."""
    moment = "2026-01-05T10:00:00.000001Z"
    data = [
        {"id": each, "name": each, "account_id": "acc", "created_at": moment, "updated_at": moment}
        for each in ids
    ]
    link = after and f"/v4/accounts/acc/workspaces?after={after}"
    return httpx.Response(200, json={"data": data, "links": {"next": link}})


async def test_request_carries_the_token(client_of: ClientOf) -> None:
    """Every call is authorised as its token says."""
    answers = Answers(GOOD)
    await client_of(answers).fetch_me()
    assert answers.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


async def test_refused_token_is_renewed_once(client_of: ClientOf) -> None:
    """A 401 in the middle costs one renewal and nobody notices."""
    answers = Answers(httpx.Response(401), GOOD)
    me = await client_of(answers, token=Renewable("second")).fetch_me()
    assert me.id == "me"
    assert [each.headers["authorization"] for each in answers.requests] == [
        "Bearer first",
        "Bearer second",
    ]


@pytest.mark.parametrize("second", ["second", None], ids=["renewed", "fixed"])
async def test_twice_refused_token_is_the_owners_trouble(
    client_of: ClientOf, second: str | None
) -> None:
    """A token that is refused after renewal ends in advice, not in a loop."""
    answers = Answers(httpx.Response(401))
    with pytest.raises(FrameioRefusedError, match="token"):
        await client_of(answers, token=Renewable(second)).fetch_me()
    assert len(answers.requests) == (2 if second else 1)


async def test_list_joins_all_pages(client_of: ClientOf) -> None:
    """A list goes on as long as there are links, with the first page's wishes on each page."""
    answers = Answers(page("a", "b", after="1"), page("c", after="2"), page("d", after=None))
    found = await client_of(answers).fetch_workspaces()
    assert [each.id for each in found] == ["a", "b", "c", "d"]
    assert [each.url.params["page_size"] for each in answers.requests] == ["100"] * 3
    assert [each.url.params.get("after") for each in answers.requests] == [None, "1", "2"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500, 503])
async def test_failed_second_page_fails_the_list(client_of: ClientOf, status: int) -> None:
    """A list is complete or an error; the official client returns a short list here."""
    answers = Answers(page("a", after="1"), httpx.Response(status))
    with pytest.raises(FrameioError):
        await client_of(answers).fetch_workspaces()


async def test_unreadable_second_page_fails_the_list(client_of: ClientOf) -> None:
    """A proxy's page in place of page two does not end the list."""
    answers = Answers(page("a", after="1"), httpx.Response(200, text="<html>"))
    with pytest.raises(FrameioError):
        await client_of(answers).fetch_workspaces()


async def test_second_page_is_tried_again(client_of: ClientOf) -> None:
    """A page that fails once is asked for again, and nothing is read twice."""
    answers = Answers(page("a", after="1"), httpx.Response(502), page("b", after=None))
    assert [each.id for each in await client_of(answers).fetch_workspaces()] == ["a", "b"]


@pytest.mark.parametrize(
    "failure",
    [httpx.Response(500), httpx.Response(503), httpx.ReadTimeout(""), httpx.ReadError("")],
    ids=["500", "503", "timeout", "cut"],
)
async def test_unclear_create_is_never_repeated(
    client_of: ClientOf, failure: httpx.Response | Exception
) -> None:
    """A create that may have worked is sent once."""
    answers = Answers(failure)
    with pytest.raises(FrameioUnavailableError):
        await client_of(answers).create_folder("f", name="new")
    assert len(answers.requests) == 1


@pytest.mark.parametrize(
    "failure", [httpx.Response(429), httpx.ConnectError("")], ids=["429", "never sent"]
)
async def test_create_without_effect_is_repeated(
    client_of: ClientOf, failure: httpx.Response | Exception
) -> None:
    """A create that certainly did nothing is sent again."""
    answers = Answers(failure, httpx.Response(422))
    with pytest.raises(FrameioRefusedError):
        await client_of(answers).create_folder("f", name="new")
    assert len(answers.requests) == 2


@pytest.mark.parametrize(
    "failure",
    [httpx.Response(429), httpx.Response(500), httpx.Response(502), httpx.ReadTimeout("")],
    ids=["429", "500", "502", "timeout"],
)
async def test_read_is_repeated(client_of: ClientOf, failure: httpx.Response | Exception) -> None:
    """A read that failed for a moment is asked again."""
    answers = Answers(failure, failure, GOOD)
    assert (await client_of(answers).fetch_me()).id == "me"


async def test_patience_ends(client_of: ClientOf) -> None:
    """A Frame.io that stays away is reported after as many tries as the policy says."""
    answers = Answers(httpx.Response(503))
    with pytest.raises(FrameioUnavailableError):
        await client_of(answers, retries=RetryPolicy.quick(attempts=3)).fetch_me()
    assert len(answers.requests) == 3


async def test_wait_past_the_deadline_is_not_begun(client_of: ClientOf) -> None:
    """A try that could only begin after the deadline is not waited for."""
    answers = Answers(httpx.Response(503))
    policy = replace(RetryPolicy(), deadline=timedelta(seconds=1))
    with pytest.raises(FrameioUnavailableError):
        await asyncio.wait_for(client_of(answers, retries=policy).fetch_me(), timeout=1)
    assert len(answers.requests) == 1


@pytest.mark.parametrize(
    ("error", "waits"),
    [
        (RateLimitedError("", retry_after=1), [1, 2, 4, 8]),
        (RateLimitedError("", retry_after=5), [5, 10, 20, 40]),
        (FrameioUnavailableError(""), [30, 60, 120, 120]),
    ],
    ids=["429", "429 with Retry-After", "5xx"],
)
def test_waits_double_up_to_the_longest(error: FrameioError, waits: list[float]) -> None:
    """The waits are those that Frame.io's guide asks for."""
    policy = RetryPolicy()
    told = [policy.wait_after(error, failures=n).total_seconds() for n in range(1, 5)]
    assert told == waits


async def test_only_account_is_taken(client_of: ClientOf) -> None:
    """Without a configured account, the only one there is serves, asked for once."""
    answers = Answers(accounts("one"), page(after=None))
    client = client_of(answers, account_id=None)
    await client.fetch_workspaces()
    await client.fetch_workspaces()
    assert [each.url.path for each in answers.requests] == [
        "/v4/accounts",
        "/v4/accounts/one/workspaces",
        "/v4/accounts/one/workspaces",
    ]


@pytest.mark.parametrize(
    ("ids", "advice"),
    [((), "sees no account"), (("one", "two"), r"frameio\.account_id.*Studio one \(one\)")],
    ids=["none", "several"],
)
async def test_unclear_account_is_a_setting(
    client_of: ClientOf, ids: tuple[str, ...], advice: str
) -> None:
    """No account is guessed; the error lists what there is."""
    with pytest.raises(ConfigurationError, match=advice):
        await client_of(Answers(accounts(*ids)), account_id=None).account_id()


def accounts(*ids: str) -> httpx.Response:
    """Write the list of accounts."""
    moment = "2026-01-05T10:00:00.000001Z"
    data = [
        {
            "id": each, "display_name": f"Studio {each}", "roles": ["owner"], "storage_usage": 0,
            "storage_limit": None, "created_at": moment, "updated_at": moment,
        }
        for each in ids
    ]  # fmt: skip
    return httpx.Response(200, json={"data": data, "links": {"next": None}})


async def test_bucket_holds_back_the_eleventh_call() -> None:
    """Ten calls a second pass at once, and the next one waits for its turn."""
    limits, call = RateLimits(scale=1), requests.show_file("acc", "f")
    async with asyncio.timeout(0.05):
        for _ in range(10):
            await limits.wait_for_turn(call)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(limits.wait_for_turn(call), timeout=0.02)


async def test_held_call_holds_back_everybody() -> None:
    """After a 429 no task makes this kind of call, while other kinds go on."""
    limits = RateLimits.off()
    held, free = requests.show_file("acc", "f"), requests.show_me()
    limits.hold(held, 60)
    await asyncio.wait_for(limits.wait_for_turn(free), timeout=0.05)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(limits.wait_for_turn(held), timeout=0.02)
