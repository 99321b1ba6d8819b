"""A rehearsal: the stories played in this process on a simulated Frame.io, without Prefect.

Everything happens in a folder that the caller throws away.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from typing_extensions import TypedDict  # pydantic, which has it, reads no other before 3.12

from postflow.cli.demo.casting import cast_reviewers, rehearsal_settings
from postflow.cli.demo.stories import Story, write_scenario
from postflow.cli.machine import find_free_ports
from postflow.clock import utc_now
from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus
from postflow.errors import PostFlowError, PostProcessingError
from postflow.integration.local_work import deliver_upload, upload_local_file
from postflow.integration.service_thread import ServiceThread
from postflow.settings import Settings
from postflow.store.database import Store, open_store
from postflow.store.inbox import has_unsettled
from postflow.store.uploads import load_upload
from postflow.tracker.explaining import ExplanationView, explain_upload
from postflow.webhook_upkeep import register_webhook_at

FASTER = 4.0
"""How much faster than written the reviewers act."""
_PATIENCE = 120.0
_LOOK_EVERY = 0.1
_CALM = 1.0  # seconds without anything new, after which nothing is to be expected


class Ending(TypedDict):
    """How one video would have ended."""

    video: str
    title: str
    explanation: ExplanationView
    delivery: str | None
    """The name that its delivery would have."""
    failure: str | None
    """Why it could not be delivered although it was approved."""


def play(
    settings: Settings, folder: Path, stories: Mapping[Path, Story], scenario: Path | None
) -> list[Ending]:
    """Upload the videos, let the reviewers act, and return what came of each.

    With a `scenario` file its reviewers act instead of those of the stories.
    """
    from postflow.simulator.config import SimulatorConfig  # noqa: PLC0415 - loads FastAPI
    from postflow.simulator.scenario import Scenario, load_scenario  # noqa: PLC0415 - the same
    from postflow.simulator.serving import running_simulator  # noqa: PLC0415 - the same

    cast = cast_reviewers(settings)
    script = (
        load_scenario(scenario)
        if scenario
        else Scenario.model_validate(write_scenario(stories, reviewers=cast.reviewers))
    )
    config = SimulatorConfig(data_dir=folder / "frameio", time_scale=FASTER, scenario=script)
    public, private = find_free_ports(2)
    with running_simulator(config) as frameio:
        own = rehearsal_settings(
            settings,
            cast,
            folder=folder,
            frameio=frameio.base_url,
            public_port=public,
            private_port=private,
        )
        with _serving(own) as store:
            uploads = {
                upload_local_file(store, own, path, project_id=None): path for path in stories
            }
            world = frameio.world
            _wait_for_calm(
                store,
                list(uploads),
                is_busy=lambda: bool(world.stories_playing or world.deliveries.unsettled),
            )
            return [
                _end(store, own, upload_id, path, "" if scenario else stories[path].title)
                for upload_id, path in uploads.items()
            ]


@contextmanager
def _serving(settings: Settings) -> Iterator[Store]:
    """Run the service in a thread, known to Frame.io; give its store."""
    store = open_store(settings.database.url, create=True)
    service = ServiceThread(settings)
    try:
        service.start()
        asyncio.run(register_webhook_at(settings, settings.webhook.public_url or ""))
        yield store
    finally:
        service.stop()
        store.close()


def _wait_for_calm(store: Store, uploads: list[str], *, is_busy: Callable[[], bool]) -> None:
    """Return once every video was seen by reviewers and all that they did is settled."""
    until = time.monotonic() + _PATIENCE
    calm_since: float | None = None
    while time.monotonic() < until:
        if is_busy() or _is_unsettled(store, uploads):
            calm_since = None
        elif calm_since is None:
            calm_since = time.monotonic()
        elif time.monotonic() - calm_since > _CALM:
            return
        time.sleep(_LOOK_EVERY)
    raise PostFlowError(
        f"The reviewers were not done after {_PATIENCE:.0f} s; shorten the waits of the scenario."
    )


def _is_unsettled(store: Store, uploads: list[str]) -> bool:
    with store.reading() as session:
        return has_unsettled(session, now=utc_now()) or any(
            load_upload(session, each).status not in (UploadStatus.READY, UploadStatus.FAILED)
            for each in uploads
        )


def _end(store: Store, settings: Settings, upload_id: str, path: Path, title: str) -> Ending:
    """Deliver the video if that is what would happen, and say what did."""
    delivery = failure = None
    with store.reading() as session:
        explanation = explain_upload(session, upload_id, settings)
    is_due = not explanation["held"] and not explanation["quiet_until"]
    if explanation["review_status"] == ReviewStatus.APPROVED and is_due:
        try:
            delivered = deliver_upload(store, settings, upload_id)
            delivery = delivered.name if delivered else None
        except PostProcessingError as error:
            failure = str(error)
    return Ending(
        video=path.name, title=title, explanation=explanation, delivery=delivery, failure=failure
    )
