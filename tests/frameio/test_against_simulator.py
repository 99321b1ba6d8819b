"""The client and the uploader against the simulated Frame.io over real HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from postflow.errors import FrameioUnavailableError, NotFoundError, UploadError
from postflow.frameio.client import FrameioClient
from postflow.frameio.locate import locate
from postflow.frameio.oauth import OAuthApp
from postflow.frameio.ratelimits import RateLimits
from postflow.frameio.retries import RetryPolicy
from postflow.frameio.tokens import FixedToken, ServerToServerToken
from postflow.frameio.uploader import UploadedFile, upload_file
from postflow.simulator.config import SimulatorConfig
from tests.frameio.simulated import Simulated, simulate
from tests.frameio.storage import MemoryJournal, Video

pytestmark = pytest.mark.anyio

CONFIG = SimulatorConfig(part_size=100_000, even_parts=False, transcode_delay=timedelta(0))


@pytest.fixture
def frameio() -> Iterator[Simulated]:
    """Start an empty Frame.io."""
    with simulate(CONFIG) as simulated:
        yield simulated


@pytest.fixture
async def http(anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:
    """Open a pool of connections for one test."""
    del anyio_backend
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


@pytest.fixture
def client(frameio: Simulated, http: httpx.AsyncClient) -> FrameioClient:
    """Build PostFlow's own client."""
    return FrameioClient(
        http,
        token=FixedToken("postflow"),
        base_url=frameio.address,
        retries=RetryPolicy.quick(),
        limits=RateLimits.off(),
    )


@pytest.fixture
def master(tmp_path: Path) -> Video:
    """Write a file of eleven parts."""
    return Video(tmp_path / "épisode 1.mp4", os.urandom(1_050_001))


async def send(
    client: FrameioClient, frameio: Simulated, video: Video, **wishes: object
) -> UploadedFile:
    """Upload into the root folder."""
    options = {"journal": MemoryJournal(), "join_timeout": 5, "folder_id": frameio.root}
    return await upload_file(client, path=video.path, **{**options, **wishes})  # type: ignore[arg-type]


def holds(frameio: Simulated, uploaded: UploadedFile, video: Video) -> bool:
    """Tell whether Frame.io has exactly this video, once."""
    [file] = frameio.state["files"]
    return (file["id"], file["sha256"]) == (
        uploaded.file_id,
        hashlib.sha256(video.data).hexdigest(),
    )


async def test_upload_arrives_byte_for_byte(
    client: FrameioClient, frameio: Simulated, master: Video
) -> None:
    """What is uploaded over a socket is what was on disk, and its digest is known."""
    uploaded = await send(client, frameio, master)
    assert holds(frameio, uploaded, master)
    assert uploaded.sha256 == hashlib.sha256(master.data).hexdigest()


@pytest.mark.parametrize("size", [1, 99_999, 100_000, 100_001, 300_000])
async def test_every_size_arrives_whole(
    client: FrameioClient, frameio: Simulated, tmp_path: Path, size: int
) -> None:
    """Sizes around the edges of a part make no difference."""
    video = Video(tmp_path / "edge.mov", os.urandom(size))
    assert holds(frameio, await send(client, frameio, video), video)


async def test_cancelled_upload_goes_on_where_it_was(
    client: FrameioClient, frameio: Simulated, master: Video
) -> None:
    """A killed upload continues in the next process with the missing parts only."""
    journal, three_are_there = MemoryJournal(), asyncio.Event()

    def watch(sent: int, total: int) -> None:
        del total
        if sent >= 300_000:
            three_are_there.set()

    frameio.fault("slow", method="PUT", path="*part_9*", seconds=30)
    task = asyncio.create_task(
        send(client, frameio, master, journal=journal, progress=watch, parallel=2)
    )
    async with asyncio.timeout(10):
        await three_are_there.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert journal.placeholder is not None
    finished = len(journal.placeholder.finished)
    frameio.order("DELETE", "/faults")
    before = len(frameio.calls("PUT", "/parts/*"))
    uploaded = await send(client, frameio, master, journal=journal)
    assert holds(frameio, uploaded, master)
    assert finished >= 1
    assert len(frameio.calls("PUT", "/parts/*")) - before == 11 - finished


async def test_run_out_addresses_are_replaced(
    client: FrameioClient, frameio: Simulated, master: Video
) -> None:
    """An upload that slept a day is made anew, and its old placeholder is gone."""
    journal = MemoryJournal()
    frameio.fault("answer", method="PUT", status=503, at=4, times=None)
    with pytest.raises(FrameioUnavailableError):
        await send(client, frameio, master, journal=journal)
    frameio.order("DELETE", "/faults")
    frameio.order("POST", "/clock", advance=25 * 3600)
    uploaded = await send(client, frameio, master, journal=journal)
    assert holds(frameio, uploaded, master)


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_create_that_worked_unseen_makes_no_second_file(
    client: FrameioClient, frameio: Simulated, master: Video, status: int
) -> None:
    """An error after the effect of a create leaves one file, not two."""
    frameio.fault("answer", method="POST", path="*local_upload", status=status, after_effect=True)
    assert holds(frameio, await send(client, frameio, master), master)


