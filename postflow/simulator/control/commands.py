"""Control routes that change the simulator itself: faults, clock, settings, files from nowhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from postflow.frameio.wire import render_time
from postflow.simulator.calling import WorldDep
from postflow.simulator.control.inspection import describe_delivery, describe_file
from postflow.simulator.control.people import Actor
from postflow.simulator.faults import Fault
from postflow.simulator.records import StoredField
from postflow.simulator.refusals import Refusal
from postflow.simulator.scenario import Duration
from postflow.simulator.state import STATUS_FIELD_ID, fresh_id
from postflow.simulator.uploads import finish_transcode, store_whole_file
from postflow.simulator.world import World

router = APIRouter(prefix="/_sim")


class Order(BaseModel):
    """Fields of a control request; misspelt ones are refused."""

    model_config = ConfigDict(extra="forbid")


class ClockOrder(Order):
    """How far to move on, and how fast waits pass from now on."""

    advance: Duration = timedelta(0)
    scale: float | None = Field(default=None, gt=0)


class SettingsOrder(Order):
    """Settings that may change while it runs."""

    transcode_delay: Duration | None = None
    part_size: int | None = Field(default=None, ge=1)
    even_parts: bool | None = None
    url_lifetime: Duration | None = None
    token_lifetime: Duration | None = None
    enforce_rate_limits: bool | None = None
    versioned_resource: Literal["file", "version_stack"] | None = None
    completion_also_updates: bool | None = None


class TokenOrder(Order):
    """A token; none means all that were issued (or, to accept again, all names)."""

    token: str | None = None


class FieldOrder(Order):
    """Another name or other options for the Status field; known option names keep their ids."""

    name: str | None = None
    options: list[str] | None = Field(default=None, min_length=1, max_length=50)


class NewFile(Actor):
    """A file that is there at once, without parts."""

    file_name: str
    content: str = "simulated video"
    folder_id: str | None = None


@router.get("/faults")
async def list_faults(world: WorldDep) -> dict[str, Any]:
    """Show the faults that are switched on, with how often they hit."""
    return {"faults": world.faults.listed()}


@router.post("/faults", status_code=201)
async def switch_on_fault(world: WorldDep, fault: Fault) -> dict[str, Any]:
    """Switch a fault on."""
    world.faults.switch_on(fault)
    return fault.model_dump(mode="json")


@router.delete("/faults", status_code=204)
async def switch_off_all_faults(world: WorldDep) -> Response:
    """Switch all faults off and send what was held."""
    world.faults.switch_off()
    world.deliveries.release_held()
    return Response(status_code=204)


@router.delete("/faults/{fault_id}", status_code=204)
async def switch_off_fault(world: WorldDep, fault_id: str) -> Response:
    """Switch one fault off and send what was held."""
    world.faults.switch_off(fault_id)
    world.deliveries.release_held()
    return Response(status_code=204)


@router.get("/clock")
async def show_clock(world: WorldDep) -> dict[str, Any]:
    """Show the simulated time."""
    return _clock(world)


@router.post("/clock")
async def set_clock(world: WorldDep, order: ClockOrder) -> dict[str, Any]:
    """Move the clock on, or make waits shorter."""
    if order.scale is not None:
        world.clock.scale = order.scale
    world.clock.advance(order.advance)
    return _clock(world)


@router.patch("/settings")
async def change_settings(world: WorldDep, order: SettingsOrder) -> dict[str, Any]:
    """Change settings while it runs."""
    changes = {name: getattr(order, name) for name in order.model_fields_set}
    world.configure(**{name: value for name, value in changes.items() if value is not None})
    return order.model_dump(mode="json", exclude_unset=True)


@router.patch("/status_field")
async def change_status_field(world: WorldDep, order: FieldOrder) -> dict[str, Any]:
    """Rename the Status field, or give it other options."""
    field: StoredField = world.state.fields[STATUS_FIELD_ID]
    field.name = order.name or field.name
    if order.options is not None:
        known = {name: key for key, name in field.options.items()}
        field.options = {known.get(name) or fresh_id(): name for name in order.options}
        for file in world.state.files():
            chosen = file.values.get(field.id)
            if isinstance(chosen, list) and any(key not in field.options for key in chosen):
                del file.values[field.id]
    return {"name": field.name, "options": list(field.options.values())}


@router.post("/tokens/refuse", status_code=204)
async def refuse_token(world: WorldDep, order: TokenOrder) -> Response:
    """Answer 401 to a token from now on; without one, to all that were issued."""
    world.people.refuse(order.token)
    return Response(status_code=204)


@router.post("/tokens/accept", status_code=204)
async def accept_token(world: WorldDep, order: TokenOrder) -> Response:
    """Accept a refused name again."""
    world.people.accept_again(order.token)
    return Response(status_code=204)


@router.post("/files", status_code=201)
async def add_file(world: WorldDep, new: NewFile) -> dict[str, Any]:
    """Put a file there without uploading parts; it is transcoded as usual."""
    project = next(iter(world.state.projects.values()), None)
    if project is None:
        raise Refusal(404)
    file = store_whole_file(
        world,
        world.state.folder(new.folder_id or project.root_folder_id),
        name=new.file_name,
        content=new.content.encode(),
        creator=new.user(world),
    )
    return describe_file(world, file)


@router.post("/files/{file}/fail_transcode")
async def fail_transcode(world: WorldDep, file: str) -> dict[str, Any]:
    """Let the transcode fail: the file will never be ready."""
    found = world.state.file_called(file)
    found.transcode_fails = True
    return describe_file(world, found)


@router.post("/files/{file}/fail_upload")
async def fail_upload(world: WorldDep, file: str) -> dict[str, Any]:
    """Let the upload status say that it failed."""
    found = world.state.file_called(file)
    found.upload_failed = True
    return describe_file(world, found)


@router.post("/files/{file}/ready")
async def make_ready(world: WorldDep, file: str) -> dict[str, Any]:
    """Finish the transcode of an uploaded file now, even if it had failed."""
    found = world.state.file_called(file)
    found.transcode_fails = False
    finish_transcode(world, found)
    return describe_file(world, found)


@router.post("/deliveries/{delivery_id}/again", status_code=202)
async def send_again(world: WorldDep, delivery_id: str) -> dict[str, Any]:
    """Send a delivery of the log once more, freshly signed."""
    for delivery in world.deliveries.log:
        if delivery.id == delivery_id:
            return describe_delivery(world.deliveries.send_again(delivery))
    raise Refusal(404)


def _clock(world: World) -> dict[str, Any]:
    return {
        "now": render_time(world.clock.now()),
        "advanced_by": world.clock.advanced_by.total_seconds(),
        "scale": world.clock.scale,
        "actions_waiting": world.clock.actions_waiting,
    }
