"""Calls that fail on purpose: at call n, after their effect, on a later page, for a token."""

from __future__ import annotations

import asyncio
import socket
import time

import httpx
import pytest

from postflow.simulator.config import SimulatorConfig
from postflow.simulator.limits import find_rate
from postflow.simulator.serving import RunningSimulator
from tests.simulator.conftest import simulated, wait_until


def test_fault_hits_the_nth_call_only() -> None:
    """The calls before and after the chosen one are answered as usual."""

    async def story() -> list[int]:
        async with simulated() as sim:
            await sim.fault("answer", status=502, path="*/projects", at=2)
            return [(await sim.call("GET", "/projects")).status_code for _ in range(3)]

    assert asyncio.run(story()) == [200, 502, 200]


def test_answer_may_fail_after_the_effect() -> None:
    """A 502 to a create call can hide a file that was made all the same."""

    async def story() -> None:
        async with simulated() as sim:
            await sim.fault("answer", status=502, path="*/local_upload", after_effect=True)
            path = f"/folders/{sim.root}/files"
            body = {"data": {"name": "a.mp4", "file_size": 5}}
            created = await sim.call("POST", f"{path}/local_upload", json=body)
            listed = (await sim.call("GET", path)).json()["data"]
        assert created.status_code == 502
        assert [file["name"] for file in listed] == ["a.mp4"]

    asyncio.run(story())


def test_second_page_may_fail() -> None:
    """The first page is whole and points to a second one, which is an error once."""

    async def story() -> None:
        async with simulated() as sim:
            file_id = await sim.ready_file()
            for number in range(3):
                remark = {"as": "julie", "text": f"remark {number}"}
                await sim.control("POST", f"/files/{file_id}/comments", json=remark)
            await sim.fault("answer", status=503, page=2, path="*/comments*")
            first = (await sim.call("GET", f"/files/{file_id}/comments?page_size=2")).json()
            following = first["links"]["next"]
            assert following.partition("?")[2].startswith("after=")
            assert "page_size" not in following
            headers = {"authorization": "Bearer postflow"}
            failed = await sim.client.get(following, headers=headers)
            again = await sim.client.get(following, headers=headers)
        assert failed.status_code == 503
        assert [each["text"] for each in again.json()["data"]] == ["remark 2"]

    asyncio.run(story())


def test_issued_token_expires_by_the_clock() -> None:
    """An issued token holds for an hour; refreshing it gives one that holds again."""

    async def story() -> None:
        async with simulated() as sim:
            form = {"grant_type": "authorization_code", "code": "code-julie", "client_id": "app"}
            issued = (await sim.client.post("/ims/token/v3", data=form)).json()
            token = issued["access_token"]
            assert (await sim.call("GET", "/projects", as_user=token)).status_code == 200
            await sim.control("POST", "/clock", json={"advance": "61m"})
            assert (await sim.call("GET", "/projects", as_user=token)).status_code == 401
            form = {
                "grant_type": "refresh_token",
                "refresh_token": issued["refresh_token"],
                "client_id": "app",
            }
            fresh = (await sim.client.post("/ims/token/v3", data=form)).json()["access_token"]
            assert (await sim.call("GET", "/projects", as_user=fresh)).status_code == 200
            used_up = await sim.client.post("/ims/token/v3", data=form)
        assert used_up.status_code == 400
        assert used_up.json()["error"] == "invalid_grant"

    asyncio.run(story())


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer invalid",
        "Bearer invalid-token",
        "Basic postflow",
        "Bearer sim-access-x",
    ],
)
def test_unknown_tokens_are_refused(header: str) -> None:
    """Without a token, with one that says it is invalid, or one never issued, the answer is 401."""

    async def story() -> httpx.Response:
        async with simulated() as sim:
            return await sim.client.get("/v4/me", headers={"authorization": header})

    answer = asyncio.run(story())
    assert answer.status_code == 401
    assert answer.json() == {"errors": [{"detail": "Unauthorized"}]}


def test_token_may_be_refused_in_mid_run() -> None:
    """A name that worked is refused until it is accepted again."""

    async def story() -> list[int]:
        async with simulated() as sim:
            statuses = [(await sim.call("GET", "/projects")).status_code]
            await sim.control("POST", "/tokens/refuse", json={"token": "postflow"})
            statuses.append((await sim.call("GET", "/projects")).status_code)
            await sim.control("POST", "/tokens/accept", json={"token": "postflow"})
            return [*statuses, (await sim.call("GET", "/projects")).status_code]

    assert asyncio.run(story()) == [200, 401, 200]


