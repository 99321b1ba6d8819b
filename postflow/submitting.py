"""From paths to registered uploads: every file is checked before any is registered."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlmodel import Session

from postflow.clock import Clock, utc_now
from postflow.delivery.masters import hash_file
from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import VIDEO_SUFFIXES, UploadStatus, name_upload
from postflow.errors import UploadError
from postflow.store.batches import cache_sha256, cached_sha256, record_batch
from postflow.store.database import Store
from postflow.store.deliveries import load_delivery
from postflow.store.flow_runs import last_attempt, plan_attempt
from postflow.store.tables import UploadRow, VersionRow
from postflow.store.uploads import load_upload, load_version, register_upload
from postflow.store.versions import NewVersion, find_by_content
from postflow.versioning import Versioning, add_version, follow_by_name


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoFile:
    """A file on disk that can be uploaded, and what its bytes are."""

    path: Path
    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """A run that is wanted for an upload; `key` is the same for as long as it is the same run.

    `flow_run_id` is the run that is at it already, if there is one.
    """

    upload_id: str
    version: int
    number: int
    path: str
    filename: str
    flow_run_id: str | None

    @property
    def key(self) -> str:
        """The idempotency key of the flow run."""
        return f"{self.upload_id}:v{self.version}:a{self.number}"


def find_videos(paths: Iterable[Path]) -> list[Path]:
    """Return the video files that the paths name, folders expanded and sorted by name.

    Raises UploadError with one sentence about the first path that cannot be used.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            videos = sorted(p for p in path.iterdir() if p.suffix.lower() in VIDEO_SUFFIXES)
            videos = [p for p in videos if p.is_file() and not p.name.startswith(".")]
            if not videos:
                raise UploadError(
                    f"The folder {path} holds no video; known are {_known_suffixes()}."
                )
            found |= dict.fromkeys(p.absolute() for p in videos)
        else:
            check_file(path)
            found[path.absolute()] = None
    for path in found:
        _check_readable(path)
    return list(found)


def check_file(path: Path) -> Path:
    """Return the path if a video file can be there; raises UploadError with one sentence."""
    if not path.exists():
        raise UploadError(f"{path} does not exist; check the path.")
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        raise UploadError(f"{path} is no video by its name; known are {_known_suffixes()}.")
    if not path.is_file():
        raise UploadError(f"{path} is not a file; name a video file.")
    return path


def read_video(store: Store, path: Path) -> VideoFile:
    """Return the file with its sha256, which is taken anew only when size or mtime changed.

    Raises UploadError when the file changes while it is read, or can no longer be read.
    """
    try:
        before = path.stat()
        with store.reading() as session:
            known = cached_sha256(
                session, path=str(path), size=before.st_size, modified_ns=before.st_mtime_ns
            )
        sha256 = known or hash_file(path)
        after = path.stat()
    except OSError as error:
        raise UploadError(f"{path} cannot be read ({error.strerror}).") from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise UploadError(f"{path} changes while it is read; try again when it is complete.")
    if known is None:
        with store.writing() as session:
            cache_sha256(
                session,
                path=str(path),
                size=after.st_size,
                modified_ns=after.st_mtime_ns,
                sha256=sha256,
            )
    return VideoFile(path=path, sha256=sha256, size=after.st_size)


def register_videos(
    store: Store,
    videos: Sequence[VideoFile],
    *,
    batch_id: str | None,
    project_id: str | None = None,
    on_rejected: str | None = None,
    upload_id: str | None = None,
    versioning: Versioning | None = None,
    clock: Clock = utc_now,
) -> list[str]:
    """Register the files together, or none of them; return their upload ids in order.

    A file's identity is its sha256: the same bytes in the same project are the same upload.
    Without `versioning` every other file gets an upload of its own. Raises UploadError where a
    file cannot become a version now.
    """
    now = clock()
    with store.writing() as session:
        upload_ids = []
        for video in videos:
            upload = _register(
                session,
                video,
                upload_id=upload_id,
                project_id=project_id,
                versioning=versioning,
                now=now,
            )
            upload.on_rejected = on_rejected or upload.on_rejected
            upload_ids.append(upload.upload_id)
        if batch_id is not None:
            record_batch(session, batch_id=batch_id, upload_ids=upload_ids, now=now)
    return list(dict.fromkeys(upload_ids))


