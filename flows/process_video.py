"""One video, from the file to its delivery; the order of things and nothing else.

A resumed run starts here again from the first line, so every step asks the store what is done.
Only a deployed, top-level flow can suspend: do not call this flow from another one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.exceptions import Abort
from prefect.flow_runs import suspend_flow_run
from prefect.states import Cancelled, Completed, Failed
from prefect.tasks import Task

from flows.patience import patient
from flows.prefect_away import outliving_prefect
from flows.showing import hide_failure_traceback, tag_with_project
from flows.tasks import post_process, upload, wait_for_approval, wait_until_ready
from flows.working import (
    Desk,
    check_lease,
    holding_lease,
    open_desk,
    record_end,
    record_suspension,
)
from postflow.delivery.leftovers import clear_leftovers
from postflow.domain.uploads import WaitOutcome, parse_upload_id
from postflow.errors import ClaimLostError, PostFlowError, PrefectUnavailableError, StoreError
from postflow.store.flow_runs import load_run
from postflow.store.tables import UploadRow
from postflow.store.uploads import load_upload
from postflow.submitting import check_file, find_videos, read_video, register_videos
from postflow.uploading import fail_unsent


def _name_run() -> str:
    """Return the file's name: what people look for in Prefect's list."""
    return Path(str(runtime.flow_run.parameters.get("path", "video"))).name


@flow(name="process-video", flow_run_name=_name_run)
def process_video(
    path: str, upload_id: str | None = None, project_id: str | None = None
) -> State[Any]:
    """Upload a video, wait until it is ready, wait for its approval, deliver it.

    While it waits no process is alive. Ends Completed with the delivery, Completed named
    Rejected, or Failed with one sentence that says what to do.
    """
    hide_failure_traceback()
    try:
        with open_desk(str(runtime.flow_run.id)) as desk:
            known = _find_upload(desk, path, upload_id, project_id)
            with holding_lease(desk, known), outliving_prefect():
                state = _process(desk, known, project_id)
                record_end(desk, note=f"{state.name}: {state.message}")
                return state
    except ClaimLostError as error:
        get_run_logger().info("%s", error)
        raise Abort(str(error)) from error  # ends this process and says nothing about the run
    except PostFlowError as error:
        return Failed(message=str(error))


@patient
def _find_upload(desk: Desk, path: str, upload_id: str | None, project_id: str | None) -> str:
    """Return the upload this run works on; a resumed run's is known, whatever became of the file."""
    with desk.store.reading() as session:
        run = load_run(session, desk.flow_run_id)
        if run is not None:
            return run.upload_id
        if upload_id is not None and session.get(UploadRow, upload_id) is not None:
            return upload_id
    if upload_id is not None:
        parse_upload_id(upload_id)
    (file,) = find_videos([check_file(Path(path))])
    (registered,) = register_videos(
        desk.store,
        [read_video(desk.store, file)],
        batch_id=None,
        project_id=project_id or desk.settings.frameio.project_id,
        upload_id=upload_id,
    )
    return registered


def _process(desk: Desk, upload_id: str, project_id: str | None) -> State[Any]:
    """Bring version after version to its verdict until one is delivered or the review is over."""
    try:
        outcome = _bring_to_verdict(desk, upload_id, project_id)
        while outcome in (WaitOutcome.APPROVED, WaitOutcome.SUPERSEDED):
            if outcome is WaitOutcome.APPROVED:
                check_lease(desk)
                delivered = post_process(desk, upload_id)
                if delivered is not None:
                    place = delivered.path or desk.settings.post_processing.deployment
                    return Completed(message=f"Delivered: {place}")
            outcome = _bring_to_verdict(desk, upload_id, project_id)
    except (StoreError, PrefectUnavailableError):
        raise  # they say nothing about the video
    except PostFlowError as error:
        _note_failure(desk, upload_id, reason=str(error))
        return Failed(message=str(error))
    return _end(desk, upload_id, outcome)


@patient
def _clear_leftovers(desk: Desk, upload_id: str) -> None:
    """Record or remove what a delivery left that was cut off before."""
    clear_leftovers(desk.store, upload_id, folder=desk.settings.post_processing.output_dir)


def _bring_to_verdict(desk: Desk, upload_id: str, project_id: str | None) -> WaitOutcome:
    """Upload the current version, wait until it is ready and then for its verdict."""
    _clear_leftovers(desk, upload_id)
    upload(desk, upload_id, project_id)
    tag_with_project(desk, upload_id)
    outcome = _suspend_until(wait_until_ready, desk, upload_id)
    if outcome is WaitOutcome.READY:
        outcome = _suspend_until(wait_for_approval, desk, upload_id)
    return outcome


def _suspend_until(
    task: Task[[Desk, str], WaitOutcome | None], desk: Desk, upload_id: str
) -> WaitOutcome:
    """Ask the store, and sleep without a process until it has an answer.

    A resume may come for nothing (a person pressed the button): then it is asked again.
    """
    while (outcome := task(desk, upload_id)) is None:
        record_suspension(desk)
        _suspend()
    return outcome


def _suspend() -> None:
    """Leave the run asleep; raises ClaimLostError where Prefect has it started anew meanwhile.

    A process that could not reach the store for long may claim its run after the tracker has taken
    it for dead. The next process is on its way then, and an error would end the run before it.
    """
    try:
        suspend_flow_run(timeout=None)
    except RuntimeError as error:
        if not str(error).startswith("Flow run cannot be suspended"):
            raise
        raise ClaimLostError(
            f"Prefect gives this run to another process ({error}); this one ends without a word."
        ) from error


@patient
def _note_failure(desk: Desk, upload_id: str, *, reason: str) -> None:
    """Say that the bytes will not arrive, unless another process works on it by now."""
    check_lease(desk)
    fail_unsent(desk.store, upload_id, reason=reason)


@patient
def _end(desk: Desk, upload_id: str, outcome: WaitOutcome) -> State[Any]:
    with desk.store.reading() as session:
        row = load_upload(session, upload_id)
    if outcome is WaitOutcome.REJECTED:
        return Completed(
            name="Rejected",
            message=f"{row.filename} was rejected; `postflow explain {upload_id}` lists why.",
        )
    if outcome is WaitOutcome.CANCELLED:
        return Cancelled(message=f"{row.filename} was cancelled; run it again to go on.")
    if outcome is WaitOutcome.TIMED_OUT:
        return Failed(
            message=f"Nobody decided about {row.filename} in time; remind the reviewers and run "
            "it again."
        )
    return Failed(message=row.failure or f"{row.filename} failed; run it again.")
