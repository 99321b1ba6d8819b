"""Undoing an approval from outside: the API's verdict, and the dashboard's button."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postflow.clock import utc_now
from postflow.domain.standing import ReviewStatus
from tests.factories import make_upload
from tests.webhook_api.conftest import Service

UNDO = {"verdict": "undo", "reason": "wrong file", "by": "Ada"}


@pytest.fixture
def undoable(service: Service) -> Service:
    """Give a service that knows one video whose approval can be undone for an hour."""
    with service.store.writing() as session:
        upload = make_upload(session)
        upload.review_status = ReviewStatus.APPROVED
        upload.undo_until = utc_now() + timedelta(hours=1)
    return service


def test_verdict_undo_reopens_the_review(undoable: Service) -> None:
    """The answer is the upload as it is then; the same again is a conflict."""
    path = "/api/uploads/clip/decision"
    assert undoable.private.get("/api/uploads/clip").json()["undo_until"] is not None
    done = undoable.private.post(path, json=UNDO)
    assert (done.status_code, done.json()["review_status"]) == (200, "pending")
    assert (done.json()["undo_until"], done.json()["verdict"]["source"]) == (None, "manual")
    again = undoable.private.post(path, json=UNDO)
    assert (again.status_code, "no approval to undo" in again.json()["detail"]) == (409, True)


def test_undo_of_another_version_is_refused(undoable: Service) -> None:
    """Who looks at an old page does not undo what they have not seen."""
    done = undoable.private.post("/api/uploads/clip/decision", json=UNDO | {"version": 2})
    assert done.status_code == 409
    assert undoable.private.get("/api/uploads/clip").json()["review_status"] == "approved"


def test_pages_offer_to_undo(undoable: Service) -> None:
    """Both pages say when it is delivered, and have the button while it can be undone."""
    for path in ("/", "/uploads/clip"):
        page = undoable.private.get(path, headers={"accept": "text/html"}).text
        assert 'data-verdict="undo"' in page
        assert "unless undone" in page
