"""Signed deliveries: when they go out, how they are repeated, what can go wrong with them."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from postflow.errors import DeliveryRejectedError
from postflow.frameio.webhooks import verify_delivery
from postflow.simulator.config import SimulatorConfig
from postflow.simulator.deliveries import DeliveryState
from tests.simulator.conftest import InProcess, eventually, simulated


class Endpoint:
    """A webhook endpoint in process: keeps requests, answers what it is told."""

    def __init__(self, *answers: int) -> None:
        self.requests: list[httpx.Request] = []
        self.answers = list(answers)

    def config(self) -> SimulatorConfig:
        """Make a simulator deliver here."""
        return SimulatorConfig(delivery_transport=httpx.MockTransport(self._answer))

    def texts(self) -> list[str]:
        """Give the resource ids in order of arrival."""
        return [json.loads(request.content)["resource"]["id"] for request in self.requests]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self.answers.pop(0) if self.answers else 202)


async def comment(sim: InProcess, file_id: str, text: str = "validé") -> str:
    """Comment on a file and give the comment's id."""
    body = {"data": {"text": text}}
    answer = await sim.call("POST", f"/files/{file_id}/comments", as_user="julie", json=body)
    return str(answer.json()["data"]["id"])


def verify(request: httpx.Request, secret: str) -> None:
    """Verify a delivery as PostFlow would."""
    verify_delivery(
        secrets=[secret],
        timestamp_header=request.headers.get("x-frameio-request-timestamp"),
        signature_header=request.headers.get("x-frameio-signature"),
        body=request.content,
        now=datetime.now(UTC),
        tolerance=timedelta(seconds=300),
    )


def test_delivery_is_signed_as_documented() -> None:
    """A delivery carries ids only, names its sender, and its signature holds."""

    async def story() -> None:
        endpoint = Endpoint()
        async with simulated(endpoint.config()) as sim:
            secret = await sim.subscribe("comment.created")
            comment_id = await comment(sim, await sim.ready_file())
            await eventually(lambda: endpoint.requests)
            request = endpoint.requests[0]
            verify(request, secret)
            julie = (
                await sim.client.get("/v4/me", headers={"authorization": "Bearer julie"})
            ).json()
        assert request.headers["user-agent"] == "Frame.io V4 API"
        assert json.loads(request.content) == {
            "account": {"id": sim.account},
            "project": {"id": sim.project},
            "resource": {"id": comment_id, "type": "comment"},
            "type": "comment.created",
            "user": {"id": julie["data"]["id"]},
            "workspace": {"id": sim.workspace},
        }

    asyncio.run(story())


def test_upload_is_told_step_by_step() -> None:
    """Creation, the last part and the transcode each cause their own event."""

    async def story() -> None:
        endpoint = Endpoint()
        async with simulated(endpoint.config()) as sim:
            await sim.subscribe("file.created", "file.upload.completed", "file.ready")
            await sim.ready_file()
            await eventually(lambda: len(endpoint.requests) == 3)
        types = [json.loads(request.content)["type"] for request in endpoint.requests]
        assert types == ["file.created", "file.upload.completed", "file.ready"]

    asyncio.run(story())


def test_failing_delivery_is_tried_five_times() -> None:
    """After five failures over about four minutes a delivery is lost for good."""

    async def story() -> None:
        endpoint = Endpoint(500, 500, 302, 401, 503)
        async with simulated(endpoint.config()) as sim:
            secret = await sim.subscribe("comment.created")
            await comment(sim, await sim.ready_file())
            delivery = sim.world.deliveries.log[-1]
            for wait in (19, 38, 75, 150):
                await eventually(lambda: delivery.state is DeliveryState.BACKING_OFF)
                delivery.state = DeliveryState.QUEUED
                await sim.control("POST", "/clock", json={"advance": wait})
            await eventually(lambda: delivery.state is DeliveryState.GAVE_UP)
            await sim.control("POST", "/clock", json={"advance": "1h"})
        assert [attempt.status for attempt in delivery.attempts] == [500, 500, 302, 401, 503]
        for request in endpoint.requests:
            verify(request, secret)

    asyncio.run(story())


def test_back_off_takes_at_least_fifteen_seconds() -> None:
    """The second attempt is not made before its time."""

    async def story() -> None:
        endpoint = Endpoint(500)
        async with simulated(endpoint.config()) as sim:
            await sim.subscribe("comment.created")
            await comment(sim, await sim.ready_file())
            await eventually(lambda: sim.world.deliveries.log[-1].attempts)
            await sim.control("POST", "/clock", json={"advance": 14})
            assert len(endpoint.requests) == 1

    asyncio.run(story())


