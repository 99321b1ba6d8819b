"""What a delivery is called, as far as its upload alone decides it.

The name may be anything that somebody typed at Frame.io. What comes out is one plain visible file
name on every system: no path, no control characters, no option of a shell's command, no device.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from postflow.domain.versions import parse_versioned_name
from postflow.store.tables import UploadRow, VersionRow

_NOT_IN_A_NAME = re.compile(r"[^\w.()&+, -]+")
_LONGEST_NAME = 180  # bytes
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}")
# https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file: with any suffix, too
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)


def choose_stem(upload: UploadRow, version: VersionRow) -> str:
    """Return the video's name with the version's number, or the version's own numbered name."""
    is_numbered = parse_versioned_name(version.filename) is not None
    filename = version.filename if is_numbered else upload.filename
    stem = _trim(_NOT_IN_A_NAME.sub("_", PurePosixPath(filename).stem)) or "video"
    stem = _trim(stem.encode()[:_LONGEST_NAME].decode(errors="ignore"))
    if _DEVICES.fullmatch(stem):
        stem = f"_{stem}"
    return stem if is_numbered or version.version == 1 else f"{stem}_v{version.version}"


def choose_suffix(version: VersionRow) -> str:
    """Return the suffix of the version's file, or nothing where it has none of the usual kind."""
    found = PurePosixPath(version.filename).suffix
    return found if _SUFFIX.fullmatch(found) else ""


def _trim(stem: str) -> str:
    """Return the name without what would hide it, or make it an option of a command."""
    return stem.lstrip(" .-").rstrip(" .")
