"""The master that is delivered must be the bytes that were approved.

The local file is used only while its sha256 is the approved one; otherwise the original is fetched
from Frame.io by the approved file's id, and checked in the same way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from postflow.delivery.names import choose_suffix
from postflow.errors import FrameioUnavailableError, PostFlowError, PostProcessingError
from postflow.store.tables import VersionRow

Fetch = Callable[[str, Path], tuple[str, int]]
"""Fetches the original of a Frame.io file to a path; returns its sha256 and its size in bytes."""

_CHUNK = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Master:
    """A file whose bytes were checked, and what it must still look like when we are done."""

    path: Path
    sha256: str
    size: int
    fetched: bool
    modified_ns: int

    def is_unchanged(self) -> bool:
        """Whether the file is still the one that was checked."""
        try:
            found = self.path.stat()
        except OSError:
            return False
        return (found.st_size, found.st_mtime_ns) == (self.size, self.modified_ns)


def find_master(version: VersionRow, *, folder: Path, fetch: Fetch) -> Master:
    """Return the approved bytes, from the local master or else from Frame.io.

    Raises PostProcessingError with one sentence when neither has them; nothing may be delivered.
    """
    local = _check_local(version)
    if local is not None:
        return local
    return fetch_master(version, folder=folder, fetch=fetch)


def fetch_master(version: VersionRow, *, folder: Path, fetch: Fetch) -> Master:
    """Fetch the original of the approved file from Frame.io and check it.

    Raises FrameioUnavailableError, which is worth another try, when Frame.io is just away.
    """
    if version.file_id is None:
        raise PostProcessingError(
            f"{version.filename} has no file at Frame.io to fetch; run it again."
        )
    target = folder / f"master{choose_suffix(version)}"
    try:
        sha256, size = fetch(version.file_id, target)
    except PostProcessingError:
        raise
    except PostFlowError as error:
        sentence = (
            f"The master of {version.filename} is gone or changed, and its original could not be "
            f"fetched from Frame.io ({error}); nothing was delivered. Put the approved file back, "
            "or try again later."
        )
        kind = FrameioUnavailableError if error.retryable else PostProcessingError
        raise kind(sentence) from error
    if (version.sha256 and sha256 != version.sha256) or (version.size and size != version.size):
        raise PostProcessingError(
            f"The original of {version.filename} on Frame.io is not the one that was uploaded "
            "(its sha256 or size differs); nothing was delivered. Upload it again for review."
        )
    return _master(target, sha256=sha256, size=size, fetched=True)


def hash_file(path: Path) -> str:
    """Return the sha256 of a file, reading it once in constant memory."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _check_local(version: VersionRow) -> Master | None:
    """Return the local master if its bytes are the approved ones."""
    if version.path is None or version.sha256 is None:
        return None
    path = Path(version.path)
    try:
        before = path.stat()
        if not path.is_file() or before.st_size != version.size:
            return None
        sha256 = hash_file(path)
        master = _master(path, sha256=sha256, size=before.st_size, fetched=False)
    except OSError:
        return None
    return master if sha256 == version.sha256 and master.modified_ns == before.st_mtime_ns else None


def _master(path: Path, *, sha256: str, size: int, fetched: bool) -> Master:
    return Master(
        path=path,
        sha256=sha256,
        size=size,
        fetched=fetched,
        modified_ns=path.stat().st_mtime_ns,
    )