def test_slow_receiver_counts_as_failed() -> None:
    """An answer that takes longer than the limit is no answer."""

    async def never(_request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async def story() -> None:
        config = SimulatorConfig(
            delivery_transport=httpx.MockTransport(never),
            delivery_timeout=timedelta(milliseconds=20),
        )
        async with simulated(config) as sim:
            await sim.subscribe("comment.created")
            await comment(sim, await sim.ready_file())
            await eventually(lambda: sim.world.deliveries.log[-1].attempts)
            attempt = sim.world.deliveries.log[-1].attempts[0]
        assert attempt.status is None
        assert attempt.error == "no answer within 0.02 s"

    asyncio.run(story())


def test_deleted_webhook_hears_nothing_more() -> None:
    """Deleting a webhook also ends the attempts that were still to come."""

    async def story() -> None:
        endpoint = Endpoint(500)
        async with simulated(endpoint.config()) as sim:
            await sim.subscribe("comment.created")
            file_id = await sim.ready_file()
            await comment(sim, file_id)
            await eventually(lambda: sim.world.deliveries.log[-1].attempts)
            webhook_id = next(iter(sim.world.state.webhooks))
            await sim.call("DELETE", f"/webhooks/{webhook_id}")
            await sim.control("POST", "/clock", json={"advance": "5m"})
            await comment(sim, file_id)
            await eventually(lambda: not sim.world.deliveries.unsettled)
        assert len(endpoint.requests) == 1

    asyncio.run(story())


def test_duplicated_delivery_comes_twice() -> None:
    """At least once means sometimes twice, with equal bodies."""

    async def story() -> None:
        endpoint = Endpoint()
        async with simulated(endpoint.config()) as sim:
            await sim.subscribe("comment.created")
            await sim.fault("duplicate", event="comment.*", copies=2)
            await comment(sim, await sim.ready_file())
            await eventually(lambda: len(endpoint.requests) == 3)
        assert len({request.content for request in endpoint.requests}) == 1

    asyncio.run(story())


def test_reordered_delivery_comes_after_the_next() -> None:
    """The first of two deliveries arrives last."""

    async def story() -> None:
        endpoint = Endpoint()
        async with simulated(endpoint.config()) as sim:
            await sim.subscribe("comment.created")
            await sim.fault("reorder")
            file_id = await sim.ready_file()
            first, second = await comment(sim, file_id), await comment(sim, file_id)
            await eventually(lambda: len(endpoint.requests) == 2)
        assert endpoint.texts() == [second, first]

    asyncio.run(story())


def test_dropped_and_delayed_deliveries() -> None:
    """One delivery never comes, the next one only when its time has come."""

    async def story() -> None:
        endpoint = Endpoint()
        async with simulated(endpoint.config()) as sim:
            await sim.subscribe("comment.created")
            await sim.fault("drop")
            await sim.fault("delay", at=2, seconds=60)
            file_id = await sim.ready_file()
            await comment(sim, file_id)
            late = await comment(sim, file_id)
            punctual = await comment(sim, file_id)
            await eventually(lambda: endpoint.requests)
            await sim.control("POST", "/clock", json={"advance": "1m"})
            await eventually(lambda: len(endpoint.requests) == 2)
        assert endpoint.texts() == [punctual, late]

    asyncio.run(story())


@pytest.mark.parametrize(
    ("kind", "fields", "sentence"),
    [
        ("tamper", {}, "not signed with any"),
        ("wrong_signature", {}, "not signed with any"),
        ("timestamp", {"seconds": -3600}, "3600 s old|3601 s old"),
        ("timestamp", {"seconds": 3600}, "in the future"),
    ],
    ids=["tampered", "wrong-secret", "old", "future"],
)
def test_spoilt_delivery_is_refused_then_repeated(
    kind: str, fields: dict[str, object], sentence: str
) -> None:
    """A spoilt first attempt does not verify; the next attempt is sound again."""

    async def story() -> None:
        endpoint = Endpoint(401)
        async with simulated(endpoint.config()) as sim:
            secret = await sim.subscribe("comment.created")
            await sim.fault(kind, **fields)
            await comment(sim, await sim.ready_file())
            await eventually(lambda: sim.world.deliveries.log[-1].attempts)
            with pytest.raises(DeliveryRejectedError, match=sentence):
                verify(endpoint.requests[0], secret)
            await sim.control("POST", "/clock", json={"advance": 19})
            await eventually(lambda: len(endpoint.requests) == 2)
            verify(endpoint.requests[1], secret)

    asyncio.run(story())


def test_webhook_may_arrive_before_the_answer() -> None:
    """With the race switched on, file.created is delivered before the create call returns."""

    async def story() -> None:
        endpoint = Endpoint()
        async with simulated(endpoint.config()) as sim:
            await sim.subscribe("file.created")
            path = f"/folders/{sim.root}/files/local_upload"
            body = {"data": {"name": "a.mp4", "file_size": 1}}
            await sim.fault("early_webhook", file="a.mp4")
            created = await sim.call("POST", path, json=body)
            assert endpoint.texts() == [created.json()["data"]["id"]]

    asyncio.run(story())


def test_timestamps_are_the_real_clock() -> None:
    """An advanced clock does not reach the signature, whose receiver has a real clock."""

    async def story() -> None:
        endpoint = Endpoint()
        async with simulated(endpoint.config()) as sim:
            secret = await sim.subscribe("comment.created")
            await sim.control("POST", "/clock", json={"advance": "10h"})
            await comment(sim, await sim.ready_file())
            await eventually(lambda: endpoint.requests)
            verify(endpoint.requests[0], secret)
            stamped = int(endpoint.requests[0].headers["x-frameio-request-timestamp"])
        assert abs(stamped - time.time()) < 60

    asyncio.run(story())
