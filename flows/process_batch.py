"""A batch: every file checked, registered together, one `process-video` run each; then it is done.

The batch's own state lives in the store, so this flow does not wait for its videos.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, runtime
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.working import Desk, open_desk
from postflow.domain.runs import RunState
from postflow.errors import PostFlowError
from postflow.flow_runs import PrefectFlowRuns
from postflow.settings.prefect_url import prefect_api_url
from postflow.store.flow_runs import last_attempt, plan_attempt
from postflow.store.uploads import load_upload
from postflow.submitting import Attempt, find_videos, plan_run, read_video, register_videos

_OVER = (RunState.FINISHED, RunState.CANCELLED, RunState.MISSING)


@flow(name="process-batch")
def process_batch(
    paths: list[str], project_id: str | None = None, on_rejected: str | None = None
) -> State[Any]:
    """Start one `process-video` run per video file; the same files again start nothing twice.

    Ends Failed with one sentence, and nothing registered, when any path cannot be used.
    `on_rejected` ("wait" or "finish") overrides `review.on_rejected` for these videos.
    """
    try:
        with open_desk(str(runtime.flow_run.id)) as desk:
            videos = [read_video(desk.store, p) for p in find_videos([Path(p) for p in paths])]
            upload_ids = register_videos(
                desk.store,
                videos,
                batch_id=desk.flow_run_id,
                project_id=project_id or desk.settings.frameio.project_id,
                on_rejected=on_rejected,
            )
            rows = asyncio.run(_start_all(desk, upload_ids, project_id))
            create_table_artifact(rows, key="batch", description=f"Batch {desk.flow_run_id}")
            return Completed(message=f"{len(rows)} videos on their way")
    except PostFlowError as error:
        return Failed(message=str(error))


async def _start_all(
    desk: Desk, upload_ids: list[str], project_id: str | None
) -> list[dict[str, Any]]:
    """Start the runs one after the other: Prefect on SQLite is slower with several at once."""
    prefect = PrefectFlowRuns(prefect_api_url(desk.settings))
    rows = []
    for upload_id in upload_ids:
        attempt = plan_run(desk.store, upload_id, is_over=await _is_over(desk, prefect, upload_id))
        if attempt is None:
            rows.append({"upload": upload_id, "run": "already delivered"})
            continue
        flow_run_id = await prefect.start(
            desk.settings.prefect.deployment,
            parameters={"path": attempt.path, "upload_id": upload_id, "project_id": project_id},
            idempotency_key=attempt.key,
            name=attempt.filename,
            tags=_tags(desk, project_id),
        )
        _note_run(desk, attempt, flow_run_id)
        get_run_logger().info("%s: flow run %s", upload_id, flow_run_id)
        rows.append({"upload": upload_id, "run": flow_run_id})
    return rows


async def _is_over(desk: Desk, prefect: PrefectFlowRuns, upload_id: str) -> bool:
    with desk.store.reading() as session:
        upload = load_upload(session, upload_id)
        last = last_attempt(session, upload_id, upload.version)
    if last is None or last.flow_run_id is None:
        return False
    states = await prefect.fetch_states([last.flow_run_id])
    died = states[last.flow_run_id] is RunState.CRASHED and last.finished_at is not None
    return died or states[last.flow_run_id] in _OVER


def _note_run(desk: Desk, attempt: Attempt, flow_run_id: str) -> None:
    with desk.store.writing() as session:
        upload = load_upload(session, attempt.upload_id)
        row = plan_attempt(
            session,
            attempt.upload_id,
            attempt.version,
            attempt=attempt.number,
            now=upload.created_at,
        )
        row.flow_run_id = flow_run_id


def _tags(desk: Desk, project_id: str | None) -> list[str]:
    project = project_id or desk.settings.frameio.project_id
    tags = ["postflow", f"batch:{desk.flow_run_id}"]
    return [*tags, f"project:{project}"] if project else tags
