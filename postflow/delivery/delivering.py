"""Delivering an approved version once: claim, check the master, make the files, show them.

The verdict is read again in the transaction that claims and in the one that shows. Everything is
made in a hidden folder beside its final place and renamed, so nobody ever sees half a delivery,
and a delivery that was cut off by a crash is finished, not made twice.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlmodel import Session

from postflow.clock import Clock, utc_now
from postflow.delivery.encoding import encode, extract_poster
from postflow.delivery.leftovers import record_shown
from postflow.delivery.manifest import make_manifest, write_manifest
from postflow.delivery.masters import Fetch, Master, fetch_master, find_master, hash_file
from postflow.delivery.names import choose_stem
from postflow.delivery.place import Place
from postflow.errors import PostProcessingError
from postflow.settings import Settings
from postflow.store.database import Store
from postflow.store.decisions import last_decision
from postflow.store.deliveries import (
    announce_delivery,
    claim_delivery,
    complete_delivery,
    is_approved,
    is_name_taken,
    load_delivery,
)
from postflow.store.tables import DecisionRow, DeliveryRow, UploadRow, VersionRow
from postflow.store.uploads import is_undoable, load_upload, load_version

_SUFFIXES = (".mp4", ".jpg", ".manifest.json")

Start = Callable[[dict[str, Any]], None]
"""Starts the user's own post-processing with these parameters; once, however often it is called."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivered:
    """Where a delivery is; `path` is None when the user's own deployment makes it."""

    name: str
    path: Path | None


def deliver(
    store: Store,
    upload_id: str,
    *,
    settings: Settings,
    claimed_by: str,
    fetch: Fetch,
    start: Start | None = None,
    clock: Clock = utc_now,
) -> Delivered | None:
    """Deliver the upload's current version; None when it is not, or no longer, approved.

    Again after a delivery, or after a crash in the middle of one, it ends with the same single
    delivery. Raises PostProcessingError with one sentence; then nothing is visible. With `start`
    the user's deployment is started instead of ffmpeg.
    """
    folder = settings.post_processing.output_dir
    claim = _claim(store, upload_id, folder=folder, claimed_by=claimed_by, clock=clock)
    if claim is None:
        return None
    if claim.delivery.delivered_at is not None:
        return _delivered(claim.delivery)
    work = _Work(
        store=store, claim=claim, folder=folder, settings=settings, fetch=fetch, clock=clock
    )
    try:
        return work.hand_over(start) if start is not None else work.make_files()
    except OSError as error:
        raise PostProcessingError(
            f"{claim.upload.filename} could not be delivered to {folder} ({error.strerror}); make "
            "room or correct post_processing.output_dir, and run it again."
        ) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class _Claim:
    upload: UploadRow
    version: VersionRow
    decision: DecisionRow
    delivery: DeliveryRow


def _claim(
    store: Store, upload_id: str, *, folder: Path, claimed_by: str, clock: Clock
) -> _Claim | None:
    with store.writing() as session:
        upload = load_upload(session, upload_id, lock=True)
        name = _choose_name(session, upload, folder)
        delivery = claim_delivery(session, upload, name=name, claimed_by=claimed_by, now=clock())
        if delivery is None:
            return None
        decision = session.get_one(DecisionRow, delivery.decision_id)
        return _Claim(
            upload=upload,
            version=load_version(session, upload),
            decision=last_decision(session, upload_id, version=upload.version) or decision,
            delivery=delivery,
        )


def _choose_name(session: Session, upload: UploadRow, folder: Path) -> str:
    """Return a name that no other delivery and no foreign file in the folder has."""
    existing = load_delivery(session, upload.upload_id, upload.version)
    if existing is not None:
        return existing.name
    stem = choose_stem(upload, load_version(session, upload))
    there = any((folder / f"{stem}{suffix}").exists() for suffix in _SUFFIXES)
    if not there and not is_name_taken(session, stem):
        return stem
    digest = hashlib.sha256(upload.upload_id.encode()).hexdigest()[:10]
    return f"{stem}-{digest}"


