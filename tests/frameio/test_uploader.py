from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from postflow.errors import FrameioRefusedError, FrameioUnavailableError, UploadError
from postflow.frameio.uploader import UploadedFile, upload_file
from tests.frameio.conftest import TOKEN, ClientOf
from tests.frameio.storage import MemoryJournal, Storage, Video

pytestmark = pytest.mark.anyio


async def upload(
    client_of: ClientOf,
    storage: Storage,
    video: Video,
    journal: MemoryJournal | None = None,
    **wishes: object,
) -> UploadedFile:
    """Upload with the patience of a test."""
    return await upload_file(
        client_of(storage),
        path=video.path,
        folder_id="folder",
        journal=journal or MemoryJournal(),
        **{"join_timeout": 0.05, **wishes},  # type: ignore[arg-type]
    )


def fail_once(
    *, method: str, answer: httpx.Response, after: int = 0
) -> Callable[[httpx.Request], httpx.Response | None]:
    """Answer one request of this method, after so many others, with a failure."""
    seen = iter(range(1000))

    def before(request: httpx.Request) -> httpx.Response | None:
        if request.method == method and next(seen) == after:
            return answer
        return None

    return before


async def test_uploaded_bytes_equal_the_file(
    client_of: ClientOf, storage: Storage, video: Video
) -> None:
    """Every byte arrives in its place, and the result says what the bytes were."""
    uploaded = await upload(client_of, storage, video)
    assert storage.bytes_of(uploaded.file_id) == video.data
    assert uploaded.sha256 == hashlib.sha256(video.data).hexdigest()
    assert (uploaded.size, uploaded.status) == (video.size, "uploaded")


async def test_parts_carry_only_the_signed_headers(
    client_of: ClientOf, storage: Storage, video: Video
) -> None:
    """The storage service gets its two headers and never the token."""
    await upload(client_of, storage, video)
    parts = [each for each in storage.requests if each.method == "PUT"]
    for part in parts:
        assert part.headers["x-amz-acl"] == "private"
        assert part.headers["content-type"] == "video/mp4"
        assert set(part.headers) == {"host", "x-amz-acl", "content-type", "content-length"}
        assert TOKEN not in str(part.headers)


async def test_progress_never_goes_back(
    client_of: ClientOf, storage: Storage, video: Video
) -> None:
    """A part that is sent again does not take back what was reported."""
    storage.before = fail_once(method="PUT", answer=httpx.Response(500))
    told: list[tuple[int, int]] = []
    await upload(client_of, storage, video, progress=lambda sent, total: told.append((sent, total)))
    size = video.size
    assert told == sorted(told)
    assert (told[0], told[-1]) == ((0, size), (size, size))


async def test_known_digest_is_not_computed(
    client_of: ClientOf, storage: Storage, video: Video
) -> None:
    """A digest that the caller knows is taken as it is."""
    uploaded = await upload(client_of, storage, video, sha256="known")
    assert uploaded.sha256 == "known"


@pytest.mark.parametrize("status", [400, 408, 429, 500, 503])
async def test_failed_part_is_sent_again_alone(
    client_of: ClientOf, storage: Storage, video: Video, status: int
) -> None:
    """A part that storage failed to take is repeated; the others are not."""
    storage.before = fail_once(method="PUT", answer=httpx.Response(status), after=1)
    uploaded = await upload(client_of, storage, video, parallel=1)
    assert storage.puts() == [1, 2, 2, 3]
    assert storage.bytes_of(uploaded.file_id) == video.data


async def test_next_call_sends_missing_parts_only(
    client_of: ClientOf, storage: Storage, video: Video
) -> None:
    """After a stop in the middle, finished parts stay finished."""
    journal = MemoryJournal()
    storage.before = lambda request: (
        httpx.Response(507) if request.url.path.endswith("/2") else None
    )
    with pytest.raises(FrameioUnavailableError):
        await upload(client_of, storage, video, journal, parallel=1)
    storage.before = lambda _: None
    storage.requests.clear()
    uploaded = await upload(client_of, storage, video, journal)
    assert sorted(storage.puts()) == [2, 3]
    assert storage.bytes_of(uploaded.file_id) == video.data
    assert list(storage.files) == [uploaded.file_id]


