"""Fetching an original back from Frame.io, in constant memory.

The file appears under its name only when all its bytes are there. Whether they are the approved
ones is for the caller to compare: the sha256 is returned.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

from postflow.errors import FrameioUnavailableError, NotFoundError, PostProcessingError
from postflow.frameio import requests
from postflow.frameio.connection import Connection
from postflow.frameio.failures import FOREIGN_ERRORS, Answer, failure_of

CHUNK = 1024 * 1024
STALL = 60.0  # seconds without a byte
TIMEOUT = httpx.Timeout(STALL, connect=15, pool=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadedFile:
    """What was fetched, and what its bytes are."""

    path: Path
    size: int
    sha256: str


async def download(connection: Connection, *, file_id: str, to: Path) -> DownloadedFile:
    """Fetch the original of a file; each try asks for a fresh address, because they expire."""
    account = await connection.account_id()
    call = requests.show_file(account, file_id, include=("media_links.original",))

    async def once() -> DownloadedFile:
        file = await connection.send(call)
        original = file.media_links and file.media_links.original
        if not original or not original.download_url:
            raise NotFoundError(
                f"Frame.io offers no original of file {file_id} to download; check that the "
                "token's user may download it.",
                status_code=httpx.codes.NOT_FOUND,
            )
        return await _fetch(
            connection.http, original.download_url, to=to, size=file.file_size, file_id=file_id
        )

    return await connection.retries.run(once, repeatable=True)


async def _fetch(
    http: httpx.AsyncClient, address: str, *, to: Path, size: int, file_id: str
) -> DownloadedFile:
    doing = f"download file {file_id}"
    unfinished = to.with_name(f".{to.name}.{os.getpid()}.part")
    try:
        async with http.stream(
            "GET",
            address,
            headers={"accept-encoding": "identity"},
            auth=None,
            timeout=TIMEOUT,
            follow_redirects=True,
        ) as response:
            if response.status_code != httpx.codes.OK:
                raise _failure(doing, response.status_code)
            sha256, received = await _write(response.aiter_raw(CHUNK), unfinished)
        if received != size:
            raise FrameioUnavailableError(
                f"Frame.io sent {received} of {size} bytes of file {file_id}; try again later."
            )
        await asyncio.to_thread(unfinished.replace, to)
    except FOREIGN_ERRORS as error:
        raise failure_of(doing, error) from error
    except OSError as error:
        raise PostProcessingError(
            f"File {file_id} cannot be written to {to} ({error.strerror}); "
            "check the disk and its rights."
        ) from error
    finally:
        with suppress(FileNotFoundError):
            unfinished.unlink()
    return DownloadedFile(path=to, size=received, sha256=sha256)


def _failure(doing: str, status: int) -> Exception:
    if status == httpx.codes.FORBIDDEN:
        # An address that has run out; the next try asks for a fresh one.
        return FrameioUnavailableError(
            f"The address to {doing} is no longer valid (403); try again later."
        )
    return failure_of(doing, Answer(status=status))


async def _write(chunks: AsyncIterator[bytes], path: Path) -> tuple[str, int]:
    digest = hashlib.sha256()
    received = 0
    with await asyncio.to_thread(path.open, "wb") as file:
        async for chunk in chunks:
            await asyncio.to_thread(_take, chunk, file, digest)
            received += len(chunk)
        await asyncio.to_thread(_settle, file)
    return digest.hexdigest(), received


def _take(chunk: bytes, file: IO[bytes], digest: hashlib._Hash) -> None:
    file.write(chunk)
    digest.update(chunk)


def _settle(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
