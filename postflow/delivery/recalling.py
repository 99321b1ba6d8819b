"""Telling the manifests beside the files which deliveries are recalled; no file is ever deleted.

The store knows it first, in the transaction that took the approval back. The folder may be away
then, or seen from another machine only: it is told as soon as it is there.
"""

from __future__ import annotations

from pathlib import Path

import structlog

from postflow.clock import Clock, utc_now
from postflow.delivery.manifest import read_manifest, write_manifest
from postflow.store.database import Store
from postflow.store.deliveries import list_unwritten_recalls, note_recall_written
from postflow.store.tables import DeliveryRow

_log = structlog.get_logger("postflow.recalls")


class RecallWriter:
    """Writes `recalled_at` into the manifests of recalled deliveries, each once."""

    def __init__(self, store: Store, *, clock: Clock = utc_now) -> None:
        self._store = store
        self._clock = clock
        self._missed: set[int | None] = set()

    def run_once(self) -> int:
        """Tell every manifest that is within reach; return how many were told."""
        with self._store.reading() as session:
            rows = list_unwritten_recalls(session)
        return sum(self._write(row) for row in rows)

    def _write(self, row: DeliveryRow) -> bool:
        path = Path(row.path or "").with_suffix(".manifest.json")
        try:
            manifest = read_manifest(path)
            if manifest is None:
                self._miss(row, path, "there is no manifest to be read")
                return False
            if row.recalled_at is not None and "recalled_at" not in manifest:
                write_manifest(path, manifest | {"recalled_at": row.recalled_at.isoformat()})
        except OSError as error:
            self._miss(row, path, str(error.strerror))
            return False
        with self._store.writing() as session:
            note_recall_written(session, row.id or 0, now=self._clock())
        return True

    def _miss(self, row: DeliveryRow, path: Path, error: str) -> None:
        """Say once what is tried again and again."""
        if row.id not in self._missed:
            self._missed.add(row.id)
            _log.warning(
                "recalled, but its manifest is not told yet",
                upload_id=row.upload_id,
                path=str(path),
                error=error,
            )
