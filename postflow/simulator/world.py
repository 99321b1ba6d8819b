"""The simulated Frame.io as a whole: its parts, and the one place where things happen."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import tempfile
import weakref
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from postflow.frameio.wire import User
from postflow.simulator.clock import SimulatedClock
from postflow.simulator.config import SimulatorConfig
from postflow.simulator.deliveries import Deliveries
from postflow.simulator.faults import Faults
from postflow.simulator.limits import RateLimits
from postflow.simulator.people import SERVICE_USER, People
from postflow.simulator.records import Happening
from postflow.simulator.state import ACCOUNT_ID, State, fresh_id

CALLS_KEPT = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call of the API, as the call log keeps it."""

    at: datetime
    method: str
    path: str
    query: str
    caller: str | None
    status: int | None  # None: the connection broke


def _keep() -> None:
    """Leave a data folder that somebody chose."""


@dataclass(slots=True, kw_only=True, weakref_slot=True)
class World:
    """Everything an action needs."""

    config: SimulatorConfig
    data_dir: Path
    clock: SimulatedClock
    people: People
    state: State
    faults: Faults
    limits: RateLimits
    deliveries: Deliveries
    signing_key: str
    calls: deque[CallRecord] = field(default_factory=lambda: deque(maxlen=CALLS_KEPT))
    listeners: list[Callable[[Happening], None]] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)
    stories_playing: int = 0  # begun, and not yet at their last step
    clean_up: Callable[[], object] = _keep  # removes the temporary folder, if there is one

    def happen(
        self,
        event: str,
        *,
        resource_id: str,
        resource_type: str,
        user: User,
        project_id: str | None,
        file_id: str | None = None,
        workspace_id: str | None = None,
        said: str | None = None,
    ) -> None:
        """Write down that something happened and tell webhooks and listeners."""
        if workspace_id is None:
            workspace_id = self.state.project(project_id or "").workspace_id
        happening = Happening(
            type=event,
            resource_id=resource_id,
            resource_type=resource_type,
            project_id=project_id,
            workspace_id=workspace_id,
            user=user,
            at=self.clock.now(),
            file_id=file_id,
            said=said,
        )
        self.state.history.append(happening)
        body = render_event(happening)
        for webhook in list(self.state.webhooks.values()):
            if webhook.active and webhook.workspace_id == workspace_id and event in webhook.events:
                self.deliveries.post(webhook, event=event, resource_id=resource_id, body=body)
        for listener in self.listeners:
            listener(happening)

    def later(self, action: Callable[[], None]) -> Callable[[], None]:
        """Make an action for the clock that also sends the deliveries it causes."""

        def act() -> None:
            action()
            self.deliveries.flush()

        return act

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Let work go on beside the calls."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def configure(self, **changes: object) -> None:
        """Change settings while it runs."""
        self.config = replace(self.config, **changes)  # type: ignore[arg-type] # checked by the control route's model

    def complain(self, sentence: str) -> None:
        """Keep a sentence for whoever wrote the scenario."""
        self.complaints.append(sentence)
        logging.getLogger("postflow.simulator").warning("scenario.step_impossible: %s", sentence)

    async def close(self) -> None:
        """Stop all that goes on beside the calls."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.deliveries.close()
        self.clean_up()


def build_world(config: SimulatorConfig) -> World:
    """Make a fresh Frame.io: one account, one workspace, one project with a root folder."""
    data_dir = config.data_dir or Path(tempfile.mkdtemp(prefix="postflow-simulator-"))
    for folder in ("parts", "originals"):
        (data_dir / folder).mkdir(parents=True, exist_ok=True)
    clock = SimulatedClock(scale=config.time_scale)
    people, faults = People(), Faults()
    world = World(
        config=config,
        data_dir=data_dir,
        clock=clock,
        people=people,
        state=State(owner=people.named("owner", display_name="Account Owner"), now=clock.now()),
        faults=faults,
        limits=RateLimits(),
        deliveries=Deliveries(config=config, clock=clock, faults=faults),
        signing_key=fresh_id(),
    )
    if config.data_dir is None:
        world.clean_up = weakref.finalize(world, shutil.rmtree, data_dir, ignore_errors=True)
    return world


def service_user(people: People, client_id: str) -> User:
    """Find the user that server-to-server tokens act as."""
    return people.named(f"{client_id.lower()}@service.frame.io", display_name=SERVICE_USER)


def render_event(happening: Happening) -> bytes:
    """Write the body of a delivery: ids and nothing else, keys in the documented order."""
    body = {
        "account": {"id": ACCOUNT_ID},
        "project": {"id": happening.project_id},
        "resource": {"id": happening.resource_id, "type": happening.resource_type},
        "type": happening.type,
        "user": {"id": happening.user.id},
        "workspace": {"id": happening.workspace_id},
    }
    if happening.project_id is None:
        del body["project"]
    return json.dumps(body, separators=(",", ":")).encode()
