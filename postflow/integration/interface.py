"""The class that scripts use: tracking, registering, asking, waiting; all of it synchronous.

Registering and asking need the store alone, whoever tracks it. Nothing is opened before it is
needed, and nothing is left behind when the program ends.
"""

from __future__ import annotations

import os
import threading
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from postflow.clock import utc_now
from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus, WaitKind, WaitOutcome
from postflow.domain.waiting import answer_wait
from postflow.errors import StoreUnavailableError, UploadError
from postflow.integration.changes import StoreChanges
from postflow.integration.farewell import end_with_program
from postflow.integration.local_work import deliver_upload, upload_local_file
from postflow.integration.neighbour import public_address
from postflow.integration.tracking import Tracking
from postflow.public_address import await_public_base
from postflow.settings import Settings, load_settings
from postflow.settings.origins import show_settings
from postflow.settings.sections import OnRejected
from postflow.store.database import Store, open_store
from postflow.store.tables import UploadRow
from postflow.store.uploads import is_undoable, load_upload, register_upload
from postflow.store.view_types import TrackingStats, UploadStatusView
from postflow.store.views import tracking_stats, upload_status


@dataclass(frozen=True, kw_only=True, slots=True)
class _Opened:
    """An open store and whoever waits for its changes."""

    store: Store
    changes: StoreChanges
    process: int


WEBHOOK_PATH = "/webhooks/frameio"
READY_TIMEOUT = 600.0
"""Seconds that a wait for Frame.io's transcode takes at most, unless told otherwise."""


