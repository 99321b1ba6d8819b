"""What an upload is made of: a placeholder at Frame.io and its parts; pure.

A placeholder is all that a later process needs to go on with an upload, so it can be written
as JSON. It holds signed addresses: it may be stored, never logged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit

from pydantic import ConfigDict, TypeAdapter

from postflow.frameio.failures import unreadable
from postflow.frameio.wire import File, UploadUrl

EXPIRY_MARGIN = timedelta(minutes=1)  # an address this close to its end is not begun with


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A stretch of the source and the address it goes to; numbers begin at 1."""

    number: int
    offset: int
    size: int
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What must stay the same about a source while it is uploaded."""

    size: int
    mtime_ns: int
    inode: int

    def is_as_recorded(self, recorded: Fingerprint) -> bool:
        """Whether a file seen by an earlier process is this one; mounts may renumber inodes."""
        return (self.size, self.mtime_ns) == (recorded.size, recorded.mtime_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeholder:
    """A file that exists at Frame.io and waits for the bytes of `source`."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(hide_input_in_errors=True)

    file_id: str
    folder_id: str
    name: str
    media_type: str
    source: Fingerprint
    parts: tuple[Part, ...]
    finished: frozenset[int] = frozenset()
    expires_at: datetime | None = None

    @property
    def missing(self) -> tuple[Part, ...]:
        """The parts that are still to be sent."""
        return tuple(part for part in self.parts if part.number not in self.finished)

    def is_expired(self, *, now: datetime) -> bool:
        """Whether its addresses are (nearly) of no use any more."""
        return self.expires_at is not None and now >= self.expires_at - EXPIRY_MARGIN

    def with_finished(self, *numbers: int) -> Placeholder:
        """Return the same placeholder with more parts finished."""
        return replace(self, finished=self.finished | frozenset(numbers))

    def with_nothing_finished(self) -> Placeholder:
        """Return the same placeholder with every part to be sent again."""
        return replace(self, finished=frozenset())


def plan_upload(file: File, *, folder_id: str, source: Fingerprint) -> Placeholder:
    """Cut the source exactly as Frame.io asks for in the answer to the create call."""
    urls = file.upload_urls or []
    if sum(each.size for each in urls) != source.size or any(each.size < 0 for each in urls):
        raise unreadable(f"create the upload of {file.name}", "its parts are not the file's size")
    return Placeholder(
        file_id=file.id,
        folder_id=folder_id,
        name=file.name,
        media_type=file.media_type,
        source=source,
        parts=_parts_of(urls),
        expires_at=earliest_expiry(each.url for each in urls),
    )


def earliest_expiry(urls: Iterable[str]) -> datetime | None:
    """Tell when the first of the addresses runs out; None where none says so."""
    known = [end for end in map(_expiry_of, urls) if end is not None]
    return min(known, default=None)


PLACEHOLDERS = TypeAdapter(Placeholder)


def render_placeholder(placeholder: Placeholder) -> str:
    """Write a placeholder as JSON."""
    return PLACEHOLDERS.dump_json(placeholder).decode()


def parse_placeholder(text: str) -> Placeholder:
    """Read what `render_placeholder` wrote; pydantic's ValidationError quotes no address."""
    return PLACEHOLDERS.validate_json(text)


def _parts_of(urls: Sequence[UploadUrl]) -> tuple[Part, ...]:
    parts: list[Part] = []
    offset = 0
    for number, each in enumerate(urls, start=1):
        parts.append(Part(number=number, offset=offset, size=each.size, url=each.url))
        offset += each.size
    return tuple(parts)


def _expiry_of(url: str) -> datetime | None:
    """Read the end from an S3 signature: version 4 gives start and seconds."""
    query = {name.lower(): value for name, value in parse_qsl(urlsplit(url).query)}
    try:
        start = datetime.strptime(query["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return start + timedelta(seconds=int(query["x-amz-expires"]))
    except (KeyError, ValueError, OverflowError):
        return None
