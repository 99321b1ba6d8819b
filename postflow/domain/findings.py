"""What changed at Frame.io, in the words of its webhooks, so that both can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ChangeKind(StrEnum):
    """The event that Frame.io sends about a change; a reading that sees the change names it too."""

    COMMENT_CREATED = "comment.created"
    """Somebody wrote a comment or a reply."""
    COMMENT_UPDATED = "comment.updated"
    """Somebody edited a comment."""
    COMMENT_DELETED = "comment.deleted"
    """A comment is gone."""
    COMMENT_COMPLETED = "comment.completed"
    """Somebody ticked a comment off."""
    COMMENT_UNCOMPLETED = "comment.uncompleted"
    """Somebody took the tick back."""
    STATUS_CHANGED = "metadata.value.updated"
    """The Status field of the file has another value."""
    FILE_CREATED = "file.created"
    """A file appeared under the name that an upload was registered with."""
    UPLOAD_COMPLETED = "file.upload.completed"
    """Every byte of the file is there."""
    FILE_READY = "file.ready"
    """The file is transcoded."""
    FILE_VERSIONED = "file.versioned"
    """A newer file was stacked on the file."""
    FILE_DELETED = "file.deleted"
    """The file is gone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A change that a reading saw first; `at` is None where Frame.io does not say when it was."""

    kind: ChangeKind
    resource_id: str
    at: datetime | None = None
