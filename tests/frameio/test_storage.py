"""Parts are sent from threads: none of them outlives its upload."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from postflow.frameio.chunks import Part, Placeholder
from postflow.frameio.parts import PartSender, Tally
from postflow.frameio.retries import RetryPolicy
from postflow.frameio.source import look_at
from postflow.frameio.storage import open_storage
from tests.frameio.storage import Video

pytestmark = pytest.mark.anyio

SOON = 5.0  # seconds; far below every timeout of the requests in these tests
PATIENT = httpx.Timeout(300)


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Listen at an address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def upload_threads() -> list[str]:
    """List the threads of uploads."""
    return [each.name for each in threading.enumerate() if each.name.startswith("upload")]


@pytest.mark.parametrize("body", [b"", os.urandom(50_000_000)], ids=["reading", "writing"])
async def test_cancelled_upload_leaves_no_thread(silent_server: str, body: bytes) -> None:
    """A thread that waits for an answer, or to send more, ends at once with its upload."""
    request = httpx.Request(
        "PUT", silent_server, content=body, extensions={"timeout": PATIENT.as_dict()}
    )
    connected = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def send() -> None:
        async with open_storage(httpx.Client(trust_env=False), threads=2) as storage:

            def in_thread() -> None:
                loop.call_soon_threadsafe(connected.set)
                storage.send(request)

            await storage.run(in_thread)

    sending = asyncio.create_task(send())
    await connected.wait()
    began = time.monotonic()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert time.monotonic() - began < SOON
    assert upload_threads() == []


async def test_finished_upload_leaves_no_thread() -> None:
    """Threads and connections end with the upload that needed them."""
    answered = httpx.MockTransport(lambda _: httpx.Response(200))
    async with open_storage(httpx.Client(transport=answered), threads=2) as storage:
        request = httpx.Request("PUT", "http://storage.test", content=b"x")
        assert (await storage.run(lambda: storage.send(request))).status_code == 200
    assert upload_threads() == []


async def test_slow_part_is_given_up(video: Video) -> None:
    """A connection that takes too long for one chunk counts as lost, however it trickles."""
    part = Part(number=1, offset=0, size=video.size, url="http://storage.test/1")
    source = look_at(video.path)
    tally = Tally(total=video.size, done=0, progress=None)
    tally.begin(part)
    sender = PartSender(
        http=httpx.Client,
        source=source,
        placeholder=Placeholder(
            file_id="f",
            folder_id="d",
            name="n",
            media_type="m",
            source=source.fingerprint,
            parts=(part,),
        ),
        retries=RetryPolicy.quick(),
        in_flight=asyncio.Semaphore(1),
        stall_timeout=0,
        tally=tally,
    )
    body = sender._body_of(part)
    assert next(body) == video.data
    with pytest.raises(httpx.WriteTimeout):
        next(body)