class PostFlowIntegration:
    """PostFlow for one configuration; safe to share between threads.

    Without `config_path` the config file is looked for in its usual places. Raises
    ConfigurationError where a setting is misspelt or impossible.
    """

    def __init__(self, config_path: str | Path | None = None) -> None:
        self.settings: Settings = load_settings(config_path)
        self._lock = threading.RLock()
        self._opened: _Opened | None = None
        self._tracking = Tracking(self.settings, read_address=lambda: self._open().store.address)

    def start_tracking(self) -> None:
        """Start the service in this process, or join one that runs on the same store.

        Returns once it listens; again, it does nothing. Raises ConfigurationError, for example
        when another program has taken a port.
        """
        self._open()
        end_with_program(self)
        self._tracking.start()

    def stop_tracking(self) -> None:
        """End what `start_tracking` started; asking, registering and waiting go on working."""
        self._tracking.stop()
        with self._lock:
            opened = self._opened
            if opened is not None and not opened.changes.is_awaited:
                opened.store.close()  # it opens again by itself

    def register_upload(
        self,
        upload_id: str,
        filename: str,
        file_id: str | None = None,
        project_id: str | None = None,
        workspace_id: str | None = None,
    ) -> str:
        """Make PostFlow follow a video and return its upload id; again, it changes nothing.

        Without `file_id` the video is recognised by its name once Frame.io reports the file.
        Raises UploadConflictError when the id already stands for another file.
        """
        if not filename.strip():
            raise UploadError(f"The upload {upload_id!r} needs the name of its file.")
        with self._open().store.writing() as session:
            register_upload(
                session,
                upload_id=upload_id,
                filename=filename,
                file_id=file_id or None,
                project_id=project_id or None,
                workspace_id=workspace_id or None,
                now=utc_now(),
            )
        return upload_id

    def is_upload_ready(self, upload_id: str) -> bool:
        """Whether reviewers can watch it; an unknown upload is not ready."""
        found = self.get_upload_status(upload_id)
        return found is not None and found["status"] == UploadStatus.READY

    def is_upload_approved(self, upload_id: str) -> bool:
        """Whether its current version is approved, not held, and past `review.undo_window`."""
        with self._open().store.reading() as session:
            found = session.get(UploadRow, upload_id)
            return found is not None and _is_approved(found)

    def wait_for_upload_ready(self, upload_id: str, timeout: float | None = READY_TIMEOUT) -> bool:
        """Wait until reviewers can watch it; False after `timeout` seconds, or when it failed.

        None waits without an end. Raises UnknownUploadError.
        """
        return self._wait(upload_id, WaitKind.READY, timeout)

    def wait_for_approval(self, upload_id: str, timeout: float | None = None) -> bool:
        """Wait until it is approved; False after `timeout` seconds, or when it failed.

        A rejection ends the wait only where `review.on_rejected` is `finish`: otherwise reviewers
        may still change their minds. None waits without an end. Raises UnknownUploadError.
        """
        return self._wait(upload_id, WaitKind.APPROVAL, timeout)

    def get_upload_status(self, upload_id: str) -> UploadStatusView | None:
        """Return all that is known about an upload, or None where there is none of this id."""
        with self._open().store.reading() as session:
            return upload_status(session, upload_id)

    def get_tracking_stats(self) -> TrackingStats:
        """Return the totals over all uploads."""
        with self._open().store.reading() as session:
            return tracking_stats(session)

    def get_webhook_url(self) -> str | None:
        """Return the address that Frame.io is to call, or None where webhooks are off.

        A tunnel that is coming up is waited for, some seconds at most.
        """
        if not self.settings.webhook.enabled:
            return None
        faces = self._tracking.faces
        own = faces.public if faces else public_address(self.settings)
        return (await_public_base(self.settings) or own).rstrip("/") + WEBHOOK_PATH

    @property
    def config(self) -> dict[str, Any]:
        """The settings in effect, by section; secrets are masked."""
        return show_settings(self.settings)

    def upload_and_track(self, path: str | Path, project_id: str | None = None) -> str:
        """Upload a local file, follow it, and return its upload id; needs a Frame.io token.

        The same file again is the same upload. Raises UploadError, FrameioError or
        ConfigurationError.
        """
        opened = self._open()
        return upload_local_file(opened.store, self.settings, Path(path), project_id=project_id)

    def trigger_post_processing(self, upload_id: str) -> Path | None:
        """Deliver an approved video and return where it is; again, it is the same delivery.

        None where `post_processing.deployment` makes the delivery. Raises PostProcessingError
        when it is not approved or its master cannot be had.
        """
        return deliver_upload(self._open().store, self.settings, upload_id)

    @property
    def is_awaited(self) -> bool:
        """Whether a thread of this program waits for an upload."""
        return self._opened is not None and self._opened.changes.is_awaited

    def leave(self) -> None:
        """End tracking and all waits, because the program ends."""
        if self._opened is not None and self._tracking.has_own_service:
            self._opened.changes.end("The program ends, and with it the tracking it waits for.")
        self.stop_tracking()

    def _open(self) -> _Opened:
        """Return the store, created or migrated where that is needed; a fork opens its own."""
        with self._lock:
            if self._opened is None or self._opened.process != os.getpid():
                database = self.settings.database
                store = open_store(database.url, create=True, busy_timeout=database.busy_timeout)
                weakref.finalize(self, store.close)
                self._opened = _Opened(
                    store=store, changes=StoreChanges(store), process=os.getpid()
                )
            return self._opened

    def _wait(self, upload_id: str, kind: WaitKind, timeout: float | None) -> bool:
        opened = self._open()

        def look() -> bool | None:
            try:
                with opened.store.reading() as session:
                    return self._answer(load_upload(session, upload_id), kind)
            except StoreUnavailableError:
                return None  # a wait outlives a locked store or a restarted server

        return opened.changes.wait_until(look, timeout=timeout)

    def _answer(self, upload: UploadRow, kind: WaitKind) -> bool | None:
        review = self.settings.for_project(upload.project_id).review
        outcome = answer_wait(
            kind,
            status=UploadStatus(upload.status),
            review=ReviewStatus(upload.review_status),
            cancelled=upload.cancelled_at is not None,
            timed_out=False,
            finish_on_rejection=(upload.on_rejected or review.on_rejected) == OnRejected.FINISH,
            reject_on_timeout=False,
        )
        if outcome is None or (outcome is WaitOutcome.APPROVED and not _is_approved(upload)):
            return None
        return outcome in (WaitOutcome.READY, WaitOutcome.APPROVED)


def _is_approved(upload: UploadRow) -> bool:
    """Whether the approval stands: one that is held, or can still be undone, does not yet."""
    is_free = upload.held_since is None and not is_undoable(upload, now=utc_now())
    return upload.review_status == ReviewStatus.APPROVED and is_free
