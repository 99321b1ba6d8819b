"""What a script does itself, without a flow run: upload a file, deliver an approved video."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

from postflow.apart import run_apart
from postflow.clock import utc_now
from postflow.delivery.delivering import Start, deliver
from postflow.errors import PostProcessingError
from postflow.frameio.opening import open_frameio
from postflow.settings import Settings
from postflow.settings.prefect_url import prefect_api_url
from postflow.store.database import Store
from postflow.store.uploads import is_undoable, load_upload
from postflow.submitting import (
    check_file,
    find_videos,
    read_video,
    register_videos,
    revive_upload,
)
from postflow.uploading import upload_video
from postflow.versioning import Versioning


def upload_local_file(
    store: Store, settings: Settings, path: Path, *, project_id: str | None
) -> str:
    """Bring a file to Frame.io and return its upload id; the same file again is that upload.

    A call that was cut off goes on where it was. Raises ConfigurationError without a token,
    UploadError naming the file, and FrameioError.
    """
    project_id = project_id or settings.frameio.project_id

    async def upload() -> str:
        # Opened first: without a way to sign in no large file is read.
        async with open_frameio(settings.frameio) as frameio:
            upload_id = await asyncio.to_thread(_register, store, settings, path, project_id)
            await upload_video(store, frameio, settings, upload_id, project_id=project_id)
            return upload_id

    return run_apart(upload())


def deliver_upload(store: Store, settings: Settings, upload_id: str) -> Path | None:
    """Deliver the approved current version and return its path; None with a user's deployment.

    Again, it is the same single delivery. Raises PostProcessingError where nothing is delivered.
    """
    delivered = deliver(
        store,
        upload_id,
        settings=settings,
        claimed_by=f"script-{uuid4().hex[:12]}",
        fetch=lambda file_id, target: _fetch(settings, file_id, target),
        start=_starter(settings, upload_id) if settings.post_processing.deployment else None,
    )
    if delivered is None:
        raise PostProcessingError(_explain_refusal(store, upload_id))
    return delivered.path


def _register(store: Store, settings: Settings, path: Path, project_id: str | None) -> str:
    (file,) = find_videos([check_file(path.expanduser())])
    video = read_video(store, file)
    (upload_id,) = register_videos(
        store,
        [video],
        batch_id=None,
        project_id=project_id,
        versioning=Versioning(settings=settings),
    )
    with store.writing() as session:
        revive_upload(session, load_upload(session, upload_id, lock=True), now=utc_now())
    return upload_id


def _fetch(settings: Settings, file_id: str, target: Path) -> tuple[str, int]:
    async def run() -> tuple[str, int]:
        async with open_frameio(settings.frameio) as frameio:
            file = await frameio.download_original(file_id, target)
            return file.sha256, file.size

    return run_apart(run())


def _starter(settings: Settings, upload_id: str) -> Start:
    from postflow.flow_runs import PrefectFlowRuns  # noqa: PLC0415 - importing Prefect takes over a second

    prefect = PrefectFlowRuns(prefect_api_url(settings))

    def start(parameters: dict[str, Any]) -> None:
        run_apart(
            prefect.start(
                str(settings.post_processing.deployment),
                parameters=parameters,
                # The key that a flow run would use: whoever is second starts nothing.
                idempotency_key=f"{upload_id}:v{parameters['version']}:post-processing",
                name=str(parameters["manifest"]["filename"]),
                tags=["postflow"],
            )
        )

    return start


def _explain_refusal(store: Store, upload_id: str) -> str:
    with store.reading() as session:
        upload = load_upload(session, upload_id)
    if upload.cancelled_at is not None:
        state = "was cancelled"
    elif upload.failure is not None:
        state = "failed"
    elif upload.held_since is not None:
        state = f"is held ({upload.held_reason})"
    elif is_undoable(upload, now=utc_now()):
        state = f"can be undone until {upload.undo_until:%Y-%m-%d %H:%M:%S} UTC"
    else:
        state = f"is {upload.review_status}, not approved"
    return (
        f"{upload.filename} {state}, so nothing was delivered; `postflow explain {upload_id}` "
        "says why."
    )
