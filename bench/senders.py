"""What `bench/upload.py` measures in a process of its own: one sender, one file, into one server.

Prints a line of JSON: the time and the processor time of the upload itself, without starting
Python, and the most memory that the process ever held. Usage: python -m bench.senders postflow|postflow-hashing|sdk FILE ADDRESS PARTS
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Self

PLAIN_BYTES = "application/octet-stream"
NOW = datetime.now(UTC).isoformat().replace("+00:00", "Z")


def part_sizes(size: int, parts: int) -> list[int]:
    """Cut a size into equal parts, as the SDK does whatever the server asks for."""
    each = -(-size // parts)
    return [min(each, size - start) for start in range(0, size, each)]


def peak_memory(pid: int) -> int:
    """Return the most bytes that the process held since its program began; 0 when it is over.

    Not `ru_maxrss`: that one still counts what the parent held when it made the process.
    """
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


class Stopwatch:
    """The time and the processor time of a block; everything before it is not the upload."""

    def __enter__(self) -> Self:
        """Begin."""
        self.seconds, self.cpu = -time.perf_counter(), -time.process_time()
        return self

    def __exit__(self, *_exception: object) -> None:
        """End."""
        self.seconds += time.perf_counter()
        self.cpu += time.process_time()


def described(path: Path, address: str, parts: int) -> dict[str, Any]:
    """Describe the file as Frame.io answers a create, with the server's own addresses."""
    size = path.stat().st_size
    words = {"id": "file", "name": path.name, "type": "file", "status": "created", "view_url": ""}
    places = {"media_type": PLAIN_BYTES, "project_id": "project", "parent_id": "folder"}
    return {
        **words,
        **places,
        "file_size": size,
        "created_at": NOW,
        "updated_at": NOW,
        "upload_urls": [
            {"size": part, "url": f"{address}/part_{number:04}"}
            for number, part in enumerate(part_sizes(size, parts), start=1)
        ],
    }


def send_with_postflow(path: Path, address: str, parts: int) -> Stopwatch:
    """Upload a file whose sha256 is known, as `postflow run` does: it took it to register it."""
    return _send_with_postflow(path, address, parts, sha256="known")


def send_and_hash_with_postflow(path: Path, address: str, parts: int) -> Stopwatch:
    """Upload a file that was never hashed: its sha256 is taken at the same time."""
    return _send_with_postflow(path, address, parts, sha256=None)


def send_with_sdk(path: Path, address: str, parts: int) -> Stopwatch:
    """Upload with the official SDK's own uploader, as its documentation shows."""
    from frameio.types.file_with_upload_urls import FileWithUploadUrls  # noqa: PLC0415
    from frameio.upload import FrameioUploader  # noqa: PLC0415

    asset = FileWithUploadUrls.model_validate(described(path, address, parts))
    with path.open("rb") as file:
        with Stopwatch() as watch:
            FrameioUploader(asset, file).upload()
        return watch


SENDERS: dict[str, Callable[[Path, str, int], Stopwatch]] = {
    "postflow": send_with_postflow,
    "postflow-hashing": send_and_hash_with_postflow,
    "sdk": send_with_sdk,
}


def _send_with_postflow(path: Path, address: str, parts: int, *, sha256: str | None) -> Stopwatch:
    """Upload with PostFlow's uploader; only the few answers of the API are canned."""
    import httpx  # noqa: PLC0415 -- each sender pays for its own imports only

    from postflow.frameio.client import FrameioClient  # noqa: PLC0415
    from postflow.frameio.tokens import FixedToken  # noqa: PLC0415
    from postflow.frameio.uploader import upload_file  # noqa: PLC0415

    file = described(path, address, parts)

    def answer(request: httpx.Request) -> httpx.Response:
        created = request.method == "POST"
        state = file if created else {**file, "status": "uploaded", "upload_urls": None}
        return httpx.Response(201 if created else 200, json={"data": state})

    async def run() -> Stopwatch:
        trusted = httpx.create_ssl_context()
        api = {"all://api.frame.io": httpx.MockTransport(answer)}
        async with httpx.AsyncClient(verify=trusted, mounts=api) as http:
            client = FrameioClient(
                http,
                token=FixedToken("bench"),
                account_id="account",
                storage=partial(httpx.Client, verify=trusted, trust_env=False),
            )
            with Stopwatch() as watch:
                await upload_file(
                    client, path=path, folder_id="folder", journal=_Forgetful(), sha256=sha256
                )
            return watch

    return asyncio.run(run())


class _Forgetful:
    """A journal that keeps nothing: what is measured is the uploader, not a database."""

    def load(self) -> None:
        """Return nothing."""

    unanswered = answered = answer_lost = discarded = load

    def asking(self, asked: object) -> None:
        """Forget it."""

    placeholder_created = part_finished = asking

    def orphans_among(self, file_ids: frozenset[str], asked: object) -> frozenset[str]:
        """Call them all nobody's."""
        del asked
        return file_ids


def _main(sender: str, path: str, address: str, parts: str) -> None:
    watch = SENDERS[sender](Path(path), address, int(parts))
    figures = {"seconds": watch.seconds, "cpu": watch.cpu, "peak": peak_memory(os.getpid())}
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