async def test_complete_upload_is_not_sent_again(
    client_of: ClientOf, storage: Storage, video: Video
) -> None:
    """A crash after the last part, before the result was kept, costs no byte."""
    journal = MemoryJournal()
    first = await upload(client_of, storage, video, journal)
    storage.requests.clear()
    assert await upload(client_of, storage, video, journal) == first
    assert storage.puts() == []


async def test_renumbered_inode_changes_nothing(
    client_of: ClientOf, storage: Storage, video: Video
) -> None:
    """A share mounted again between two calls shows the same file under another number."""
    journal = MemoryJournal()
    await upload(client_of, storage, video, journal)
    assert journal.placeholder is not None
    object.__setattr__(journal.placeholder.source, "inode", 0)
    storage.requests.clear()
    await upload(client_of, storage, video, journal)
    assert storage.puts() == []


async def test_deleted_placeholder_is_made_anew(
    client_of: ClientOf, storage: Storage, video: Video
) -> None:
    """A placeholder that somebody deleted at Frame.io does not stop the upload."""
    journal = MemoryJournal()
    await upload(client_of, storage, video, journal)
    storage.files.clear()
    uploaded = await upload(client_of, storage, video, journal)
    assert storage.bytes_of(uploaded.file_id) == video.data


async def test_expired_placeholder_is_made_anew(
    client_of: ClientOf, storage: Storage, video: Video
) -> None:
    """Addresses that have run out are not tried; their placeholder is deleted."""
    journal = MemoryJournal()
    storage.before = lambda request: httpx.Response(500) if request.method == "PUT" else None
    with pytest.raises(FrameioUnavailableError):
        await upload(client_of, storage, video, journal)
    assert journal.placeholder is not None
    old = journal.placeholder.file_id
    object.__setattr__(journal.placeholder, "expires_at", datetime.now(UTC) + timedelta(seconds=5))
    storage.before = lambda _: None
    uploaded = await upload(client_of, storage, video, journal)
    assert storage.deleted == [old]
    assert uploaded.file_id != old


async def test_refused_address_makes_a_new_placeholder(
    client_of: ClientOf, storage: Storage, video: Video
) -> None:
    """A 403 on a part means that the addresses are stale."""
    storage.before = fail_once(method="PUT", answer=httpx.Response(403))
    uploaded = await upload(client_of, storage, video)
    assert storage.deleted == ["file-1"]
    assert storage.bytes_of(uploaded.file_id) == video.data


async def test_always_refused_address_ends_in_refusal(
    client_of: ClientOf, storage: Storage, video: Video
) -> None:
    """Placeholders are not made for ever, and none is left behind."""
    storage.before = lambda request: httpx.Response(403) if request.method == "PUT" else None
    journal = MemoryJournal()
    with pytest.raises(FrameioRefusedError, match=r"cut\.mp4"):
        await upload(client_of, storage, video, journal)
    assert (storage.files, len(storage.deleted)) == ({}, 3)
    assert journal.placeholder is None


async def test_lost_part_is_sent_again(client_of: ClientOf, storage: Storage, video: Video) -> None:
    """Storage that says yes and loses a part gets all parts once more."""
    storage.before = fail_once(method="PUT", answer=httpx.Response(200))
    uploaded = await upload(client_of, storage, video)
    assert storage.bytes_of(uploaded.file_id) == video.data


