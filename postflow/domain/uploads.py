"""What an upload is and which ways it may go; knows nothing of Frame.io, Prefect or databases."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NewType

from postflow.errors import UploadError

UploadId = NewType("UploadId", str)
FileId = NewType("FileId", str)
CommentId = NewType("CommentId", str)
FlowRunId = NewType("FlowRunId", str)

_UPLOAD_ID = re.compile(r"[A-Za-z0-9._:-]{1,200}")
_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9._-]+")

VIDEO_SUFFIXES = frozenset(
    [
        ".mp4",
        ".mov",
        ".mxf",
        ".m4v",
        ".mkv",
        ".avi",
        ".webm",
        ".mpg",
        ".mpeg",
        ".mts",
        ".m2ts",
        ".ts",
        ".wmv",
        ".ogv",
        ".3gp",
    ]
)


class UploadStatus(StrEnum):
    """How far the bytes of one version have come."""

    REGISTERED = "registered"
    """PostFlow knows of it; no byte has been sent."""
    UPLOADING = "uploading"
    """Frame.io has a placeholder, parts are on their way."""
    UPLOADED = "uploaded"
    """Every byte has arrived; Frame.io is transcoding."""
    READY = "ready"
    """Transcoded: reviewers can watch it."""
    FAILED = "failed"
    """It will not get any further; the upload's `failure` says why."""


class WaitKind(StrEnum):
    """What a flow run can wait for."""

    READY = "ready"
    """Until Frame.io has transcoded the version."""
    APPROVAL = "approval"
    """Until the review of the version has an outcome."""


class WaitOutcome(StrEnum):
    """How a wait ended."""

    READY = "ready"
    """The version can be watched."""
    APPROVED = "approved"
    """The version was signed off."""
    REJECTED = "rejected"
    """The version was refused, and `review.on_rejected` says not to wait for another."""
    FAILED = "failed"
    """The file is gone, or was not ready in time."""
    TIMED_OUT = "timed_out"
    """Nobody decided before the deadline."""
    CANCELLED = "cancelled"
    """A person cancelled the wait or its flow run."""
    SUPERSEDED = "superseded"
    """A newer version opened the next round; the flow run goes on with that one."""


_ORDER = (
    UploadStatus.REGISTERED,
    UploadStatus.UPLOADING,
    UploadStatus.UPLOADED,
    UploadStatus.READY,
)


def advance(current: UploadStatus, seen: UploadStatus) -> UploadStatus:
    """Return the status after `seen` was observed: never backwards, and `failed` is final.

    Webhooks arrive out of order, so an older observation must not undo a newer one.
    """
    if UploadStatus.FAILED in (current, seen):
        return UploadStatus.FAILED
    return max(current, seen, key=_ORDER.index)


def parse_upload_id(text: str) -> UploadId:
    """Return `text` as an upload id; raises UploadError where it cannot be one."""
    if not _UPLOAD_ID.fullmatch(text):
        raise UploadError(
            f"{text[:60]!r} cannot be an upload id: use 1 to 200 letters, digits and the signs . _ : -"
        )
    return UploadId(text)


def name_upload(stem: str, sha256: str) -> UploadId:
    """Return the id of the upload of a file: its name made plain, and the start of its sha256."""
    plain = _NOT_IN_AN_ID.sub("-", stem).strip("-.")[:150] or "video"
    return UploadId(f"{plain}-{sha256[:10]}")
