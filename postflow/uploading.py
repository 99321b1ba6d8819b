"""Uploading a registered video: the store's journal, Frame.io's uploader, and the place it goes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from postflow.clock import Clock, utc_now
from postflow.domain.uploads import UploadStatus
from postflow.errors import UploadError
from postflow.frameio.chunks import Placeholder, parse_placeholder, render_placeholder
from postflow.frameio.client import FrameioClient
from postflow.frameio.locate import Location, locate
from postflow.frameio.parts import Progress
from postflow.frameio.uploader import UploadedFile, upload_file
from postflow.settings import Settings
from postflow.store.database import Store
from postflow.store.journal import (
    complete_upload,
    discard_placeholder,
    load_placeholder,
    record_part,
    record_placeholder,
)
from postflow.store.uploads import load_upload, load_version


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreJournal:
    """Frame.io's upload journal, kept in our store so that any later process can go on."""

    store: Store
    upload_id: str
    clock: Clock = utc_now

    def load(self) -> Placeholder | None:
        """Return the recorded placeholder with its finished parts."""
        with self.store.reading() as session:
            found = load_placeholder(session, self.upload_id)
        if found is None:
            return None
        text, finished = found
        return parse_placeholder(text).with_finished(*finished)

    def placeholder_created(self, placeholder: Placeholder) -> None:
        """Record a new placeholder, in place of any before."""
        with self.store.writing() as session:
            record_placeholder(
                session,
                self.upload_id,
                file_id=placeholder.file_id,
                placeholder=render_placeholder(placeholder),
                now=self.clock(),
            )

    def part_finished(self, number: int) -> None:
        """Record that Frame.io holds this part."""
        with self.store.writing() as session:
            record_part(session, self.upload_id, number)

    def discarded(self) -> None:
        """Forget the placeholder."""
        with self.store.writing() as session:
            discard_placeholder(session, self.upload_id)


async def upload_video(
    store: Store,
    frameio: FrameioClient,
    settings: Settings,
    upload_id: str,
    *,
    project_id: str | None = None,
    progress: Progress | None = None,
    clock: Clock = utc_now,
) -> None:
    """Bring every byte of a registered video to Frame.io; a video that is there is left alone.

    A killed call goes on where it was. Raises UploadError naming the file where the file is the
    trouble, and FrameioError; `retryable` says whether the same call may work later.
    """
    if is_uploaded(store, upload_id):
        return
    path, sha256 = _plan(store, upload_id)
    place = await locate(
        frameio,
        workspace_id=settings.frameio.workspace_id,
        project_id=project_id or settings.frameio.project_id,
        folder=settings.frameio.folder,
    )
    _record_place(store, upload_id, place)
    uploaded = await upload_file(
        frameio,
        path=path,
        folder_id=place.folder_id,
        journal=StoreJournal(store=store, upload_id=upload_id, clock=clock),
        progress=progress,
        parallel=settings.frameio.parts_in_flight,
    )
    if sha256 is not None and uploaded.sha256 != sha256:
        await _withdraw(store, frameio, upload_id, uploaded)
        raise UploadError(
            f"{path} changed between its registration and its upload; run it again, and the new "
            "content gets an upload of its own."
        )
    with store.writing() as session:
        complete_upload(
            session,
            upload_id,
            file_id=uploaded.file_id,
            sha256=uploaded.sha256,
            size=uploaded.size,
            view_url=uploaded.view_url,
            media_type=uploaded.media_type,
            now=clock(),
        )


def is_uploaded(store: Store, upload_id: str) -> bool:
    """Whether Frame.io has every byte of the upload's current version."""
    with store.reading() as session:
        upload = load_upload(session, upload_id)
    return upload.status in (UploadStatus.UPLOADED, UploadStatus.READY)


def _plan(store: Store, upload_id: str) -> tuple[Path, str | None]:
    """Return the file that is still to be sent and what it should contain."""
    with store.reading() as session:
        upload = load_upload(session, upload_id)
        version = load_version(session, upload)
    if version.path is None:
        raise UploadError(
            f"{upload_id} was tracked without a local file, so there is nothing to upload."
        )
    return Path(version.path), version.sha256


def _record_place(store: Store, upload_id: str, place: Location) -> None:
    with store.writing() as session:
        upload = load_upload(session, upload_id, lock=True)
        upload.account_id = place.account_id
        upload.workspace_id = place.workspace_id
        upload.project_id = place.project_id


async def _withdraw(
    store: Store, frameio: FrameioClient, upload_id: str, uploaded: UploadedFile
) -> None:
    """Take back bytes that are not the registered ones, before anybody can review them."""
    await frameio.delete_file(uploaded.file_id)
    with store.writing() as session:
        discard_placeholder(session, upload_id)
