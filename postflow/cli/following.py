"""Videos as a person follows them: how far each one is, why, and whether it is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from sqlmodel import Session

from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus
from postflow.messages import translate, translate_reason
from postflow.store.flow_runs import last_attempt
from postflow.store.journal import upload_progress
from postflow.store.views import UploadStatusView, upload_status


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One followed video; `is_over` says that nothing more will happen by itself."""

    upload_id: str
    filename: str
    stage: str
    progress: float | None
    verdict: str
    why: str
    delivered: str | None
    is_over: bool


def read_rows(session: Session, upload_ids: Sequence[str]) -> list[Row]:
    """Return the videos as they are now, in the given order."""
    views = [upload_status(session, upload_id) for upload_id in upload_ids]
    return [_read_row(session, view) for view in views if view is not None]


def render_rows(rows: Sequence[Row], *, notes: Mapping[str, str] | None = None) -> Table:
    """Return the table that the terminal shows; `notes` stand under the videos' names."""
    table = Table(expand=True)
    table.add_column(translate("video"), ratio=2, overflow="fold")
    table.add_column(translate("stage"), no_wrap=True)
    table.add_column(translate("verdict"), no_wrap=True)
    table.add_column(translate("why, and where it is"), ratio=3, overflow="fold")
    for row in rows:
        table.add_row(
            Text.assemble(row.filename, (f"\n{notes[row.upload_id]}" if notes else "", "dim")),
            _render_stage(row),
            Text(translate(row.verdict), style=_STYLES.get(row.verdict, "")),
            Text("\n".join(line for line in (row.why, _nearby(row.delivered)) if line)),
        )
    return table


def _nearby(path: str | None) -> str:
    """Return a path as short as it can be from here."""
    if path is None:
        return ""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path


_STYLES: dict[str, str] = {
    ReviewStatus.APPROVED: "green",
    ReviewStatus.REJECTED: "red",
    ReviewStatus.PENDING: "yellow",
}


def _render_stage(row: Row) -> Text | Group:
    if row.progress is None:
        return Text(translate(row.stage))
    bar = ProgressBar(total=1.0, completed=row.progress, width=18)
    return Group(Text(f"{translate(row.stage)} {row.progress:4.0%}"), bar)


def _read_row(session: Session, view: UploadStatusView) -> Row:
    delivery = view["delivery"]
    is_delivered = delivery is not None and delivery["delivered_at"] is not None
    ended = _ended_without_delivery(session, view)
    stage, is_over = _stage(view, is_delivered=is_delivered, ended=ended)
    verdict = view["verdict"]
    why = (
        f"{verdict['who']}{translate(':')} {translate_reason(verdict['reason'])}" if verdict else ""
    )
    if is_over and not is_delivered and view["review_status"] != ReviewStatus.REJECTED:
        why = translate(view["failure"] or ended or "") or why
    why = translate(view["held"]["reason"]) if view["held"] else why
    uploading = view["status"] == UploadStatus.UPLOADING
    return Row(
        upload_id=view["upload_id"],
        filename=view["filename"],
        stage=stage,
        progress=upload_progress(session, view["upload_id"]) if uploading else None,
        verdict=view["review_status"],
        why=why,
        delivered=(delivery["path"] or delivery["name"]) if delivery and is_delivered else None,
        is_over=is_over,
    )


def _stage(view: UploadStatusView, *, is_delivered: bool, ended: str | None) -> tuple[str, bool]:
    """Return what the video is doing, and whether that is the end of it."""
    rejected = view["review_status"] == ReviewStatus.REJECTED
    waiting = view["waiting"]
    is_being_woken = waiting is not None and waiting["due_since"] is not None
    ready = view["status"] == UploadStatus.READY
    cases = (
        (is_delivered, "delivered", True),
        (view["cancelled_at"] is not None, "cancelled", True),
        (rejected and (ready or ended is not None), "rejected", not is_being_woken),
        (view["status"] == UploadStatus.FAILED or ended is not None, "failed", True),
        (view["status"] == UploadStatus.UPLOADED, "transcoding", False),
        (not ready, view["status"], False),
        (view["held"] is not None, "held", False),
        (view["undo_until"] is not None, "approved, undoable", False),
        (view["review_status"] == ReviewStatus.APPROVED, "post-processing", False),
    )
    found = next(((stage, over) for applies, stage, over in cases if applies), None)
    return found or ("in review", False)


def _ended_without_delivery(session: Session, view: UploadStatusView) -> str | None:
    """Return what the last flow run said at its end, if it has ended."""
    run = last_attempt(session, view["upload_id"], view["version"])
    if run is None or run.finished_at is None:
        return None
    return run.note or "its flow run ended"
