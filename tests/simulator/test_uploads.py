"""Uploads: part addresses, completion, transcode, and the bytes that come back."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta

import httpx
import pytest

from postflow.simulator.config import SimulatorConfig
from postflow.simulator.uploads import plan_parts
from tests.simulator.conftest import InProcess, simulated

PUT_HEADERS = {"content-type": "video/mp4", "x-amz-acl": "private"}
VIDEO = b"0123456789" * 10


async def create(sim: InProcess, *, size: int = len(VIDEO)) -> dict[str, object]:
    """Create a placeholder and give it with its part addresses."""
    path = f"/folders/{sim.root}/files/local_upload"
    answer = await sim.call("POST", path, json={"data": {"name": "cut.mp4", "file_size": size}})
    assert answer.status_code == 201
    data: dict[str, object] = answer.json()["data"]
    return data


def urls(file: dict[str, object]) -> list[tuple[int, str]]:
    """List size and address of every part."""
    found = file["upload_urls"]
    assert isinstance(found, list)
    return [(each["size"], each["url"]) for each in found]


async def put(sim: InProcess, url: str, content: bytes, **headers: str) -> httpx.Response:
    """Put a part as it was signed, but for what the test changes."""
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return await sim.client.put(url, content=content, headers=PUT_HEADERS | changed)


async def show(sim: InProcess, file: dict[str, object], query: str = "") -> dict[str, object]:
    """Show a file."""
    data: dict[str, object] = (await sim.call("GET", f"/files/{file['id']}{query}")).json()["data"]
    return data


@pytest.mark.parametrize(
    ("size", "even", "sizes"),
    [
        (50_645_990, True, [16_881_997, 16_881_997, 16_881_996]),
        (50_645_990, False, [20_000_000, 20_000_000, 10_645_990]),
        (20_000_000, True, [20_000_000]),
        (1, True, [1]),
    ],
    ids=["as-documented", "uneven", "exactly-one", "one-byte"],
)
def test_parts_are_cut_as_documented(size: int, even: bool, sizes: list[int]) -> None:
    """The split fits the known example, and can be told to be uneven."""
    assert plan_parts(size, part_size=20_000_000, even=even) == sizes


def test_parts_may_come_in_any_order() -> None:
    """The file is whole and its bytes are in order, whatever part came first."""

    async def story() -> None:
        async with simulated(SimulatorConfig(part_size=40)) as sim:
            file = await create(sim)
            offsets = [(0, 34), (34, 67), (67, 100)]
            for (_, url), (start, end) in reversed(list(zip(urls(file), offsets, strict=True))):
                assert (await put(sim, url, VIDEO[start:end])).status_code == 200
            assert (await show(sim, file))["status"] == "uploaded"
            stored = sim.world.state.file(str(file["id"]))
        assert stored.sha256 == hashlib.sha256(VIDEO).hexdigest()

    asyncio.run(story())


def test_part_may_be_sent_again() -> None:
    """A part whose bytes were cut short is replaced by putting it again."""

    async def story() -> None:
        async with simulated() as sim:
            file = await create(sim)
            ((_, url),) = urls(file)
            await put(sim, url, VIDEO[:50])
            status = (await sim.call("GET", f"/files/{file['id']}/status")).json()["data"]
            assert (status["upload_complete"], status["upload_failed"]) == (False, True)
            await put(sim, url, VIDEO)
            assert (await show(sim, file))["status"] == "uploaded"

    asyncio.run(story())


@pytest.mark.parametrize(
    "headers",
    [{"content_type": "application/octet-stream"}, {"x_amz_acl": "public-read"}, {"host": "x"}],
    ids=["content-type", "acl", "host"],
)
def test_part_with_other_headers_is_refused(headers: dict[str, str]) -> None:
    """Headers that were signed must be sent as they were; the refusal is XML, not JSON."""

    async def story() -> None:
        async with simulated() as sim:
            ((_, url),) = urls(await create(sim))
            answer = await put(sim, url, VIDEO, **headers)
        assert answer.status_code == 403
        assert "<Code>SignatureDoesNotMatch</Code>" in answer.text

    asyncio.run(story())


def test_expired_address_is_refused() -> None:
    """The address says how long it holds, and holds no longer."""

    async def story() -> None:
        async with simulated(SimulatorConfig(url_lifetime=timedelta(minutes=5))) as sim:
            ((_, url),) = urls(await create(sim))
            assert httpx.URL(url).params["X-Amz-Expires"] == "300"
            await sim.control("POST", "/clock", json={"advance": "6m"})
            answer = await put(sim, url, VIDEO)
        assert answer.status_code == 403
        assert "Request has expired" in answer.text

    asyncio.run(story())


def test_file_is_ready_after_transcode() -> None:
    """Media links are null until the transcode is over; then they give the original bytes."""

    async def story() -> None:
        async with simulated() as sim:
            file = await create(sim)
            ((_, url),) = urls(file)
            await put(sim, url, VIDEO)
            query = "?include=media_links.original"
            assert (await show(sim, file, query))["media_links"] == {"original": None}
            await sim.control("POST", "/clock", json={"advance": "2s"})
            ready = await show(sim, file, query)
            assert ready["status"] == "transcoded"
            links = ready["media_links"]
            assert isinstance(links, dict)
            assert (await sim.client.get(links["original"]["download_url"])).content == VIDEO

    asyncio.run(story())


@pytest.mark.parametrize("fault", ["never_ready", "vanish"])
def test_transcode_may_come_to_nothing(fault: str) -> None:
    """A failed transcode leaves the file uploaded for ever; a vanished file is gone."""

    async def story() -> None:
        async with simulated() as sim:
            await sim.fault(fault, file="cut*")
            file = await create(sim)
            ((_, url),) = urls(file)
            await put(sim, url, VIDEO)
            await sim.control("POST", "/clock", json={"advance": "3h"})
            answer = await sim.call("GET", f"/files/{file['id']}")
        if fault == "vanish":
            assert answer.status_code == 404
        else:
            assert answer.json()["data"]["status"] == "uploaded"

    asyncio.run(story())


def test_lost_part_leaves_upload_incomplete() -> None:
    """A part that was answered with 200 and lost keeps the file a placeholder."""

    async def story() -> None:
        async with simulated() as sim:
            await sim.fault("lost_part")
            file = await create(sim)
            ((_, url),) = urls(file)
            assert (await put(sim, url, VIDEO)).status_code == 200
            assert (await show(sim, file))["status"] == "created"
            await put(sim, url, VIDEO)
            assert (await show(sim, file))["status"] == "uploaded"

    asyncio.run(story())


def test_torn_connection_leaves_no_part() -> None:
    """A connection that breaks in mid part is an error for the sender, and no part."""

    async def story() -> None:
        async with simulated() as sim:
            await sim.fault("reset", path="/parts/*", after_bytes=40)
            file = await create(sim)
            ((_, url),) = urls(file)
            with pytest.raises(httpx.ReadError):
                await put(sim, url, VIDEO)
            assert list((sim.world.data_dir / "parts").iterdir()) == []
            assert (await put(sim, url, VIDEO)).status_code == 200

    asyncio.run(story())


def test_deleted_file_takes_no_parts() -> None:
    """A placeholder that was deleted meanwhile refuses its parts."""

    async def story() -> None:
        async with simulated() as sim:
            file = await create(sim)
            ((_, url),) = urls(file)
            assert (await sim.call("DELETE", f"/files/{file['id']}")).status_code == 204
            assert (await put(sim, url, VIDEO)).status_code == 404

    asyncio.run(story())


@pytest.mark.parametrize(
    "data",
    [
        {"name": "a.mp4", "file_size": 0},
        {"name": "a.mp4", "file_size": "5"},
        {"name": "a.mp4", "file_size": 5, "media_type": "video/mp4"},
        {"name": "", "file_size": 5},
        {"file_size": 5},
    ],
    ids=["empty-file", "size-as-text", "media-type", "no-name", "name-missing"],
)
def test_wrong_creations_are_refused(data: dict[str, object]) -> None:
    """What Frame.io's description does not allow is 422, in its error shape."""

    async def story() -> None:
        async with simulated() as sim:
            path = f"/folders/{sim.root}/files/local_upload"
            answer = await sim.call("POST", path, json={"data": data})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["source"]["pointer"].startswith("/data/")

    asyncio.run(story())
