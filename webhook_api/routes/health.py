"""For machines that watch: readiness and metrics."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from webhook_api.dependencies import PartsDep, ReadingDep
from webhook_api.errors import refusals
from webhook_api.metrics import render_totals

router = APIRouter()


@router.get("/ready", responses=refusals(HTTPStatus.SERVICE_UNAVAILABLE))
def read_readiness(parts: PartsDep) -> JSONResponse:
    """Say whether the service can do its work, and on which store: scripts join it by that."""
    store = parts.store.address
    reasons = parts.readiness.list_reasons()
    if reasons:
        told = {"status": "not ready", "detail": " ".join(reasons), "reasons": reasons}
        return JSONResponse(told | {"store": store}, HTTPStatus.SERVICE_UNAVAILABLE)
    return JSONResponse({"status": "ready", "store": store})


@router.get("/metrics", response_class=Response, responses=refusals(HTTPStatus.SERVICE_UNAVAILABLE))
def read_metrics(session: ReadingDep, parts: PartsDep) -> Response:
    """Give the totals as Prometheus reads them."""
    content = render_totals(session) + parts.answers.render()
    return Response(content, media_type=CONTENT_TYPE_LATEST)
