"""The JSON interface; the same keys as the Python interface and the CLI's `--json`."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus
from postflow.errors import UnknownUploadError
from postflow.store.notices import list_notices
from postflow.store.tables import UploadRow
from postflow.store.upload_detail import upload_detail
from postflow.store.view_types import (
    EventView,
    NoticeView,
    TrackingStats,
    UploadDetailView,
    UploadStatusView,
)
from postflow.store.views import list_events, list_uploads, tracking_stats
from postflow.tracker.deciding import decide_by_hand
from postflow.tracker.undoing import undo_approval
from webhook_api.dependencies import PartsDep, ReadingDep, UploadIdDep
from webhook_api.errors import refusals

router = APIRouter(prefix="/api")
Limit = Annotated[int, Query(ge=1, le=1000)]
UploadIdFilter = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9._:-]{1,200}$")]
Offset = Annotated[int, Query(ge=0, le=2**31)]


class Verdict(StrEnum):
    """What a person can decide by hand."""

    APPROVED = "approved"
    """The current version is signed off."""
    REJECTED = "rejected"
    """The current version is refused."""
    REOPEN = "reopen"
    """Every decision so far is withdrawn."""
    UNDO = "undo"
    """The approval is taken back, if that is still possible."""


_REVIEW_STATUS = {
    Verdict.APPROVED: ReviewStatus.APPROVED,
    Verdict.REJECTED: ReviewStatus.REJECTED,
    Verdict.REOPEN: ReviewStatus.PENDING,
}


class DecisionByHand(BaseModel):
    """The body of a decision; `version` guards against deciding about an older one."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    verdict: Verdict
    reason: Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]
    by: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
    version: Annotated[int, Field(ge=1)] | None = None


def _act_of(verdict: Verdict) -> Callable[..., UploadRow]:
    if verdict is Verdict.UNDO:
        return undo_approval
    return partial(decide_by_hand, verdict=_REVIEW_STATUS[verdict])


_AWAY = HTTPStatus.SERVICE_UNAVAILABLE


@router.get("/uploads", responses=refusals(_AWAY))
def read_uploads(
    session: ReadingDep,
    status: UploadStatus | None = None,
    review_status: ReviewStatus | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> list[UploadStatusView]:
    """List uploads, the newest first."""
    return list_uploads(
        session, status=status, review_status=review_status, limit=limit, offset=offset
    )


@router.get("/uploads/{upload_id}", responses=refusals(HTTPStatus.NOT_FOUND, _AWAY))
def read_upload(upload_id: UploadIdDep, session: ReadingDep, parts: PartsDep) -> UploadDetailView:
    """Show one upload, with what its reviewers want changed."""
    found = upload_detail(session, upload_id, parts.settings)
    if found is None:
        raise UnknownUploadError(f"There is no upload {upload_id!r}.")
    return found


@router.post(
    "/uploads/{upload_id}/decision",
    # 400: a body that is no text at all, which FastAPI refuses before it looks for JSON in it.
    responses=refusals(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, _AWAY),
)
def decide(upload_id: UploadIdDep, decision: DecisionByHand, parts: PartsDep) -> UploadDetailView:
    """Decide by hand about the current version."""
    with parts.store.writing() as session:
        _act_of(decision.verdict)(
            session,
            upload_id,
            by=decision.by,
            reason=decision.reason,
            settings=parts.settings,
            now=parts.clock(),
            version=decision.version,
        )
    parts.on_decision()
    with parts.store.reading() as session:
        return read_upload(upload_id, session, parts)


@router.get("/stats", responses=refusals(_AWAY))
def read_stats(session: ReadingDep) -> TrackingStats:
    """Count everything."""
    return tracking_stats(session)


@router.get("/notices", responses=refusals(_AWAY))
def read_notices(
    session: ReadingDep, *, problems: bool = False, limit: Limit = 100
) -> list[NoticeView]:
    """List what people were told, the newest first; with `problems` what may not have arrived."""
    return list_notices(session, problems=problems, limit=limit)


@router.get("/events", responses=refusals(_AWAY))
def read_events(
    session: ReadingDep,
    *,
    failed: bool = False,
    upload_id: UploadIdFilter = None,
    limit: Limit = 100,
) -> list[EventView]:
    """List deliveries, the newest first; with `failed` those that were set aside."""
    return list_events(session, failed=failed, upload_id=upload_id, limit=limit)
