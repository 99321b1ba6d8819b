"""What a delivery consists of and why it was allowed, as data that outlives PostFlow."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from postflow.delivery.masters import Master
from postflow.store.tables import DecisionRow, UploadRow, VersionRow


def make_manifest(
    *,
    upload: UploadRow,
    version: VersionRow,
    decision: DecisionRow,
    master: Master,
    now: datetime,
    files: Mapping[str, Mapping[str, object]] | None = None,
) -> dict[str, Any]:
    """Return the manifest of a delivery; `files` describes each delivered file."""
    return {
        "upload_id": upload.upload_id,
        "version": version.version,
        "filename": upload.filename,
        "frameio": {
            "account_id": upload.account_id,
            "workspace_id": upload.workspace_id,
            "project_id": upload.project_id,
            "file_id": version.file_id,
            "view_url": version.view_url,
        },
        "master": {
            "path": version.path,
            "sha256": master.sha256,
            "size": master.size,
            "fetched_from_frameio": master.fetched,
        },
        "verdict": {
            "verdict": decision.verdict,
            "source": decision.source,
            "who": decision.who,
            "comment_id": decision.comment_id,
            "comment": decision.comment_text,
            "reason": decision.reason,
            "score": decision.score,
            "at": decision.at.isoformat(),
            "decision_hash": decision.hash,
        },
        "files": {name: dict(facts) for name, facts in (files or {}).items()},
        "uploaded_at": version.uploaded_at.isoformat() if version.uploaded_at else None,
        "ready_at": version.ready_at.isoformat() if version.ready_at else None,
        "delivered_at": now.isoformat(),
    }


def write_manifest(path: Path, manifest: Mapping[str, object]) -> None:
    """Write the manifest so that a reader sees the old one or the new one, never a half."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=2, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read_manifest(path: Path) -> dict[str, Any] | None:
    """Return a manifest that was written before, or None where there is none to be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