@pytest.mark.parametrize("status", [429, 500])
async def test_create_that_failed_is_tried_again(
    client: FrameioClient, frameio: Simulated, master: Video, status: int
) -> None:
    """An error before any effect costs one more try."""
    frameio.fault("answer", method="POST", path="*local_upload", status=status)
    assert holds(frameio, await send(client, frameio, master), master)


async def test_broken_connections_cost_one_part_each(
    client: FrameioClient, frameio: Simulated, master: Video
) -> None:
    """A connection that breaks in the middle of a part makes that part start again."""
    frameio.fault("reset", method="PUT", after_bytes=30_000, at=3, times=2)
    assert holds(frameio, await send(client, frameio, master), master)


async def test_stalled_part_is_sent_again(
    client: FrameioClient, frameio: Simulated, master: Video
) -> None:
    """A part that gets no answer is given up after the stall timeout and sent again."""
    frameio.fault("slow", method="PUT", path="*part_2*", seconds=30)
    uploaded = await send(client, frameio, master, stall_timeout=0.3)
    assert holds(frameio, uploaded, master)


async def test_part_that_storage_lost_is_sent_again(
    client: FrameioClient, frameio: Simulated, master: Video
) -> None:
    """Storage that answers 200 and keeps nothing does not make an upload hang for ever."""
    frameio.fault("lost_part", method="PUT")
    uploaded = await send(client, frameio, master, join_timeout=0.3)
    assert holds(frameio, uploaded, master)


async def test_truncated_file_leaves_nothing_behind(
    client: FrameioClient, frameio: Simulated, master: Video
) -> None:
    """A file that is cut while it is uploaded is refused, and Frame.io keeps no half of it."""

    def cut(sent: int, total: int) -> None:
        del total
        if sent > 200_000:
            os.truncate(master.path, 150_000)

    with pytest.raises(UploadError, match=r"épisode 1\.mp4"):
        await send(client, frameio, master, progress=cut, parallel=1)
    assert frameio.state["files"] == []


async def test_two_uploads_do_not_mix(
    client: FrameioClient, frameio: Simulated, tmp_path: Path
) -> None:
    """Two tasks upload two files at once, each whole."""
    videos = [Video(tmp_path / f"{n}.mp4", os.urandom(450_000)) for n in range(2)]
    limit = asyncio.Semaphore(3)
    await asyncio.gather(*(send(client, frameio, each, in_flight=limit) for each in videos))
    there = {file["name"]: file["sha256"] for file in frameio.state["files"]}
    assert there == {each.path.name: hashlib.sha256(each.data).hexdigest() for each in videos}


async def test_token_that_ends_is_renewed_in_the_middle(
    frameio: Simulated, http: httpx.AsyncClient, master: Video
) -> None:
    """A server token that is refused in the middle of an upload is replaced unseen."""
    app = OAuthApp(client_id="app", client_secret="secret", ims_base_url=frameio.address)
    client = FrameioClient(
        http,
        token=ServerToServerToken(http, app),
        base_url=frameio.address,
        retries=RetryPolicy.quick(),
    )
    await client.fetch_me()
    frameio.order("POST", "/tokens/refuse")
    assert holds(frameio, await send(client, frameio, master), master)


async def test_failing_second_page_fails_the_comments(
    client: FrameioClient, frameio: Simulated, master: Video
) -> None:
    """Comments come all or not at all, with owners and replies on every page."""
    uploaded = await send(client, frameio, master)
    for number in range(120):
        frameio.order(
            "POST", f"/files/{uploaded.file_id}/comments", text=f"note {number}", **{"as": "ada"}
        )
    comments = await client.fetch_comments(uploaded.file_id)
    assert [each.text for each in comments] == [f"note {number}" for number in range(120)]
    assert all(each.owner is not None and each.replies is not None for each in comments)
    frameio.fault("answer", path="*comments*", page=2, status=503, times=None)
    with pytest.raises(FrameioUnavailableError):
        await client.fetch_comments(uploaded.file_id)


async def test_original_comes_back_byte_for_byte(
    client: FrameioClient, frameio: Simulated, master: Video, tmp_path: Path
) -> None:
    """A download is the approved bytes, and its digest is told."""
    uploaded = await send(client, frameio, master)
    frameio.order("POST", f"/files/{uploaded.file_id}/ready")
    fetched = await client.download_original(uploaded.file_id, tmp_path / "back.mp4")
    assert fetched.path.read_bytes() == master.data
    assert (fetched.sha256, fetched.size) == (uploaded.sha256, uploaded.size)


async def test_status_is_set_by_its_name(
    client: FrameioClient, frameio: Simulated, master: Video
) -> None:
    """Field and option are found whatever their letter case."""
    uploaded = await send(client, frameio, master)
    await client.set_status(uploaded.file_id, "approved", field_name="STATUS")
    fields = (await client.fetch_metadata(uploaded.file_id)).metadata
    [field] = [each for each in fields if each.field_definition_name == "Status"]
    assert [option.display_name for option in field.selected] == ["Approved"]