def _delivered(delivery: DeliveryRow) -> Delivered:
    return Delivered(name=delivery.name, path=Path(delivery.path) if delivery.path else None)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Work:
    """The making of one claimed delivery."""

    store: Store
    claim: _Claim
    folder: Path
    settings: Settings
    fetch: Fetch
    clock: Clock

    @property
    def place(self) -> Place:
        return Place(folder=self.folder, delivery=self.claim.delivery)

    def make_files(self) -> Delivered | None:
        """Make video, poster and manifest out of sight, then show them together."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.place.remove_hidden()
        shown = self.place.find_shown()
        if shown is not None:
            row = record_shown(self.store, self.place, shown, clock=self.clock)
            return _delivered(row) if row.recalled_at is None else None
        hidden = self.place.make_hidden()
        try:
            master = self._encode(hidden)
            return self._complete(self._describe(hidden, master), hidden=hidden)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)

    def hand_over(self, start: Start) -> Delivered | None:
        """Start the user's own deployment with a checked master."""
        name = f"{self.claim.upload.upload_id}-v{self.claim.version.version}"
        keep = self.folder / ".masters" / name
        keep.mkdir(parents=True, exist_ok=True)
        master = find_master(self.claim.version, folder=keep, fetch=self.fetch)
        manifest = self._describe_master(master)
        with self.store.reading() as session:
            if not self._is_still_approved(load_upload(session, self.claim.upload.upload_id)):
                return None
        start(
            {
                "upload_id": self.claim.upload.upload_id,
                "version": self.claim.version.version,
                "file_id": self.claim.version.file_id,
                "master": str(master.path),
                "manifest": manifest,
            }
        )
        return self._complete(manifest, hidden=None)

    def _encode(self, hidden: Path) -> Master:
        """Make the files from the local master, or, if that changes meanwhile, from Frame.io's."""
        master = find_master(self.claim.version, folder=hidden, fetch=self.fetch)
        self._make_from(master, hidden)
        if not master.is_unchanged():
            master = fetch_master(self.claim.version, folder=hidden, fetch=self.fetch)
            self._make_from(master, hidden)
        return master

    def _make_from(self, master: Master, hidden: Path) -> None:
        place = self.place
        encode(
            master.path, hidden / place.video.name, profile=self.settings.post_processing.profile
        )
        extract_poster(master.path, hidden / place.poster.name)

    def _describe_master(self, master: Master) -> dict[str, Any]:
        return make_manifest(
            upload=self.claim.upload,
            version=self.claim.version,
            decision=self.claim.decision,
            master=master,
            now=self.clock(),
        )

    def _describe(self, hidden: Path, master: Master) -> dict[str, Any]:
        place = self.place
        files = {
            path.name: {"sha256": hash_file(path), "size": path.stat().st_size}
            for path in (hidden / place.video.name, hidden / place.poster.name)
        }
        manifest = self._describe_master(master) | {"files": files}
        write_manifest(hidden / place.manifest.name, manifest)
        return manifest

    def _complete(self, manifest: dict[str, Any], *, hidden: Path | None) -> Delivered | None:
        """Show and record the delivery in one transaction, unless the approval was taken back.

        Without `hidden` the files are made by the user's own deployment.
        """
        now = self.clock()
        with self.store.writing() as session:
            upload = load_upload(session, self.claim.upload.upload_id, lock=True)
            delivery = session.get_one(DeliveryRow, self.claim.delivery.id)
            if delivery.delivered_at is not None:
                return _delivered(delivery)
            if not self._is_still_approved(upload):
                return None
            if hidden is not None:
                self.place.show(hidden)
            complete_delivery(
                delivery,
                path=str(self.place.video) if hidden else None,
                sha256=self.place.read_sha256(manifest) if hidden else None,
                manifest=manifest,
                now=now,
            )
            announce_delivery(session, upload, delivery, now=now)
            return _delivered(delivery)

    def _is_still_approved(self, upload: UploadRow) -> bool:
        return (
            is_approved(upload, self.claim.version.version)
            and upload.held_since is None
            and not is_undoable(upload, now=self.clock())
        )