def plan_run(
    store: Store,
    upload_id: str,
    *,
    is_over: bool,
    since: datetime,
    clock: Clock = utc_now,
) -> Attempt | None:
    """Return the run that this upload needs, or None when it needs none.

    `is_over` says that the last run, if there is one, will do no more; then the next attempt
    begins, and a failed or cancelled upload gets another chance. `since` is when whoever asks began,
    and may have asked before: what was tried since, or cancelled, is not tried again.
    """
    now = clock()
    with store.writing() as session:
        upload = load_upload(session, upload_id, lock=True)
        delivery = load_delivery(session, upload_id, upload.version)
        if delivery is not None and delivery.delivered_at is not None:
            return None
        if upload.cancelled_at is not None and upload.cancelled_at >= since:
            return None
        last = last_attempt(session, upload_id, upload.version)
        number = last.attempt if last else 1
        was_tried = last is not None and last.created_at >= since
        if last is not None and last.flow_run_id is not None and is_over and not was_tried:
            revive_upload(session, upload, now=now)
            again = last_attempt(session, upload_id, upload.version)
            number = again.attempt + 1 if again else 1
        row = plan_attempt(session, upload_id, upload.version, attempt=number, now=now)
        return Attempt(
            upload_id=upload_id,
            version=upload.version,
            number=row.attempt,
            path=load_version(session, upload).path or "",
            filename=upload.filename,
            flow_run_id=row.flow_run_id,
        )


def _register(
    session: Session,
    video: VideoFile,
    *,
    upload_id: str | None,
    project_id: str | None,
    versioning: Versioning | None,
    now: datetime,
) -> UploadRow:
    new = NewVersion(
        filename=video.path.name, path=str(video.path), sha256=video.sha256, size=video.size
    )
    if versioning is not None and versioning.of is not None:
        return add_version(session, new, versioning, project_id=project_id, now=now)
    same = find_by_content(session, video.sha256, project_id=project_id)
    if same is not None and upload_id in (None, same.upload_id):
        version = load_version(session, same)
        is_current = version.sha256 == video.sha256
        if is_current and (version.path is None or not Path(version.path).is_file()):
            version.path = same.path = str(video.path)
        return same
    if versioning is not None and upload_id is None:
        followed = follow_by_name(session, new, versioning, project_id=project_id, now=now)
        if followed is not None:
            return followed
    name = upload_id or name_upload(video.path.stem, video.sha256)
    if upload_id is None and session.get(UploadRow, name) is not None:
        name = f"{name}-{(project_id or 'other')[:8]}"
    return register_upload(
        session,
        upload_id=name,
        filename=video.path.name,
        path=str(video.path),
        sha256=video.sha256,
        size=video.size,
        project_id=project_id,
        now=now,
    )


def revive_upload(session: Session, upload: UploadRow, *, now: datetime) -> None:
    """Give a failed or cancelled upload another chance; what is uploaded stays uploaded.

    What failed after its upload (deleted, never ready) needs its bytes anew. They become another
    file at Frame.io and so another version: what was said about the old one does not count.
    """
    if upload.cancelled_at is not None:
        upload.cancelled_at, upload.look_at = None, now if upload.file_id else None
    if upload.status != UploadStatus.FAILED:
        return
    old = load_version(session, upload)
    was_watched = old.ready_at is not None and upload.gone_at is None
    upload.status, upload.failure, upload.gone_at = UploadStatus.REGISTERED, None, None
    upload.updated_at = now
    if was_watched or old.path is None:  # it is there, or is somebody else's to put right
        upload.status = UploadStatus.UPLOADED if was_watched else UploadStatus.REGISTERED
        upload.look_at = now if upload.file_id else None
        return
    if old.uploaded_at is None:
        return
    upload.version += 1
    upload.file_id, upload.look_at = None, None
    upload.review_status = ReviewStatus.PENDING
    upload.quiet_until = upload.held_since = upload.held_reason = upload.undo_until = None
    session.add(
        VersionRow(
            upload_id=upload.upload_id,
            version=upload.version,
            filename=old.filename,
            path=old.path,
            sha256=old.sha256,
            size=old.size,
            created_at=now,
        )
    )
    session.flush()


def _check_readable(path: Path) -> None:
    if not os.access(path, os.R_OK):
        raise UploadError(f"{path} cannot be read; check its permissions.")
    if path.stat().st_size == 0:
        raise UploadError(f"{path} is empty; upload it when it is complete.")


def _known_suffixes() -> str:
    return " ".join(sorted(VIDEO_SUFFIXES))