def test_enforced_rate_limit_answers_429() -> None:
    """The sixth listing within a second is refused; a second later there is room again."""

    async def story() -> None:
        async with simulated(SimulatorConfig(enforce_rate_limits=True)) as sim:
            path = f"/folders/{sim.root}/files"
            answers = [await sim.call("GET", path) for _ in range(5)]
            refused = await sim.call("GET", path)
            await sim.control("POST", "/clock", json={"advance": "1s"})
            later = await sim.call("GET", path)
        assert [answer.headers["x-ratelimit-limit"] for answer in answers] == ["5"] * 5
        assert answers[0].headers["x-ratelimit-remaining"] == "4"
        assert answers[0].headers["x-ratelimit-window"] == "1000"
        assert refused.status_code == 429
        assert later.status_code == 200

    asyncio.run(story())


@pytest.mark.parametrize(
    ("method", "path", "limit", "window"),
    [
        ("POST", "/v4/accounts/a/folders/f/files/local_upload", 5, 1_000),
        ("GET", "/v4/accounts/a/files/f", 10, 1_000),
        ("GET", "/v4/accounts/a/files/f/comments", 100, 60_000),
        ("PATCH", "/v4/accounts/a/comments/c", 10, 60_000),
        ("PATCH", "/v4/accounts/a/projects/p/metadata/values", 10, 60_000),
        ("PATCH", "/v4/accounts/a/files/f/metadata", 100, 60_000),
        ("PATCH", "/v4/accounts/a/files/f/move", 100, 60_000),
        ("DELETE", "/v4/accounts/a/webhooks/w", 60, 60_000),
        ("POST", "/v4/accounts/a/files/f/comments", 100, 60_000),
        ("GET", "/v4/me", 100, 60_000),
    ],
)
def test_rates_are_those_of_the_description(
    method: str, path: str, limit: int, window: int
) -> None:
    """Each operation has its documented rate."""
    rate = find_rate(method, path)
    assert (rate.limit, rate.window_ms) == (limit, window)


def test_real_connection_is_reset(live: RunningSimulator) -> None:
    """Over a real socket the connection breaks without an answer, then works again."""
    fault = {"kind": "reset", "path": "/v4/me"}
    headers = {"authorization": "Bearer postflow"}
    with httpx.Client(base_url=live.base_url, trust_env=False, headers=headers) as client:
        client.post("/_sim/faults", json=fault).raise_for_status()
        with pytest.raises(httpx.NetworkError):
            client.get("/v4/me")
        assert client.get("/v4/me").status_code == 200


def test_real_upload_is_reset_in_mid_part(live: RunningSimulator) -> None:
    """A large part breaks off while it is being sent."""
    size = 8_000_000
    with httpx.Client(base_url=live.base_url, trust_env=False) as client:
        client.headers["authorization"] = "Bearer postflow"
        state = client.get("/_sim/state").json()
        root = state["projects"][0]["root_folder_id"]
        created = client.post(
            f"/v4/accounts/{state['account_id']}/folders/{root}/files/local_upload",
            json={"data": {"name": "a.mp4", "file_size": size}},
        ).json()["data"]
        client.post(
            "/_sim/faults", json={"kind": "reset", "path": "/parts/*", "after_bytes": 1_000_000}
        )
        url = created["upload_urls"][0]["url"]
        headers = {"content-type": "video/mp4", "x-amz-acl": "private"}
        with pytest.raises(httpx.TransportError):
            client.put(url, content=bytes(size), headers=headers)
        assert client.put(url, content=bytes(size), headers=headers).status_code == 200


def test_slow_answer_takes_its_time() -> None:
    """A slow call is answered, but only after the seconds it was told."""

    async def story() -> float:
        async with simulated() as sim:
            await sim.fault("slow", path="*/projects", seconds=0.05)
            began = time.monotonic()
            assert (await sim.call("GET", "/projects")).status_code == 200
            return time.monotonic() - began

    assert asyncio.run(story()) >= 0.05


@pytest.mark.parametrize("path", ["/ims/token/v3", "/v4/accounts/a/folders/f/folders"])
def test_sender_that_hangs_up_leaves_no_trace(
    live: RunningSimulator, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    """A client that goes away in mid body is no error of the simulator."""
    request = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nhalf"
    with socket.create_connection(("127.0.0.1", httpx.URL(live.base_url).port or 0)) as raw:
        raw.sendall(request.encode())
    wait_until(lambda: any(call.path == path for call in live.world.calls))
    with httpx.Client(base_url=live.base_url, trust_env=False) as client:
        assert client.get("/_sim/clock").status_code == 200
    assert caplog.records == []
