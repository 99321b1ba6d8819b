"""The pages for people; they only show, deciding goes through the JSON interface."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from postflow.dashboard.model import load_dashboard, load_story
from postflow.domain.standing import ReviewStatus
from postflow.errors import UnknownUploadError
from webhook_api.dependencies import PartsDep, ReadingDep, UploadIdDep
from webhook_api.pages import PAGE_HEADERS, render_page

router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)
_PAGE = 50


@router.get("/")
def show_dashboard(
    session: ReadingDep,
    parts: PartsDep,
    review: ReviewStatus | None = None,
    page: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> HTMLResponse:
    """Show totals, who waits, uploads with verdict and why, and what came in last."""
    shown = load_dashboard(
        session, now=parts.clock(), review_status=review, uploads=_PAGE, offset=page * _PAGE
    )
    content = render_page("dashboard.html", board=shown, review=review, page=page)
    return HTMLResponse(content, headers=PAGE_HEADERS)


@router.get("/uploads/{upload_id}")
def show_upload(upload_id: UploadIdDep, session: ReadingDep, parts: PartsDep) -> HTMLResponse:
    """Show one upload and all that happened to it."""
    story = load_story(session, upload_id, settings=parts.settings, now=parts.clock())
    if story is None:
        raise UnknownUploadError(f"There is no upload {upload_id!r}.")
    return HTMLResponse(render_page("upload.html", story=story), headers=PAGE_HEADERS)
