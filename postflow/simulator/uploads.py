"""A file's life until it is ready: placeholder, parts, whole, transcoded."""

from __future__ import annotations

import asyncio
import hashlib
import math
import mimetypes
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from postflow.frameio.wire import FileStatus, User
from postflow.simulator.faults import FaultKind
from postflow.simulator.records import StoredFile, StoredFolder, StoredPart
from postflow.simulator.state import fresh_id
from postflow.simulator.world import World

JOINED_AT_ONCE = 256 * 2**20  # larger files are joined beside the answer to their last part
_VIDEO_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/x-m4v",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".mxf": "application/mxf",
    ".webm": "video/webm",
    ".avi": "video/x-msvideo",
}


def create_file(
    world: World, folder: StoredFolder, *, name: str, file_size: int, creator: User
) -> StoredFile:
    """Make a placeholder that waits for its parts."""
    now = world.clock.now()
    file = StoredFile(
        id=fresh_id(),
        name=name,
        created_at=now,
        updated_at=now,
        project_id=folder.project_id,
        parent_id=folder.id,
        creator=creator,
        media_type=guess_media_type(name),
        file_size=file_size,
        upload_began_at=now,
    )
    sizes = plan_parts(file_size, part_size=world.config.part_size, even=world.config.even_parts)
    file.parts = [StoredPart(number=n, size=size) for n, size in enumerate(sizes, start=1)]
    world.state.add_asset(file)
    file_happens(world, "file.created", file, user=creator)
    return file


def plan_parts(file_size: int, *, part_size: int, even: bool) -> list[int]:
    """Cut a size into parts: as equal as they can be, or full ones and a rest."""
    count = max(1, math.ceil(file_size / part_size))
    if not even:
        return [min(part_size, file_size - n * part_size) for n in range(count)]
    size, larger = divmod(file_size, count)
    return [size + 1] * larger + [size] * (count - larger)


def guess_media_type(name: str) -> str:
    """Derive the media type from a file name, as Frame.io does."""
    known = _VIDEO_TYPES.get(Path(name).suffix.lower())
    return known or mimetypes.guess_type(name)[0] or "application/octet-stream"


def file_happens(world: World, event: str, file: StoredFile, *, user: User) -> None:
    """Tell that something happened to a file."""
    world.happen(
        event,
        resource_id=file.id,
        resource_type="file",
        user=user,
        project_id=file.project_id,
        file_id=file.id,
    )


async def receive_part(
    world: World, file: StoredFile, part: StoredPart, chunks: AsyncIterator[bytes]
) -> str:
    """Stream one part to disk and return its sha256; the last one completes the upload.

    The same part may come again, as a retry does; the last that came whole counts.
    """
    target = world.data_dir / "parts" / f"{file.id}-{part.number}-{fresh_id()}"
    digest, size = hashlib.sha256(), 0
    try:
        with target.open("wb") as sink:
            async for chunk in chunks:
                digest.update(chunk)
                size += sink.write(chunk)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    if file.status is not FileStatus.CREATED or file.id not in world.state.assets:
        target.unlink()
        return digest.hexdigest()
    if part.arrived is not None:
        part.arrived.unlink(missing_ok=True)
    part.arrived, part.arrived_size, part.sha256 = target, size, digest.hexdigest()
    await _complete_if_whole(world, file)
    return digest.hexdigest()


async def _complete_if_whole(world: World, file: StoredFile) -> None:
    if any(part.arrived is None for part in file.parts):
        return
    # Frame.io joins what came, whatever the cuts; only the total can be wrong.
    file.upload_failed = sum(part.arrived_size for part in file.parts) != file.file_size
    if file.upload_failed:
        return
    file.status = FileStatus.UPLOADED
    file.updated_at = file.upload_completed_at = world.clock.now()
    file_happens(world, "file.upload.completed", file, user=file.creator)
    if file.file_size <= JOINED_AT_ONCE:
        await _join_and_transcode(world, file)
    else:
        world.spawn(_join_and_transcode(world, file))


async def _join_and_transcode(world: World, file: StoredFile) -> None:
    paths = [part.arrived for part in file.parts if part.arrived is not None]
    target = world.data_dir / "originals" / file.id
    file.sha256 = await asyncio.to_thread(join_parts, paths, target)
    file.original = target
    for part in file.parts:
        part.arrived = None
    if file.id not in world.state.assets:
        target.unlink()  # it was deleted meanwhile
        return
    start_transcode(world, file)