async def test_failed_placeholder_is_made_anew(
    client_of: ClientOf, storage: Storage, video: Video
) -> None:
    """A placeholder that Frame.io calls failed even after a second try is replaced."""

    def fail_first_file(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.startswith("/file-1/"):
            return httpx.Response(200)
        if request.url.path.endswith("/file-1/status"):
            status = storage.answer(request).json()["data"]
            return httpx.Response(200, json={"data": {**status, "upload_failed": True}})
        return None

    storage.before = fail_first_file
    uploaded = await upload(client_of, storage, video)
    assert (storage.deleted, list(storage.files)) == (["file-1"], [uploaded.file_id])


async def test_file_that_changes_is_refused(
    client_of: ClientOf, storage: Storage, video: Video
) -> None:
    """A file written to during its upload is refused by name, and nothing stays at Frame.io."""

    def write_meanwhile(request: httpx.Request) -> None:
        if request.method == "PUT":
            with video.path.open("r+b") as file:
                file.write(b"x")

    storage.before = write_meanwhile
    journal = MemoryJournal()
    with pytest.raises(UploadError, match=r"cut\.mp4 changed"):
        await upload(client_of, storage, video, journal)
    assert (storage.files, journal.placeholder) == ({}, None)


async def test_file_that_shrinks_is_refused(
    client_of: ClientOf, storage: Storage, video: Video
) -> None:
    """A file cut short during its upload is refused, not uploaded short."""

    def cut_short(request: httpx.Request) -> None:
        if request.method == "POST":
            video.path.write_bytes(b"short")

    storage.before = cut_short
    with pytest.raises(UploadError, match=r"cut\.mp4"):
        await upload(client_of, storage, video)
    assert storage.files == {}


async def test_file_that_disappears_is_refused(
    client_of: ClientOf, storage: Storage, video: Video
) -> None:
    """A file deleted during its upload is refused by name."""

    def delete_meanwhile(request: httpx.Request) -> None:
        if request.method == "PUT":
            video.path.unlink(missing_ok=True)

    storage.before = delete_meanwhile
    with pytest.raises(UploadError, match=r"cut\.mp4"):
        await upload(client_of, storage, video)
    assert storage.files == {}


async def test_changed_file_begins_a_new_placeholder(
    client_of: ClientOf, storage: Storage, video: Video
) -> None:
    """Parts of two states of a file never end up in one upload."""
    journal = MemoryJournal()
    storage.before = lambda request: (
        httpx.Response(500) if request.url.path.endswith("/2") else None
    )
    with pytest.raises(FrameioUnavailableError):
        await upload(client_of, storage, video, journal, parallel=1)
    storage.before = lambda _: None
    video.write(video.data[::-1])
    uploaded = await upload(client_of, storage, video, journal)
    assert storage.bytes_of(uploaded.file_id) == video.data
    assert storage.deleted == ["file-1"]


async def test_complete_upload_of_other_bytes_stays(
    client_of: ClientOf, storage: Storage, video: Video
) -> None:
    """What reviewers may have seen is never deleted because the local file changed."""
    journal = MemoryJournal()
    await upload(client_of, storage, video, journal)
    video.write(b"another cut")
    with pytest.raises(UploadError, match="new version"):
        await upload(client_of, storage, video, journal)
    assert list(storage.files) == ["file-1"]


async def test_uploads_share_one_limit(client_of: ClientOf, tmp_path: Path) -> None:
    """Two uploads together never have more parts in flight than the limit they share."""
    storage, limit = Storage(part_size=1000), asyncio.Semaphore(2)
    underway, most = 0, 0

    two, counting = threading.Event(), threading.Lock()

    def take_slowly(request: httpx.Request) -> httpx.Response:
        nonlocal underway, most
        if request.method == "PUT":
            with counting:
                underway += 1
                most = max(most, underway)
            if most > 1:
                two.set()
            two.wait(5)
            with counting:
                underway -= 1
        return storage(request)

    client = client_of(take_slowly)
    videos = [Video(tmp_path / name, b"x" * 10_000) for name in ("one.mp4", "two.mp4")]
    await asyncio.gather(
        *(
            upload_file(
                client,
                path=each.path,
                folder_id="folder",
                journal=MemoryJournal(),
                in_flight=limit,
            )
            for each in videos
        )
    )
    assert most == 2
