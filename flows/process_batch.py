"""A batch: every file checked, registered together, one `process-video` run each; then it is done.

The batch's own state lives in the store, so this flow does not wait for its videos.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.patience import patient
from flows.prefect_away import outliving_prefect
from flows.showing import hide_failure_traceback, render_batch_row, show_batch, tag_run, tags_of
from flows.working import Desk, holding_batch, open_desk
from postflow.apart import run_apart
from postflow.clock import utc_now
from postflow.domain.runs import RunState
from postflow.errors import PostFlowError
from postflow.flow_runs import PrefectFlowRuns
from postflow.settings.prefect_url import prefect_api_url
from postflow.store.flow_runs import last_attempt, plan_attempt, renew_lease
from postflow.store.uploads import load_upload
from postflow.submitting import Attempt, find_videos, plan_run, read_video, register_videos
from postflow.versioning import Versioning

_OVER = (RunState.FINISHED, RunState.CANCELLED, RunState.MISSING)


def _name_run() -> str:
    """Return what was submitted, by its first name."""
    paths = [Path(str(path)).name for path in runtime.flow_run.parameters.get("paths") or ["batch"]]
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"


@flow(name="process-batch", flow_run_name=_name_run)
def process_batch(
    paths: list[str],
    project_id: str | None = None,
    on_rejected: str | None = None,
    new_version_of: str | None = None,
) -> State[Any]:
    """Start one `process-video` run per video file; the same files again start nothing twice.

    Ends Failed with one sentence, and nothing registered, when any path cannot be used.
    `on_rejected` ("wait" or "finish") overrides `review.on_rejected` for these videos. With
    `new_version_of` the one file is the next version of that upload, whose run goes on with it.
    """
    hide_failure_traceback()
    try:
        with (
            open_desk(str(runtime.flow_run.id)) as desk,
            holding_batch(desk) as held,
            outliving_prefect(),
        ):
            ended = _submit(
                desk,
                [Path(path) for path in paths],
                since=held.since,
                project_id=project_id or desk.settings.frameio.project_id,
                on_rejected=on_rejected,
                new_version_of=new_version_of,
            )
            held.record_end(f"{ended.name}: {ended.message}")
    except PostFlowError as error:
        return Failed(message=str(error))
    return ended


@patient
def _submit(
    desk: Desk,
    paths: list[Path],
    *,
    since: datetime,
    project_id: str | None,
    on_rejected: str | None,
    new_version_of: str | None,
) -> State[Any]:
    """Register the videos and start their runs; what was done before is found and not repeated."""
    tag_run(desk, tags_of(project_id=project_id, batch_id=desk.flow_run_id))
    videos = [read_video(desk.store, path) for path in find_videos(paths)]
    upload_ids = register_videos(
        desk.store,
        videos,
        batch_id=desk.flow_run_id,
        project_id=project_id,
        on_rejected=on_rejected,
        versioning=Versioning(settings=desk.settings, of=new_version_of),
    )
    started = _start_all(desk, upload_ids, project_id, since=since)
    return Completed(message=f"{len(upload_ids)} videos, {started} runs")


def _start_all(
    desk: Desk, upload_ids: list[str], project_id: str | None, *, since: datetime
) -> int:
    """Start the runs one after the other: Prefect on SQLite is slower with several at once."""
    rows = []
    runs = 0
    for upload_id in upload_ids:
        is_over = _is_over(desk, upload_id)
        attempt = plan_run(desk.store, upload_id, is_over=is_over, since=since)
        flow_run_id = _start(desk, attempt, project_id) if attempt else None
        runs += flow_run_id is not None
        rows.append(
            render_batch_row(
                desk, filename=_filename(desk, upload_id), upload_id=upload_id, run=flow_run_id
            )
        )
    show_batch(desk, rows)
    return runs


def _start(desk: Desk, attempt: Attempt, project_id: str | None) -> str:
    """Return the attempt's run: a new one, or the one that is at it already."""
    if attempt.flow_run_id is not None:
        return attempt.flow_run_id
    flow_run_id = run_apart(
        _prefect(desk).start(
            _deployment(desk),
            parameters={
                "path": attempt.path or attempt.filename,
                "upload_id": attempt.upload_id,
                "project_id": project_id,
            },
            idempotency_key=attempt.key,
            name=attempt.filename,
            tags=tags_of(project_id=project_id, batch_id=desk.flow_run_id),
        )
    )
    _note_run(desk, attempt, flow_run_id)
    return flow_run_id


def _deployment(desk: Desk) -> str:
    """Return the deployment that was chosen, else the one beside the batch's own."""
    prefect = desk.settings.prefect
    if "deployment" in prefect.model_fields_set or not runtime.deployment.name:
        return prefect.deployment
    return f"process-video/{runtime.deployment.name}"


def _is_over(desk: Desk, upload_id: str) -> bool:
    """Whether the upload's last run will do no more, by its own word or by Prefect's."""
    with desk.store.reading() as session:
        upload = load_upload(session, upload_id)
        last = last_attempt(session, upload_id, upload.version)
    if last is None or last.flow_run_id is None:
        return False
    if last.finished_at is not None:
        return True
    states = run_apart(_prefect(desk).fetch_states([last.flow_run_id]))
    return states[last.flow_run_id] in _OVER


def _note_run(desk: Desk, attempt: Attempt, flow_run_id: str) -> None:
    """Write down which run works on the upload, and expect a sign of life from it.

    A run whose process dies before it can say anything is brought back like any other.
    """
    now = utc_now()
    with desk.store.writing() as session:
        row = plan_attempt(
            session, attempt.upload_id, attempt.version, attempt=attempt.number, now=now
        )
        if row.flow_run_id is None:
            row.flow_run_id = flow_run_id
            session.flush()
            renew_lease(session, flow_run_id, until=now + desk.settings.tracker.lease)


def _filename(desk: Desk, upload_id: str) -> str:
    with desk.store.reading() as session:
        return load_upload(session, upload_id).filename


def _prefect(desk: Desk) -> PrefectFlowRuns:
    return PrefectFlowRuns(prefect_api_url(desk.settings))
