"""A verdict as people read it on the flow run's page in Prefect; makes text, sends nothing.

The flow run is suspended when its verdict comes, so the tracker publishes it in the run's stead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from postflow.domain.runs import ArtifactKind, RunArtifact
from postflow.store.announcements import Announcement
from postflow.store.tables import AnnouncementRow

VERDICT = "verdict"
CHANGE_LIST = "change-list"
OPEN_CHANGES = "open-changes"

_MARKS = re.compile(r"([\\`*_{}\[\]<>#|!~])")


def list_artifacts(row: AnnouncementRow, *, flow_run_id: str | None) -> list[RunArtifact]:
    """Return what an announcement puts on the flow run's page: a verdict, or open changes."""
    if flow_run_id is not None and row.kind == Announcement.NEW_ROUND:
        return _list_open_changes(row, flow_run_id)
    if flow_run_id is None or row.kind not in (Announcement.APPROVED, Announcement.REJECTED):
        return []
    name = f"{row.payload.get('filename', row.upload_id)}, version {row.version}"
    verdict = RunArtifact(
        flow_run_id=flow_run_id,
        key=VERDICT,
        kind=ArtifactKind.MARKDOWN,
        description=f"The verdict on {name}",
        data=render_verdict(row.payload),
    )
    if row.kind == Announcement.APPROVED:
        return [verdict]
    change_list = RunArtifact(
        flow_run_id=flow_run_id,
        key=CHANGE_LIST,
        kind=ArtifactKind.TABLE,
        description=f"What is to be changed in {name}",
        data=json.dumps(render_changes(row.payload), ensure_ascii=False),
    )
    return [verdict, change_list]


def _list_open_changes(row: AnnouncementRow, flow_run_id: str) -> list[RunArtifact]:
    """Show what the last round left open, so that the new version can be held against it."""
    if not row.payload.get("changes"):
        return []
    name = f"{row.payload.get('filename', row.upload_id)}, version {row.payload['last_version']}"
    return [
        RunArtifact(
            flow_run_id=flow_run_id,
            key=OPEN_CHANGES,
            kind=ArtifactKind.TABLE,
            description=f"What was still to be changed in {name}, when the next one came",
            data=json.dumps(render_changes(row.payload), ensure_ascii=False),
        )
    ]


def render_verdict(payload: Mapping[str, Any]) -> str:
    """Return who decided what, by which words, and why it was read so, as markdown."""
    lines = [f"**{str(payload.get('verdict', '')).capitalize()}** by {_plain(payload.get('who'))}"]
    if payload.get("comment"):
        lines += ["\n".join(f"> {_plain(each)}" for each in str(payload["comment"]).splitlines())]
    if payload.get("reason"):
        lines += [f"Why: {_plain(payload['reason'])}"]
    if payload.get("score") is not None:
        lines += [f"Score: {float(payload['score']):+.2f}"]
    lines += [f"Source: {_plain(payload.get('source'))}"]
    lines += [
        f"Remark, optional, by {_plain(each.get('author'))}: {_plain(each.get('text'))}"
        for each in payload.get("remarks") or ()
    ]
    return "\n\n".join(lines)


def render_changes(payload: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the change list as rows of a table; a verdict without comments gives one row."""
    changes = payload.get("changes") or [
        {"text": payload.get("reason"), "author": payload.get("who")}
    ]
    return [
        {
            "comment": str(change.get("text") or ""),
            "author": str(change.get("author") or ""),
            "timecode": str(change.get("where") or change.get("timecode") or ""),
            "comment_id": str(change.get("comment_id") or ""),
            "done": "yes" if change.get("done") else "no",
        }
        for change in changes
    ]


def _plain(text: object) -> str:
    """Return a reviewer's words so that markdown shows them as they are, and loads nothing."""
    return _MARKS.sub(r"\\\1", str(text or "somebody unknown"))
