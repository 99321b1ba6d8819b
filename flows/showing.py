"""What people see of a run in Prefect: progress, links, tags, the table of a batch."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from prefect import get_run_logger, runtime
from prefect.artifacts import (
    create_link_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.exceptions import FailedRun

from flows.patience import patient
from flows.prefect_away import showing
from flows.working import Desk
from postflow.apart import run_apart
from postflow.errors import FlowRunError
from postflow.flow_runs import PrefectFlowRuns
from postflow.settings.prefect_url import prefect_api_url
from postflow.store.tables import VersionRow
from postflow.store.uploads import load_upload


@dataclass(kw_only=True, slots=True)
class UploadProgress:
    """The progress artifact of one upload; made when the first bytes have moved."""

    upload_id: str
    sent: int = 0
    total: int = 0
    _artifact: UUID | None = field(default=None, init=False)
    _shown: float = field(default=-1.0, init=False)

    def note(self, sent: int, total: int) -> None:
        """Remember how far the upload is; may be called from any thread."""
        self.sent, self.total = sent, total

    def show(self) -> None:
        """Bring the artifact up to what was noted."""
        percent = round(100 * self.sent / self.total, 1) if self.total else 0.0
        if percent == self._shown:
            return
        self._shown = percent
        with showing("progress"):
            self._show(percent)

    def _show(self, percent: float) -> None:
        if self._artifact is None:
            self._artifact = cast(
                "UUID",  # Prefect types this for both colours; here it is a plain call
                create_progress_artifact(
                    progress=percent,
                    key=f"upload-{_key(self.upload_id)}",
                    description=f"Upload of {self.upload_id}",
                ),
            )
        else:
            update_progress_artifact(self._artifact, progress=percent)

    def finish(self) -> None:
        """Show that everything has arrived."""
        self.sent = self.total = self.total or 1
        self.show()


def show_link(version: VersionRow) -> None:
    """Put the place where the version is reviewed on the run's page."""
    if version.view_url:
        with showing("link"):
            create_link_artifact(
                version.view_url,
                key="frameio-link",
                link_text=f"{version.filename} on Frame.io",
                description=f"Where {version.filename} is reviewed",
            )


def show_batch(desk: Desk, rows: Sequence[dict[str, Any]]) -> None:
    """Put the table of the batch on the batch run's page."""
    with showing("table"):
        create_table_artifact(
            list(rows), key="batch", description=f"The videos of batch {desk.flow_run_id}"
        )


def render_batch_row(
    desk: Desk, *, filename: str, upload_id: str, run: str | None
) -> dict[str, str]:
    """Return a video's row in the table of its batch; `run` is None when none was needed."""
    ui = prefect_api_url(desk.settings).removesuffix("/api")
    shown = f"[{filename}]({ui}/runs/flow-run/{run})" if run else "delivered or cancelled already"
    return {"file": filename, "upload": upload_id, "run": shown}


def tags_of(*, project_id: str | None, batch_id: str | None = None) -> list[str]:
    """Return the tags by which Prefect's list can be filtered."""
    tags = ["postflow"]
    if project_id:
        tags.append(f"project:{project_id}")
    if batch_id:
        tags.append(f"batch:{batch_id}")
    return tags


def tag_with_project(desk: Desk, upload_id: str) -> None:
    """Tag this run with the project, which is often known only once the upload has found it."""
    tag_run(desk, tags_of(project_id=_find_project(desk, upload_id)))


@patient
def _find_project(desk: Desk, upload_id: str) -> str | None:
    with desk.store.reading() as session:
        return load_upload(session, upload_id).project_id


def tag_run(desk: Desk, tags: Iterable[str]) -> None:
    """Add tags to this run; a Prefect that does not answer costs the tags and nothing else."""
    has = set(runtime.flow_run.tags or ())
    wanted = has | set(tags)
    if wanted == has:
        return
    prefect = PrefectFlowRuns(prefect_api_url(desk.settings))
    try:
        run_apart(prefect.tag(desk.flow_run_id, sorted(wanted)))
    except FlowRunError as error:
        get_run_logger().warning("not tagged: %s", error)


def hide_failure_traceback() -> None:
    """Keep Prefect from logging a traceback of its own engine for a run that ends Failed.

    The sentence that we return as its state is logged all the same, and so is every real bug.
    """
    for name in ("prefect.flow_runs", "prefect.engine"):
        logging.getLogger(name).addFilter(_is_worth_logging)


def _is_worth_logging(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, FailedRun)


def _key(upload_id: str) -> str:
    """Return the id as an artifact key: Prefect allows lower-case letters, digits and dashes."""
    return "".join(c if c.isalnum() and c.isascii() else "-" for c in upload_id.lower())
