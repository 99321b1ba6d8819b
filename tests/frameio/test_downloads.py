from __future__ import annotations

import hashlib
from pathlib import Path

import httpx
import pytest

from postflow.errors import (
    FrameioRefusedError,
    FrameioUnavailableError,
    NotFoundError,
    PostProcessingError,
)
from tests.frameio.conftest import TOKEN, ClientOf

pytestmark = pytest.mark.anyio

MOMENT = "2026-01-05T10:00:00.000001Z"
DATA = b"all the bytes" * 1000


class Original:
    """A file at Frame.io whose address changes with every look."""

    def __init__(self, *answers: httpx.Response, link: bool = True) -> None:
        self._answers = list(answers)
        self._link = link
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Show the file, or answer the next download."""
        self.requests.append(request)
        if request.url.host == "media.test":
            return self._answers.pop(0)
        address = f"https://media.test/original?look={len(self.requests)}"
        original = {"download_url": address if self._link else None, "inline_url": None}
        file = {
            "id": "f", "name": "a.mp4", "type": "file", "project_id": "p", "parent_id": "d",
            "created_at": MOMENT, "updated_at": MOMENT, "view_url": "v", "status": "transcoded",
            "media_type": "video/mp4", "file_size": len(DATA),
            "media_links": {"original": original},
        }  # fmt: skip
        return httpx.Response(200, json={"data": file})


def streamed(data: bytes) -> httpx.Response:
    """Answer with bytes that are read as they come."""
    return httpx.Response(200, stream=httpx.ByteStream(data))


def whole() -> httpx.Response:
    """Answer with everything."""
    return streamed(DATA)


def left_in(folder: Path) -> list[str]:
    """List what a download left behind."""
    return [each.name for each in folder.iterdir()]


async def test_download_tells_size_and_digest(client_of: ClientOf, tmp_path: Path) -> None:
    """The file is there under its name, with what its bytes are."""
    fetched = await client_of(Original(whole())).download_original("f", tmp_path / "a.mp4")
    assert (fetched.size, fetched.sha256) == (len(DATA), hashlib.sha256(DATA).hexdigest())
    assert fetched.path.read_bytes() == DATA
    assert left_in(tmp_path) == ["a.mp4"]


async def test_token_stays_with_frameio(client_of: ClientOf, tmp_path: Path) -> None:
    """The service that holds the media never sees the token."""
    original = Original(whole())
    await client_of(original).download_original("f", tmp_path / "a.mp4")
    media = [each for each in original.requests if each.url.host == "media.test"]
    assert all(TOKEN not in str(each.headers) for each in media)


@pytest.mark.parametrize(
    "first",
    [httpx.Response(403), httpx.Response(503), streamed(DATA[:-1])],
    ids=["run out", "unavailable", "short"],
)
async def test_failed_download_begins_with_a_fresh_address(
    client_of: ClientOf, tmp_path: Path, first: httpx.Response
) -> None:
    """A second try asks for a new address and never leaves a short file."""
    original = Original(first, whole())
    fetched = await client_of(original).download_original("f", tmp_path / "a.mp4")
    assert fetched.path.read_bytes() == DATA
    looks = [each.url.params.get("look") for each in original.requests]
    assert looks == [None, "1", None, "3"]


async def test_short_original_never_gets_its_name(client_of: ClientOf, tmp_path: Path) -> None:
    """Bytes that are not all there do not appear as the file, nor stay elsewhere."""
    short = [streamed(DATA[:-1]) for _ in range(4)]
    with pytest.raises(FrameioUnavailableError, match="12999 of 13000"):
        await client_of(Original(*short)).download_original("f", tmp_path / "a.mp4")
    assert left_in(tmp_path) == []


async def test_file_without_original_is_not_found(client_of: ClientOf, tmp_path: Path) -> None:
    """A file that may not be downloaded is told apart from one that fails."""
    with pytest.raises(NotFoundError, match="original"):
        await client_of(Original(link=False)).download_original("f", tmp_path / "a.mp4")


async def test_missing_right_is_told(client_of: ClientOf, tmp_path: Path) -> None:
    """Frame.io answers 403 to the whole request without the right to download."""
    with pytest.raises(FrameioRefusedError, match="rights"):
        await client_of(lambda _: httpx.Response(403)).download_original("f", tmp_path / "a")


async def test_unwritable_place_is_named(client_of: ClientOf, tmp_path: Path) -> None:
    """A folder that is not there is the owner's trouble, told with its path."""
    with pytest.raises(PostProcessingError, match="nowhere"):
        await client_of(Original(whole())).download_original("f", tmp_path / "nowhere" / "a.mp4")
