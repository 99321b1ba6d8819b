"""One sweep by hand: read everything under review now, and tell what changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

from sqlmodel import col, func, select
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from postflow.domain.polling import estimate_sweep
from postflow.errors import FrameioUnavailableError, PostFlowError, StoreUnavailableError
from postflow.settings import Settings
from postflow.store.database import Store
from postflow.store.sweeps import count_open_reviews, list_open_reviews
from postflow.store.tables import FindingRow, UploadRow
from postflow.tracker.arrivals import Arrivals
from postflow.tracker.looking import Looker
from postflow.tracker.turns import endpoints_of_a_look


class SweptView(TypedDict):
    """What reading one upload found, and what became of it."""

    upload_id: str
    filename: str
    found: list[str]
    """The events that webhooks should have brought, or will."""
    version: int
    status: str
    review_status: str
    last_status: str
    last_review_status: str
    error: str | None
    """Why it could not be read; the timer tries again."""


async def sweep(looker: Looker, arrivals: Arrivals, store: Store) -> AsyncIterator[SweptView]:
    """Read every open review and tell of each as soon as it is done, changed or not.

    Files of uploads that are known by name are looked for first. Raises FrameioUnavailableError
    when Frame.io cannot be reached; one file that cannot be read holds up none of the others.
    """
    await looker.learn_own_user()
    known = await asyncio.to_thread(_newest_finding, store)
    await arrivals.look()
    for upload_id in await asyncio.to_thread(_list_open, store):
        before = await asyncio.to_thread(_load, store, upload_id)
        error = await _look(looker, before)
        yield await asyncio.to_thread(_compare, store, before, known, error)


def estimate_whole_sweep(store: Store, settings: Settings) -> tuple[int, timedelta]:
    """Return how many reviews are open, and how long reading all takes at the rate limits."""
    with store.reading() as session:
        reviews = count_open_reviews(session)
    if not settings.frameio.respect_rate_limits:
        return reviews, timedelta()
    return reviews, estimate_sweep(reviews, endpoints_of_a_look())


async def _look(looker: Looker, upload: UploadRow) -> str | None:
    if upload.file_id is None:
        return None
    try:
        await looker.look_at(upload.file_id)
    except StoreUnavailableError:
        return None  # the service reads it at this moment, which is as good
    except FrameioUnavailableError:
        raise
    except PostFlowError as error:
        return str(error)
    return None


def _list_open(store: Store) -> list[str]:
    with store.reading() as session:
        return list_open_reviews(session)


def _newest_finding(store: Store) -> int:
    with store.reading() as session:
        return session.exec(select(func.max(FindingRow.id))).one() or 0


def _load(store: Store, upload_id: str) -> UploadRow:
    with store.reading() as session:
        return session.get_one(UploadRow, upload_id)


def _compare(store: Store, before: UploadRow, known: int, error: str | None) -> SweptView:
    with store.reading() as session:
        now = session.get_one(UploadRow, before.upload_id)
        found = select(FindingRow.kind).where(
            FindingRow.upload_id == before.upload_id, col(FindingRow.id) > known
        )
        return SweptView(
            upload_id=now.upload_id,
            filename=now.filename,
            found=list(session.exec(found.order_by(col(FindingRow.id)))),
            version=now.version,
            status=now.status,
            review_status=now.review_status,
            last_status=before.status,
            last_review_status=before.review_status,
            error=error,
        )
