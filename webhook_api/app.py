"""Building the two faces from settings and the parts they need; starts nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from postflow.errors import PostFlowError
from postflow.settings import Settings
from postflow.store.database import Store
from postflow.tracker.ports import Clock, utc_now
from webhook_api.dependencies import Parts
from webhook_api.errors import refusals, status_of
from webhook_api.guards import PrivateGuard
from webhook_api.intake import Intake
from webhook_api.metrics import AnswerCounts
from webhook_api.public_face import PublicFace
from webhook_api.readiness import Readiness
from webhook_api.routes import api, dashboard, health


def create_public_app(
    *,
    settings: Settings,
    intake: Intake,
    secrets: Callable[[], Mapping[str, str | None]],
    answers: AnswerCounts,
    clock: Clock = utc_now,
) -> PublicFace:
    """Return the public face: `POST /webhooks/frameio`, `GET /health`, nothing else."""
    return PublicFace(
        secrets=secrets,
        tolerance=timedelta(seconds=settings.webhook.tolerance_seconds),
        intake=intake,
        answers=answers,
        clock=clock,
    )


def create_private_app(
    *,
    settings: Settings,
    store: Store,
    port: int,
    readiness: Readiness,
    answers: AnswerCounts,
    on_decision: Callable[[], None] = lambda: None,
    clock: Clock = utc_now,
) -> ASGIApp:
    """Return the private face behind its guard; `port` is the one it is really reached by.

    `on_decision` is called in a worker thread after a decision by hand was committed.
    """
    parts = Parts(
        settings=settings,
        store=store,
        readiness=readiness,
        answers=answers,
        on_decision=on_decision,
        clock=clock,
    )
    return PrivateGuard(create_private_routes(parts), settings=settings.dashboard, port=port)


def create_private_routes(parts: Parts) -> FastAPI:
    """Return the private routes without their guard."""
    everywhere = refusals(
        HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY
    )
    app = FastAPI(title="PostFlow", docs_url=None, redoc_url=None, responses=everywhere)
    app.state.parts = parts
    for module in (dashboard, api, health):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(packages=[("webhook_api", "static")]), name="static")
    app.add_exception_handler(PostFlowError, _tell_error)
    app.add_exception_handler(RequestValidationError, _tell_invalid)
    return app


async def _tell_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, PostFlowError)  # noqa: S101 - registered for nothing else
    return JSONResponse({"detail": str(error)}, status_of(error))


async def _tell_invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - the same
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or "The body"
    return JSONResponse(
        {"detail": f"{where} cannot be used: {first['msg']}."},
        HTTPStatus.UNPROCESSABLE_ENTITY,
    )
