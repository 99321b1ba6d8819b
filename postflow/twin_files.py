"""Files that are one video: the same bytes under two names are uploaded and reviewed once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session, col, select

from postflow.store.batches import cached_sha256
from postflow.store.tables import UploadRow, VersionRow
from postflow.store.versions import find_by_content


@dataclass(frozen=True, kw_only=True, slots=True)
class Twin:
    """A file with the very bytes of another one, given before it or tracked under another name."""

    file: str
    same_as: str
    upload_id: str

    @property
    def sentence(self) -> str:
        """What a person is told: short names, and paths only where these are the same."""
        file, other = Path(self.file).name, Path(self.same_as).name
        if file == other:
            file, other = self.file, self.same_as
        return (
            f"{file} has the same bytes as {other}: both are the one video {self.upload_id}, which "
            "is uploaded and reviewed once."
        )


def list_twins(session: Session, paths: Iterable[Path], *, project_id: str | None) -> list[Twin]:
    """Return which of the registered files are the same video as another one."""
    first: dict[str, Path] = {}
    found = []
    for path in paths:
        sha256 = _read_sha256(session, path)
        upload = find_by_content(session, sha256, project_id=project_id) if sha256 else None
        if upload is None or sha256 is None:
            continue
        other = str(first.setdefault(sha256, path))
        tracked = _tracked_name(session, upload, sha256)
        if other == str(path) and tracked != path.name:
            other = tracked
        if other != str(path):
            found.append(Twin(file=str(path), same_as=other, upload_id=upload.upload_id))
    return found


def _read_sha256(session: Session, path: Path) -> str | None:
    """Return what the file was found to be when it was registered, unless it changed since."""
    try:
        found = path.stat()
    except OSError:
        return None
    return cached_sha256(session, path=str(path), size=found.st_size, modified_ns=found.st_mtime_ns)


def _tracked_name(session: Session, upload: UploadRow, sha256: str) -> str:
    statement = select(VersionRow.filename).where(
        VersionRow.upload_id == upload.upload_id, VersionRow.sha256 == sha256
    )
    return session.exec(statement.order_by(col(VersionRow.version))).first() or upload.filename
