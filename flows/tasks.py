"""The four named tasks of a video; each is idempotent by what the store says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, TypeVar, cast
from uuid import UUID

from prefect import get_run_logger, task
from prefect.artifacts import (
    create_link_artifact,
    create_progress_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from flows.working import Desk
from postflow.clock import utc_now
from postflow.delivery.delivering import Delivered, deliver
from postflow.domain.uploads import WaitKind, WaitOutcome
from postflow.errors import PostFlowError
from postflow.flow_runs import PrefectFlowRuns
from postflow.frameio.opening import open_frameio
from postflow.settings.prefect_url import prefect_api_url
from postflow.store.tables import WaitRow
from postflow.store.uploads import load_upload, load_version
from postflow.store.waits import close_wait, open_wait, read_answer
from postflow.uploading import upload_video

T = TypeVar("T")

_LOOK_EVERY = 0.2  # seconds between two looks of the short wait inside the process
_SHOW_EVERY = 1.0  # seconds between two updates of the progress artifact


def _may_work_later(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Retry only what our errors call retryable."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, PostFlowError) and error.retryable


@task(
    name="upload",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=3,
    retry_delay_seconds=[10, 30, 60],
    retry_condition_fn=_may_work_later,
)
def upload(desk: Desk, upload_id: str, project_id: str | None) -> None:
    """Bring the bytes to Frame.io, showing progress in Prefect; done at once if they are there."""
    logger = get_run_logger()
    done: list[tuple[int, int]] = [(0, 1)]

    async def run() -> None:
        async with open_frameio(desk.settings.frameio) as frameio:
            await upload_video(
                desk.store,
                frameio,
                desk.settings,
                upload_id,
                project_id=project_id,
                progress=lambda sent, total: done.append((sent, total)),
            )

    artifact = cast(
        "UUID",  # Prefect types these for both colours; here it is a plain call
        create_progress_artifact(
            progress=0.0, key=f"upload-{_key(upload_id)}", description=f"Upload of {upload_id}"
        ),
    )
    with ThreadPoolExecutor(max_workers=1) as pool:
        future = pool.submit(asyncio.run, run())
        while not future.done():
            wait([future], timeout=_SHOW_EVERY)
            sent, total = done[-1]
            del done[:-1]
            update_progress_artifact(artifact, progress=round(100 * sent / max(total, 1), 1))
        future.result()
    update_progress_artifact(artifact, progress=100.0)
    with desk.store.reading() as session:
        version = load_version(session, load_upload(session, upload_id))
    logger.info("uploaded %s as Frame.io file %s", version.filename, version.file_id)
    if version.view_url:
        create_link_artifact(
            version.view_url, link_text=f"{version.filename} on Frame.io", key="frameio-link"
        )


@task(name="wait-until-ready", cache_policy=NO_CACHE, persist_result=False)
def wait_until_ready(desk: Desk, upload_id: str) -> WaitOutcome | None:
    """Return how the wait for the transcode ended, after looking for some seconds; else None."""
    patience = desk.settings.tracker.ready_patience.total_seconds()
    return _look(desk, upload_id, WaitKind.READY, patience=patience)


@task(name="wait-for-approval", cache_policy=NO_CACHE, persist_result=False)
def wait_for_approval(desk: Desk, upload_id: str) -> WaitOutcome | None:
    """Return how the review ended, or None while it goes on; never waits itself."""
    return _look(desk, upload_id, WaitKind.APPROVAL, patience=0)


@task(
    name="post-process",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=2,
    retry_delay_seconds=[10, 60],
    retry_condition_fn=_may_work_later,
)
def post_process(desk: Desk, upload_id: str) -> Delivered | None:
    """Deliver the approved version once; None when the approval was taken back meanwhile."""
    deployment = desk.settings.post_processing.deployment

    def fetch(file_id: str, target: Path) -> tuple[str, int]:
        async def run() -> tuple[str, int]:
            async with open_frameio(desk.settings.frameio) as frameio:
                file = await frameio.download_original(file_id, target)
                return file.sha256, file.size

        return _run_apart(run())

    def start(parameters: dict[str, Any]) -> None:
        prefect = PrefectFlowRuns(prefect_api_url(desk.settings))
        key = f"{parameters['upload_id']}:v{parameters['version']}:post-processing"
        _run_apart(
            prefect.start(
                str(deployment), parameters=parameters, idempotency_key=key, tags=["postflow"]
            )
        )

    return deliver(
        desk.store,
        upload_id,
        settings=desk.settings,
        claimed_by=desk.flow_run_id,
        fetch=fetch,
        start=start if deployment else None,
    )


def _look(desk: Desk, upload_id: str, kind: WaitKind, *, patience: float) -> WaitOutcome | None:
    """Commit the wait, look for an answer for `patience` seconds, and close the wait with it."""
    review = desk.settings.review
    timeout = review.ready_timeout if kind is WaitKind.READY else review.timeout
    with desk.store.writing() as session:
        row = open_wait(
            session,
            upload=load_upload(session, upload_id, lock=True),
            kind=kind,
            flow_run_id=desk.flow_run_id,
            now=utc_now(),
            timeout=timeout,
        )
    wait_id = row.id or 0
    until = time.monotonic() + patience
    while not _has_answer(desk, wait_id) and time.monotonic() < until:
        time.sleep(_LOOK_EVERY)
    with desk.store.writing() as session:
        return close_wait(session, wait_id, review=review, now=utc_now())


def _has_answer(desk: Desk, wait_id: int) -> bool:
    with desk.store.reading() as session:
        row = session.get_one(WaitRow, wait_id)
        upload_row = load_upload(session, row.upload_id)
        return read_answer(row, upload_row, desk.settings.review) is not None


def _run_apart(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in a thread of its own: this one may hold Prefect's loop."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def _key(upload_id: str) -> str:
    """Return the id as an artifact key: Prefect allows lower-case letters, digits and dashes."""
    return "".join(c if c.isalnum() and c.isascii() else "-" for c in upload_id.lower())
