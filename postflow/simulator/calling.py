"""What every route of the API needs to know about its call."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import Depends, FastAPI, Request

from postflow.frameio.wire import User
from postflow.simulator.refusals import Refusal, invalid
from postflow.simulator.rendering import Rendering
from postflow.simulator.state import ACCOUNT_ID, State
from postflow.simulator.world import World

_WORLD = "world"


def attach_world(app: FastAPI, world: World) -> None:
    """Make the world reachable from the app's requests."""
    setattr(app.state, _WORLD, world)


def world_of(app: FastAPI) -> World:
    """Find the world behind an app made by `create_app`."""
    world = getattr(app.state, _WORLD)
    assert isinstance(world, World)  # noqa: S101 - Starlette's state is untyped
    return world


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authenticated call."""

    world: World
    user: User
    base_url: str
    request: Request

    @property
    def state(self) -> State:
        """All objects."""
        return self.world.state

    def includes(self, allowed: AbstractSet[str]) -> Rendering:
        """Read `include`, refusing what this operation does not offer."""
        asked = [name for name in self.request.query_params.get("include", "").split(",") if name]
        for name in asked:
            if name not in allowed:
                raise invalid(f"Invalid value for enum: {name}", pointer="/include")
        return Rendering(world=self.world, base_url=self.base_url, include=frozenset(asked))

    def flag(self, name: str) -> bool:
        """Read a true-or-false query parameter."""
        return self.request.query_params.get(name, "").lower() == "true"


async def read_form(request: Request) -> dict[str, str]:
    """Read a form-encoded body, whatever bytes it is made of."""
    fields = parse_qs((await request.body()).decode(errors="replace"))
    return {name: values[0] for name, values in fields.items()}


def _world(request: Request) -> World:
    return world_of(request.app)


def _call(request: Request) -> Call:
    world = world_of(request.app)
    user = world.people.authenticate(request.headers.get("authorization"), now=world.clock.now())
    for name, value in request.path_params.items():
        if name.endswith("_id") and not _is_uuid(str(value)):
            raise invalid("Invalid format. Expected :uuid", pointer=f"/{name}")
    if request.path_params.get("account_id", ACCOUNT_ID) != ACCOUNT_ID:
        raise Refusal(404)
    return Call(world=world, user=user, base_url=str(request.base_url).rstrip("/"), request=request)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


WorldDep = Annotated[World, Depends(_world)]
CallDep = Annotated[Call, Depends(_call)]