async def test_folder_path_is_made_once(client: FrameioClient, frameio: Simulated) -> None:
    """The configured path is created where it is missing, and found where it is not."""
    first = await locate(client, folder="client/week 1")
    assert await locate(client, folder="/client/week 1/") == first
    assert first.project_id == frameio.project["id"]
    assert len(frameio.calls("POST", "*folders")) == 2


async def test_new_version_joins_the_stack(
    client: FrameioClient, frameio: Simulated, tmp_path: Path
) -> None:
    """The second version makes the stack, the third is moved into it."""
    files = [
        await send(client, frameio, Video(tmp_path / f"v{n}.mp4", b"%d" % n)) for n in range(1, 4)
    ]
    ids = [each.file_id for each in files]
    stack = await client.create_version_stack(frameio.root, file_ids=ids[:2])
    await client.move_file(ids[2], parent_id=stack.id)
    assert {each.id for each in await client.fetch_stack_files(stack.id)} == set(ids)
    shown = await client.fetch_version_stack(stack.id)
    assert shown.head_version is not None
    assert shown.head_version.id == ids[2]


async def test_move_that_worked_unseen_is_done_once(
    client: FrameioClient, frameio: Simulated, tmp_path: Path
) -> None:
    """A move whose answer was lost is repeated and changes nothing more."""
    files = [
        await send(client, frameio, Video(tmp_path / f"v{n}.mp4", b"%d" % n)) for n in range(1, 4)
    ]
    ids = [each.file_id for each in files]
    stack = await client.create_version_stack(frameio.root, file_ids=ids[:2])
    frameio.fault("answer", method="PATCH", path="*move", status=502, after_effect=True)
    moved = await client.move_file(ids[2], parent_id=stack.id)
    assert moved.parent_id == stack.id
    assert len(await client.fetch_stack_files(stack.id)) == 3


async def test_comments_are_written_changed_and_deleted(
    client: FrameioClient, frameio: Simulated, master: Video
) -> None:
    """The life of a comment through the client."""
    uploaded = await send(client, frameio, master)
    comment = await client.create_comment(uploaded.file_id, text="first", timestamp=10)
    assert (await client.update_comment(comment.id, text="second")).text == "second"
    assert (await client.complete_comment(comment.id)).completed_at is not None
    assert (await client.complete_comment(comment.id, completed=False)).completed_at is None
    shown = await client.fetch_comment(comment.id)
    assert (shown.file_id, shown.text) == (uploaded.file_id, "second")
    await client.delete_comment(comment.id)
    await client.delete_comment(comment.id)
    with pytest.raises(NotFoundError):
        await client.fetch_comment(comment.id)


async def test_webhook_tells_its_secret_once(client: FrameioClient, frameio: Simulated) -> None:
    """The secret comes with the creation and never again."""
    workspace = frameio.project["workspace_id"]
    made = await client.create_webhook(
        workspace, name="postflow", url="https://hook.test", events=["file.ready"]
    )
    assert made.secret
    changed = await client.update_webhook(made.id, events=["file.ready", "comment.created"])
    assert (changed.events, changed.secret) == (["file.ready", "comment.created"], None)
    assert [each.id for each in await client.fetch_webhooks(workspace)] == [made.id]
    await client.delete_webhook(made.id)
    assert await client.fetch_webhooks(workspace) == []


async def test_remote_upload_share_and_history_answer(
    client: FrameioClient, frameio: Simulated, master: Video
) -> None:
    """The remaining operations agree with the simulated Frame.io."""
    uploaded = await send(client, frameio, master)
    share = await client.create_share(
        frameio.project["id"], name="for the client", asset_ids=[uploaded.file_id]
    )
    assert [each.id for each in await client.fetch_shares(frameio.project["id"])] == [share.id]
    assert (await client.fetch_upload_status(uploaded.file_id)).upload_complete
    history = await client.fetch_audit_logs()
    assert history is None or all(each.event_type for each in history)
    remote = await client.create_remote_upload(
        frameio.root, name="far.mp4", source_url="http://127.0.0.1:9/none.mp4"
    )
    await client.delete_file(remote.id)
    await client.delete_file(remote.id)


async def test_client_stays_below_the_rate_limit(
    frameio: Simulated, http: httpx.AsyncClient, master: Video
) -> None:
    """Many tasks that ask at once are spread before Frame.io has to refuse one."""
    client = FrameioClient(http, token=FixedToken("postflow"), base_url=frameio.address)
    uploaded = await send(client, frameio, master)
    frameio.order("PATCH", "/settings", enforce_rate_limits=True)
    await asyncio.gather(*(client.fetch_upload_status(uploaded.file_id) for _ in range(9)))
    assert {call["status"] for call in frameio.calls("GET", "*/status")} == {200}
