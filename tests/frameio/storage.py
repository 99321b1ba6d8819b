"""A Frame.io of one folder for unit tests: creates, takes parts, shows and deletes files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx

from postflow.frameio.chunks import Placeholder
from postflow.frameio.journal import AskedFor
from postflow.frameio.wire import render_time

SIGNATURE = "signature-nobody-may-read"
ME = {"id": "me", "email": "svc@studio.test", "name": "PostFlow", "avatar_url": None}
ME_AS_USER = {**ME, "active": True}


class MemoryJournal:
    """A journal that outlives an upload, as a database would."""

    def __init__(self) -> None:
        self.placeholder: Placeholder | None = None
        self.open_question: AskedFor | None = None
        self.lost_question: AskedFor | None = None
        self.of_others: frozenset[str] = frozenset()
        self.looks_until_clear = 0  # how often another upload is still asking

    def load(self) -> Placeholder | None:
        """Return what was recorded."""
        return self.placeholder

    def asking(self, asked: AskedFor) -> None:
        """Keep the question."""
        self.open_question = asked

    def answer_lost(self) -> None:
        """Keep that nobody knows."""
        self.lost_question = self.lost_question or self.open_question
        self.open_question = None

    def answered(self) -> None:
        """Forget the question."""
        self.open_question = self.lost_question = None

    def unanswered(self) -> AskedFor | None:
        """Return the question of a process before."""
        return self.lost_question

    def orphans_among(self, file_ids: frozenset[str], asked: AskedFor) -> frozenset[str] | None:
        """Leave out what belongs to others."""
        del asked
        self.looks_until_clear -= 1
        return None if self.looks_until_clear >= 0 else file_ids - self.of_others

    def placeholder_created(self, placeholder: Placeholder) -> None:
        """Keep it."""
        self.placeholder, self.open_question = placeholder, None

    def part_finished(self, number: int) -> None:
        """Keep the number."""
        assert self.placeholder is not None
        self.placeholder = self.placeholder.with_finished(number)

    def discarded(self) -> None:
        """Forget it."""
        self.placeholder = None


class Video:
    """A local file that knows its bytes."""

    def __init__(self, path: Path, data: bytes) -> None:
        self.path = path
        self.data = data
        path.write_bytes(data)

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return len(self.data)

    def write(self, data: bytes) -> None:
        """Become another state of the file."""
        self.data = data
        self.path.write_bytes(data)


@dataclass
class Storage:
    """`before` may answer a request in place of the storage, by returning a response."""

    part_size: int = 10_000
    before: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
    files: dict[str, dict[str, object]] = field(default_factory=dict)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Note the request, and answer it unless `before` does."""
        self.requests.append(request)
        if (answer := self.before(request)) is not None:
            return answer
        return self.answer(request)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Do what the request asks for."""
        words = request.url.path.strip("/").split("/")
        if request.url.host == "storage.test":
            return self._take_part(words[0], int(words[1]), request)
        match request.method, words:
            case "POST", [*_, "local_upload"]:
                return self._create(json.loads(request.content)["data"])
            case "GET", [*_, "me"]:
                return httpx.Response(200, json={"data": ME})
            case "GET", [*_, "folders", _, "files"]:
                page = {"data": list(self.files.values()), "links": {"next": None}}
                return httpx.Response(200, json=page)
            case method, ["v4", "accounts", _, "files", file_id, *rest]:
                return self._file(method, file_id, rest)
        raise AssertionError(f"nobody expects {request.method} {request.url.path}")

    def bytes_of(self, file_id: str) -> bytes:
        """Join the parts as Frame.io does."""
        return b"".join(data for _, data in sorted(self.parts[file_id].items()))

    def puts(self) -> list[int]:
        """Tell the numbers of the parts that were sent, in order."""
        sent = [each for each in self.requests if each.method == "PUT"]
        return [int(each.url.path.split("/")[-1]) for each in sent]

    def _create(self, wanted: Mapping[str, object]) -> httpx.Response:
        file_id = f"file-{len(self.files) + len(self.deleted) + 1}"
        size = int(str(wanted["file_size"]))
        moment = render_time(datetime.now(UTC))
        self.files[file_id] = {
            "id": file_id, "name": wanted["name"], "type": "file", "project_id": "project",
            "parent_id": "folder", "created_at": moment, "updated_at": moment,
            "view_url": f"https://next.frame.io/{file_id}", "status": "created",
            "media_type": "video/mp4", "file_size": size, "creator": ME_AS_USER,
        }  # fmt: skip
        self.parts[file_id] = {}
        urls = [
            {
                "size": min(self.part_size, size - offset),
                "url": f"https://storage.test/{file_id}/{number}?X-Amz-Signature={SIGNATURE}",
            }
            for number, offset in enumerate(range(0, size, self.part_size), start=1)
        ]
        return httpx.Response(201, json={"data": {**self.files[file_id], "upload_urls": urls}})

    def _take_part(self, file_id: str, number: int, request: httpx.Request) -> httpx.Response:
        if file_id not in self.files:
            return httpx.Response(404)
        self.parts[file_id][number] = request.content
        if len(self.bytes_of(file_id)) == self.files[file_id]["file_size"]:
            self.files[file_id]["status"] = "uploaded"
        return httpx.Response(200)

    def _file(self, method: str, file_id: str, rest: list[str]) -> httpx.Response:
        if file_id not in self.files:
            return httpx.Response(404, json={"errors": [{"detail": "Not found"}]})
        if method == "DELETE":
            del self.files[file_id]
            self.deleted.append(file_id)
            return httpx.Response(204)
        if rest == ["status"]:
            status = {
                "id": file_id, "filetype": "video/mp4", "upload_complete": False,
                "upload_failed": False, "uploaded_at": None, "upload_completed_at": None,
            }  # fmt: skip
            return httpx.Response(200, json={"data": status})
        return httpx.Response(200, json={"data": self.files[file_id]})
