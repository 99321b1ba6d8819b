"""What the private routes are given: the parts the app was built from, and a session per request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request
from sqlmodel import Session

from postflow.domain.uploads import parse_upload_id
from postflow.errors import UnknownUploadError, UploadError
from postflow.settings import Settings
from postflow.store.database import Store
from postflow.tracker.ports import Clock
from webhook_api.metrics import AnswerCounts
from webhook_api.readiness import Readiness


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """Everything the private face works with; lies on the app's state."""

    settings: Settings
    store: Store
    readiness: Readiness
    answers: AnswerCounts
    on_decision: Callable[[], None]
    clock: Clock


def _parts(request: Request) -> Parts:
    return cast("Parts", request.app.state.parts)


PartsDep = Annotated[Parts, Depends(_parts)]


def _known_shape(upload_id: str) -> str:
    """Refuse what cannot be an id before a database sees it; some cannot even hold such texts."""
    try:
        return parse_upload_id(upload_id)
    except UploadError:
        raise UnknownUploadError(f"There is no upload {upload_id[:200]!r}.") from None


UploadIdDep = Annotated[str, Depends(_known_shape)]


def _reading(parts: PartsDep) -> Iterator[Session]:
    with parts.store.reading() as session:
        yield session


ReadingDep = Annotated[Session, Depends(_reading)]
