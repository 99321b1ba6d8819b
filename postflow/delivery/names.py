"""What a delivery is called, as far as its upload alone decides it."""

from __future__ import annotations

import re
from pathlib import Path

from postflow.domain.versions import parse_versioned_name
from postflow.store.tables import UploadRow, VersionRow

_NOT_IN_A_NAME = re.compile(r"[^\w.()&+, -]+")
_LONGEST_NAME = 180  # bytes


def choose_stem(upload: UploadRow, version: VersionRow) -> str:
    """Return the video's name with the version's number, or the version's own numbered name."""
    is_numbered = parse_versioned_name(version.filename) is not None
    filename = version.filename if is_numbered else upload.filename
    stem = _cut(_NOT_IN_A_NAME.sub("_", Path(filename).stem).strip(" .") or "video")
    return stem if is_numbered or version.version == 1 else f"{stem}_v{version.version}"


def _cut(stem: str) -> str:
    """Return as much of a name as leaves room for what we add: file systems allow 255 bytes."""
    return stem.encode()[:_LONGEST_NAME].decode(errors="ignore").strip(" .")
