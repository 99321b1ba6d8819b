"""Which file is the next version of which, by their names alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath

_NUMBERED = re.compile(r"(?P<stem>.+)_v(?P<number>\d{1,9})", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionedName:
    """A file name that ends with a version number, such as `shot_010_v002.mp4`."""

    stem: str
    number: int

    def follows(self, other: VersionedName | None) -> bool:
        """Whether it is a later version of the same video; case and suffix do not matter."""
        return (
            other is not None
            and other.stem.casefold() == self.stem.casefold()
            and other.number < self.number
        )


def parse_versioned_name(filename: str) -> VersionedName | None:
    """Return what the file name says of its version, or None where it says nothing."""
    found = _NUMBERED.fullmatch(PurePath(filename).stem)
    if found is None:
        return None
    return VersionedName(stem=found["stem"], number=int(found["number"]))
