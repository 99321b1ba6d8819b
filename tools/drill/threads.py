"""What the simulated Frame.io's own history says about a video, by the thread rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from postflow.domain.review import review_thread
from postflow.domain.standing import ReviewStatus
from tools.drill.frameio import JsonObject
from tools.drill.stories import EDITORS

_TYPES = frozenset(
    {"comment.created", "comment.updated", "comment.deleted", "metadata.value.updated"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """How the thread of one file stands, and whether it was ever approved."""

    status: ReviewStatus
    was_approved: bool


def judge_file(history: Sequence[JsonObject], file_id: str) -> Verdict:
    """Return the verdict on one file, from what happened to it and to nothing else."""
    events = [_read_event(each) for each in history if _is_about(each, file_id)]
    statuses = [review_thread(events[:count]).status for count in range(len(events) + 1)]
    return Verdict(status=statuses[-1], was_approved=ReviewStatus.APPROVED in statuses)


def _is_about(happening: JsonObject, file_id: str) -> bool:
    return happening["file_id"] == file_id and happening["type"] in _TYPES


def _read_event(happening: JsonObject) -> dict[str, Any]:
    author = happening["user"]["email"]
    event: dict[str, Any] = {
        "type": happening["type"],
        "t": datetime.fromisoformat(happening["at"]).timestamp(),
        "author": author,
        "role": "editor" if author in EDITORS else "reviewer",
    }
    if happening["type"] == "metadata.value.updated":
        return event | {"field": "Status", "value": happening["said"] or ""}
    return event | {"comment_id": happening["resource_id"], "text": happening["said"] or ""}
