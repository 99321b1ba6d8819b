from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from postflow.errors import UploadError
from postflow.frameio.chunks import Part
from postflow.frameio.source import CHUNK, look_at
from tests.frameio.storage import Video

pytestmark = pytest.mark.anyio


def part(offset: int, size: int) -> Part:
    """Describe a stretch of the file."""
    return Part(number=1, offset=offset, size=size, url="")


@pytest.mark.parametrize(
    ("name", "advice"),
    [("missing.mp4", "cannot be read"), ("", "no regular file"), ("pipe", "no regular file"),
     ("empty.mp4", "is empty"), ("file.mp4/inside", "cannot be read")],
    ids=["missing", "folder", "pipe", "empty", "below a file"],
)  # fmt: skip
def test_unusable_file_is_refused_by_name(tmp_path: Path, name: str, advice: str) -> None:
    """What cannot be uploaded is told before anything happens at Frame.io."""
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "file.mp4").write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UploadError, match=advice) as caught:
        look_at(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize(
    ("offset", "size"),
    [(0, 1), (5, CHUNK), (CHUNK - 1, CHUNK + 2), (3 * CHUNK, 77)],
    ids=["a byte", "a chunk", "over an edge", "the end"],
)
def test_part_is_read_from_its_place(tmp_path: Path, offset: int, size: int) -> None:
    """The chunks of a part are its bytes, each no larger than a chunk."""
    video = Video(tmp_path / "a.mp4", os.urandom(3 * CHUNK + 77))
    chunks = list(look_at(video.path).chunks_of(part(offset, size)))
    assert b"".join(chunks) == video.data[offset : offset + size]
    assert max(map(len, chunks)) <= CHUNK


async def test_digest_is_that_of_the_whole_file(tmp_path: Path) -> None:
    """The sequential pass sees every byte once."""
    video = Video(tmp_path / "a.mp4", os.urandom(9 * 1024 * 1024 + 1))
    assert await look_at(video.path).sha256() == hashlib.sha256(video.data).hexdigest()


async def test_replaced_file_is_noticed(tmp_path: Path) -> None:
    """Another file of the same size and time under the same name is another file."""
    video = Video(tmp_path / "a.mp4", b"first")
    source = look_at(video.path)
    seen = video.path.stat()
    other = Video(tmp_path / "b.mp4", b"other")
    os.utime(other.path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    other.path.replace(video.path)
    with pytest.raises(UploadError, match="changed"):
        source.check()
    with pytest.raises(UploadError, match="changed"):
        await source.sha256()


async def test_unchanged_file_passes_the_check(video: Video) -> None:
    """Reading a file does not make it another one."""
    source = look_at(video.path)
    await source.sha256()
    source.check()
