"""Events of projects with nothing under review: settled together, and as if one by one."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace

import pytest
from sqlmodel import select

from postflow.domain.uploads import UploadStatus
from postflow.store.database import Store
from postflow.store.foreign import settle_foreign_events
from postflow.store.inbox import claim_events, has_unsettled
from postflow.store.tables import CommentRow, EventRow
from postflow.tracker.foreign import ForeignSettler
from postflow.tracker.routing import plan_route
from tests.factories import NOW, after, make_delivery, make_events, make_upload
from tests.tracker.conftest import Scene

KINDS = (
    *("file.ready", "file.versioned", "comment.created", "comment.deleted"),
    *("metadata.value.updated", "share.viewed", "nonsense", None),
)
RESOURCES = ("file-1", "comment-1", "elsewhere", None)
PROJECTS = ("project-1", "project-2", None)


def _fill(store: Store) -> None:
    """Track a file with a comment in the first project, and receive every kind of event."""
    with store.writing() as session:
        make_upload(session, file_id="file-1", project_id="project-1")
        comment = CommentRow(
            comment_id="comment-1", upload_id="clip", file_id="file-1", written_at=NOW
        )
        session.add(comment)
        for kind, resource, project in itertools.product(KINDS, RESOURCES, PROJECTS):
            delivery = make_delivery(project_id=project)
            make_events(session, replace(delivery, event_type=kind, resource_id=resource))


def test_bulk_settles_as_one_by_one_would(store: Store) -> None:
    """What one statement settles leads nowhere by the other way too, for the same reason."""
    _fill(store)
    with store.reading() as session:
        planned = {row.id: plan_route(session, row) for row in session.exec(select(EventRow))}
    with store.writing() as session:
        count = settle_foreign_events(session, now=after(1), limit=1000)
    with store.reading() as session:
        settled = [row for row in session.exec(select(EventRow)) if row.settled_at]

    assert count == len(settled) > 10
    for row in settled:
        assert (planned[row.id].note, planned[row.id].is_question) == (row.note, False)
        assert planned[row.id].file_id is None


def test_claims_leave_foreign_events_alone(store: Store) -> None:
    """What is claimed and what is settled in bulk are together all that is open."""
    _fill(store)
    with store.writing() as session:
        claims = claim_events(
            session, now=after(1), limit=1000, lease=after(60) - NOW, foreign=False
        )
        foreign = settle_foreign_events(session, now=after(1), limit=1000)
    with store.reading() as session:
        assert not has_unsettled(session, now=after(1))

    assert len(claims) + foreign == len(KINDS) * len(RESOURCES) * len(PROJECTS)


def test_unknown_project_may_be_any(store: Store) -> None:
    """While an upload of an unknown project is under review, no event is foreign."""
    with store.writing() as session:
        make_upload(session, file_id=None, project_id=None, status=UploadStatus.REGISTERED)
        make_events(session, make_delivery("elsewhere", project_id="project-2"))
        assert settle_foreign_events(session, now=after(1), limit=10) == 0


def test_event_on_lease_is_left_alone(store: Store) -> None:
    """What another worker has claimed is its own until the lease runs out."""
    with store.writing() as session:
        make_events(session, make_delivery("elsewhere", project_id="project-2"))
        claim_events(session, now=NOW, limit=1, lease=after(60) - NOW)
    with store.writing() as session:
        assert settle_foreign_events(session, now=after(59), limit=10) == 0
        assert settle_foreign_events(session, now=after(61), limit=10) == 1


@pytest.mark.parametrize("count", [0, 1000, 2500])
def test_any_number_is_settled(scene: Scene, count: int) -> None:
    """All foreign events are settled at once, and Frame.io is asked about none of them."""
    scene.record([make_delivery("elsewhere", project_id="project-2")] * count)
    foreign = ForeignSettler(store=scene.store, clock=scene.clock)

    assert asyncio.run(foreign.run_once()) == count
    assert asyncio.run(foreign.run_once()) == 0
    assert scene.frameio.calls == []
