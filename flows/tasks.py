"""The four named tasks of a video; each is idempotent by what the store says."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from prefect import get_run_logger
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from flows.patience import patient
from flows.showing import UploadProgress, show_link, tags_of
from flows.working import Desk
from postflow.apart import run_apart
from postflow.clock import utc_now
from postflow.delivery.delivering import Delivered, deliver
from postflow.domain.uploads import UploadStatus, WaitKind, WaitOutcome
from postflow.errors import PostFlowError, StoreUnavailableError
from postflow.flow_runs import PrefectFlowRuns
from postflow.frameio.opening import open_frameio
from postflow.settings.prefect_url import prefect_api_url
from postflow.store.tables import WaitRow
from postflow.store.uploads import load_upload, load_version
from postflow.store.waits import (
    close_wait,
    find_open_wait,
    mark_answered_before,
    open_wait,
    read_answer,
)
from postflow.uploading import is_sent, upload_video

P = ParamSpec("P")
R = TypeVar("R")

_LOOK_EVERY = 0.2  # seconds between two looks of the short wait inside the process
_RETRIES = 3
_DELAYS = [5.0, 20.0, 60.0]  # seconds


def _may_work_later(_task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Retry, a few times, only what our errors call retryable."""
    error = state.result(raise_on_failure=False)
    is_retryable = isinstance(error, PostFlowError) and error.retryable
    # A store that is away was waited for already.
    is_retryable = is_retryable and not isinstance(error, StoreUnavailableError)
    return is_retryable and run.run_count <= _RETRIES


def _named(
    name: str,
) -> Callable[[Callable[Concatenate[Desk, P], R]], Task[Concatenate[Desk, P], R]]:
    """Return the decorator of our tasks: nothing cached, because what the store says changes.

    While the store is away they wait for it.

    One retry more than `_may_work_later` allows: Prefect logs a traceback when its own count is
    exhausted, and our errors are sentences.
    """

    def decorate(function: Callable[Concatenate[Desk, P], R]) -> Task[Concatenate[Desk, P], R]:
        return Task(
            patient(function),
            name=name,
            cache_policy=NO_CACHE,
            persist_result=False,
            retries=_RETRIES + 1,
            retry_delay_seconds=_DELAYS,
            retry_condition_fn=_may_work_later,
        )

    return decorate


@_named("upload")
def upload(desk: Desk, upload_id: str, project_id: str | None) -> None:
    """Bring the bytes to Frame.io, showing progress in Prefect; silent when none is left to send."""
    if is_sent(desk.store, upload_id):
        return
    progress = UploadProgress(upload_id=upload_id)

    async def send() -> None:
        async with open_frameio(desk.settings.frameio) as frameio:
            await upload_video(
                desk.store,
                frameio,
                desk.settings,
                upload_id,
                project_id=project_id,
                progress=progress.note,
            )

    run_apart(send(), meanwhile=progress.show)
    progress.finish()
    with desk.store.reading() as session:
        version = load_version(session, load_upload(session, upload_id))
    get_run_logger().info("uploaded %s as Frame.io file %s", version.filename, version.file_id)
    show_link(version)


@_named("wait-until-ready")
def wait_until_ready(desk: Desk, upload_id: str) -> WaitOutcome | None:
    """Return how the wait for the transcode ended, after looking for some seconds; else None."""
    if _is_ready(desk, upload_id):
        return WaitOutcome.READY
    patience = desk.settings.tracker.ready_patience.total_seconds()
    return _look(desk, upload_id, WaitKind.READY, patience=patience)


@_named("wait-for-approval")
def wait_for_approval(desk: Desk, upload_id: str) -> WaitOutcome | None:
    """Return how the review ended, or None while it goes on; never waits itself."""
    return _look(desk, upload_id, WaitKind.APPROVAL, patience=0)


@_named("post-process")
def post_process(desk: Desk, upload_id: str) -> Delivered | None:
    """Deliver the approved version once; None when the approval was taken back meanwhile."""
    deployment = desk.settings.post_processing.deployment

    def fetch(file_id: str, target: Path) -> tuple[str, int]:
        async def run() -> tuple[str, int]:
            async with open_frameio(desk.settings.frameio) as frameio:
                file = await frameio.download_original(file_id, target)
                return file.sha256, file.size

        return run_apart(run())

    def start(parameters: dict[str, Any]) -> None:
        prefect = PrefectFlowRuns(prefect_api_url(desk.settings))
        run_apart(
            prefect.start(
                str(deployment),
                parameters=parameters,
                idempotency_key=f"{upload_id}:v{parameters['version']}:post-processing",
                name=str(parameters["manifest"]["filename"]),
                tags=tags_of(project_id=parameters["manifest"]["frameio"]["project_id"]),
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
    with desk.store.writing() as session:
        upload_row = load_upload(session, upload_id, lock=True)
        review = desk.settings.for_project(upload_row.project_id).review
        timeout = review.ready_timeout if kind is WaitKind.READY else review.timeout
        row = open_wait(
            session,
            upload=upload_row,
            kind=kind,
            flow_run_id=desk.flow_run_id,
            now=utc_now(),
            timeout=timeout,
        )
        mark_answered_before(session, row, upload_row, review=review, now=utc_now())
    wait_id = row.id or 0
    until = time.monotonic() + patience
    while not _has_answer(desk, wait_id) and time.monotonic() < until:
        time.sleep(_LOOK_EVERY)
    with desk.store.writing() as session:
        return close_wait(session, wait_id, review=review, now=utc_now())


def _is_ready(desk: Desk, upload_id: str) -> bool:
    """Whether the version is ready and nobody is owed that answer: a resumed run asks again."""
    with desk.store.reading() as session:
        row = load_upload(session, upload_id)
        kind, run = WaitKind.READY, desk.flow_run_id
        owed = find_open_wait(session, upload=row, kind=kind, flow_run_id=run)
        return row.status == UploadStatus.READY and row.cancelled_at is None and owed is None


def _has_answer(desk: Desk, wait_id: int) -> bool:
    with desk.store.reading() as session:
        row = session.get_one(WaitRow, wait_id)
        upload_row = load_upload(session, row.upload_id)
        own = desk.settings.for_project(upload_row.project_id)
        return read_answer(row, upload_row, own.review) is not None
