"""The simulated Frame.io as an ASGI app: in process for tests, on a port for demos."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from postflow.simulator import page
from postflow.simulator.calling import attach_world
from postflow.simulator.config import SimulatorConfig
from postflow.simulator.control import commands, inspection, people
from postflow.simulator.gate import Gate
from postflow.simulator.playing import Player
from postflow.simulator.refusals import install_refusals
from postflow.simulator.routes import (
    accounts,
    audit,
    comments,
    files,
    folders,
    ims,
    metadata,
    shares,
    stacks,
    webhooks,
)
from postflow.simulator.routes import (
    bytes as bytes_routes,
)
from postflow.simulator.world import build_world

_ROUTERS = (
    accounts.router,
    folders.router,
    files.router,
    stacks.router,
    comments.router,
    metadata.router,
    webhooks.router,
    shares.router,
    audit.router,
    bytes_routes.router,
    ims.router,
    page.router,
    inspection.router,
    people.router,
    commands.router,
)


def create_app(config: SimulatorConfig | None = None) -> FastAPI:
    """Build a fresh simulated Frame.io; two apps share nothing."""
    world = build_world(config or SimulatorConfig())

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await world.close()

    app = FastAPI(
        title="Simulated Frame.io",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    attach_world(app, world)
    install_refusals(app)
    for router in _ROUTERS:
        app.include_router(router)
    app.add_middleware(Gate, world=world)
    if world.config.scenario is not None:
        Player(world, world.config.scenario).attach()
    return app
