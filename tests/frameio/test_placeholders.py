"""What becomes of placeholders whose answer nobody read."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from postflow.errors import FrameioRefusedError
from postflow.frameio.journal import AskedFor
from tests.frameio.conftest import ClientOf
from tests.frameio.storage import MemoryJournal, Storage, Video
from tests.frameio.test_uploader import fail_once, upload

pytestmark = pytest.mark.anyio


def leave_placeholder(storage: Storage, video: Video) -> None:
    """Create a placeholder whose answer nobody reads."""
    body = {"data": {"name": video.path.name, "file_size": video.size}}
    storage.answer(httpx.Request("POST", "http://frameio.test/local_upload", json=body))


def killed_while_asking(video: Video) -> MemoryJournal:
    """Return the journal of a process that was killed between question and answer."""
    journal = MemoryJournal()
    journal.lost_question = AskedFor(
        folder_id="folder", name=video.path.name, size=video.size, since=datetime.now(UTC)
    )
    return journal


async def test_unclear_create_leaves_one_file(
    client_of: ClientOf, storage: Storage, video: Video
) -> None:
    """A 502 after the placeholder was made does not leave two files."""
    answered: list[int] = []

    def lose_first_answer(request: httpx.Request) -> httpx.Response | None:
        if request.method == "POST" and not answered:
            answered.append(storage.answer(request).status_code)
            return httpx.Response(502)
        return None

    storage.before = lose_first_answer
    uploaded = await upload(client_of, storage, video)
    assert (storage.deleted, list(storage.files)) == (["file-1"], [uploaded.file_id])


async def test_file_of_somebody_else_stays(
    client_of: ClientOf, storage: Storage, video: Video
) -> None:
    """After an unclear create, an unfinished file of another person is not ours to delete."""
    body = {"data": {"name": video.path.name, "file_size": video.size}}
    storage.answer(httpx.Request("POST", "http://frameio.test/local_upload", json=body))
    storage.files["file-1"]["creator"] = {**storage.files["file-1"]["creator"], "id": "other"}  # type: ignore[dict-item]
    storage.before = fail_once(method="POST", answer=httpx.Response(502))
    await upload(client_of, storage, video)
    assert (storage.deleted, len(storage.files)) == ([], 2)


async def test_leftover_of_a_killed_process_is_deleted(
    client_of: ClientOf, storage: Storage, video: Video
) -> None:
    """A placeholder that never reached the journal does not stay beside the next one."""
    leave_placeholder(storage, video)
    journal = killed_while_asking(video)
    uploaded = await upload(client_of, storage, video, journal)
    assert (storage.deleted, list(storage.files)) == (["file-1"], [uploaded.file_id])
    assert journal.lost_question is None


async def test_placeholder_of_another_upload_stays(
    client_of: ClientOf, storage: Storage, video: Video
) -> None:
    """Of two alike, only the one that no upload has on record is a leftover."""
    leave_placeholder(storage, video)
    leave_placeholder(storage, video)
    journal = killed_while_asking(video)
    journal.of_others = frozenset({"file-2"})
    await upload(client_of, storage, video, journal)
    assert storage.deleted == ["file-1"]


async def test_nothing_is_deleted_while_another_upload_asks(
    client_of: ClientOf, storage: Storage, video: Video
) -> None:
    """What may be another upload's answer is left until that upload has put it on record."""
    leave_placeholder(storage, video)
    journal = killed_while_asking(video)
    journal.looks_until_clear, journal.of_others = 3, frozenset({"file-1"})
    await upload(client_of, storage, video, journal)
    assert storage.deleted == []


async def test_refused_create_leaves_no_question(
    client_of: ClientOf, storage: Storage, video: Video
) -> None:
    """After a clear no there is nothing to look for."""
    storage.before = fail_once(method="POST", answer=httpx.Response(422))
    journal = MemoryJournal()
    with pytest.raises(FrameioRefusedError):
        await upload(client_of, storage, video, journal)
    assert (journal.open_question, journal.lost_question) == (None, None)


async def test_placeholder_that_cannot_be_deleted_is_deleted_later(
    client_of: ClientOf, storage: Storage, video: Video
) -> None:
    """A refused delete does not leave an empty file for ever."""
    refusals = iter(range(100))

    def before(request: httpx.Request) -> httpx.Response | None:
        if request.method == "PUT" and "file-1" in request.url.path:
            return httpx.Response(403)
        is_first = request.method == "DELETE" and next(refusals) == 0
        return httpx.Response(403) if is_first else None

    storage.before = before
    uploaded = await upload(client_of, storage, video)
    assert (storage.deleted, list(storage.files)) == (["file-1"], [uploaded.file_id])