def join_parts(paths: list[Path], target: Path) -> str:
    """Join files into one, removing them, and return its sha256."""
    digest = hashlib.sha256()
    if len(paths) == 1:
        paths[0].replace(target)
        with target.open("rb") as whole:
            return hashlib.file_digest(whole, "sha256").hexdigest()
    with target.open("wb") as sink:
        for path in paths:
            with path.open("rb") as source:
                while chunk := source.read(2**20):
                    digest.update(chunk)
                    sink.write(chunk)
            path.unlink()
    return digest.hexdigest()


def start_transcode(world: World, file: StoredFile) -> None:
    """Let the file become ready after a while, unless a fault says otherwise."""
    faults = {fault.kind: fault for fault in world.faults.for_file(file.name)}
    if FaultKind.NEVER_READY in faults:
        file.transcode_fails = True
    slow = faults.get(FaultKind.SLOW_TRANSCODE)
    delay = slow.span if slow else world.config.transcode_delay

    def act() -> None:
        if FaultKind.VANISH in faults:
            remove_file(world, file, user=file.creator)
        else:
            finish_transcode(world, file)

    world.clock.after(delay, world.later(act))


def finish_transcode(world: World, file: StoredFile) -> None:
    """Make an uploaded file ready, unless it failed or is gone."""
    gone = file.id not in world.state.assets
    if gone or file.transcode_fails or file.status is not FileStatus.UPLOADED:
        return
    file.status = FileStatus.TRANSCODED
    file.updated_at = world.clock.now()
    file_happens(world, "file.ready", file, user=file.creator)


def remove_file(world: World, file: StoredFile, *, user: User) -> None:
    """Delete a file with its bytes and comments."""
    if file.id not in world.state.assets:
        return
    world.state.remove_asset(file)
    file_happens(world, "file.deleted", file, user=user)
    for path in (file.original, *(part.arrived for part in file.parts)):
        if path is not None:
            path.unlink(missing_ok=True)


def store_whole_file(
    world: World,
    folder: StoredFolder,
    *,
    name: str,
    content: bytes | Path,
    creator: User,
    tail: bytes = b"",
) -> StoredFile:
    """Make a file whose bytes are there at once, as an import would; it still is transcoded.

    A tail makes the bytes differ from another file's.
    """
    size = content.stat().st_size if isinstance(content, Path) else len(content)
    size += len(tail)
    file = create_file(world, folder, name=name, file_size=size, creator=creator)
    file.original = world.data_dir / "originals" / file.id
    if isinstance(content, Path):
        shutil.copyfile(content, file.original)
    else:
        file.original.write_bytes(content)
    with file.original.open("ab+") as whole:
        whole.write(tail)
        whole.seek(0)
        file.sha256 = hashlib.file_digest(whole, "sha256").hexdigest()
    _have_uploaded(world, file)
    start_transcode(world, file)
    return file


async def fetch_remote(world: World, file: StoredFile, source_url: str) -> None:
    """Fetch the bytes of a remote upload; a failure shows only in the upload status."""
    target = world.data_dir / "originals" / file.id
    digest, size = hashlib.sha256(), 0
    try:
        async with (
            httpx.AsyncClient(trust_env=False, follow_redirects=True) as client,
            client.stream("GET", source_url) as answer,
        ):
            answer.raise_for_status()
            with target.open("wb") as sink:
                async for chunk in answer.aiter_bytes():
                    digest.update(chunk)
                    size += sink.write(chunk)
    except (httpx.HTTPError, httpx.InvalidURL):
        file.upload_failed = True
        target.unlink(missing_ok=True)
        return
    file.file_size, file.sha256, file.original = size, digest.hexdigest(), target
    _have_uploaded(world, file)
    start_transcode(world, file)
    world.deliveries.flush()


def _have_uploaded(world: World, file: StoredFile) -> None:
    file.status = FileStatus.UPLOADED
    file.parts = []
    file.updated_at = file.upload_completed_at = world.clock.now()
    file_happens(world, "file.upload.completed", file, user=file.creator)
