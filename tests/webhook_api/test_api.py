"""The private JSON interface: keys, decisions by hand, and every refusal."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing

import httpx
import pytest

from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus, WaitKind
from postflow.errors import PostFlowError
from postflow.store.database import Store
from postflow.store.tables import WaitRow
from postflow.store.waits import open_wait
from tests.factories import make_upload
from tests.webhook_api.conftest import Service
from tests.webhook_api.signing import BODY, PATH, signed
from webhook_api.errors import STATUS_OF, status_of
from webhook_api.readiness import Readiness

GUIDE_KEYS = {
    *("upload_id", "filename", "file_id", "project_id", "status", "review_status"),
    *("comments_count", "created_at", "webhook_events_received"),
}
STATS_KEYS = {
    *("total_tracked", "active_tracks", "events_processed", "comments_analyzed"),
    *("status_distribution", "review_status_distribution"),
}


@pytest.fixture
def tracked(service: Service) -> Service:
    """Give a service that knows one video, `clip`, which waits for reviewers."""
    with service.store.writing() as session:
        upload = make_upload(session)
        open_wait(
            session,
            upload=upload,
            kind=WaitKind.APPROVAL,
            flow_run_id="0e6d7a54-51c7-4a9c-8f9e-27f4a9f5c1aa",
            now=upload.created_at,
            timeout=None,
        )
    return service


def _decide(
    service: Service, changes: Mapping[str, object] | None = None, *, upload_id: str = "clip"
) -> httpx.Response:
    sensible = {"verdict": "approved", "reason": "seen in the screening", "by": "Ada"}
    decision = {**sensible, **(changes or {})}
    return service.private.post(
        f"/api/uploads/{upload_id}/decision",
        content=json.dumps(decision),
        headers={"content-type": "application/json"},
    )


def test_upload_has_the_guides_keys(tracked: Service) -> None:
    """One upload is one object with the guide's keys at its top level, in lists as alone.

    Alone it also has its change list and its waits.
    """
    alone = tracked.private.get("/api/uploads/clip").json()
    listed = tracked.private.get("/api/uploads").json()

    assert alone.keys() >= GUIDE_KEYS
    (wait,) = alone["waits"]
    assert wait == {**listed[0]["waiting"], "wake_ups": []}
    assert {**listed[0], "changes": [], "remarks": [], "waits": [wait]} == alone
    assert (alone["status"], alone["review_status"]) == ("ready", "pending")


def test_unknown_upload_is_not_found(service: Service) -> None:
    """An id that stands for nothing is 404 with one sentence."""
    answer = service.private.get("/api/uploads/nothing")

    assert answer.status_code == 404
    assert answer.json() == {"detail": "There is no upload 'nothing'."}


@pytest.mark.parametrize("upload_id", ["%00", "%ED%A0%80", "a%20b", "x" * 201, "%2e%2e%2fetc"])
@pytest.mark.parametrize("path", ["/api/uploads/", "/uploads/"])
def test_impossible_id_is_not_found(service: Service, path: str, upload_id: str) -> None:
    """What cannot be an id is 404 before any database sees it."""
    assert service.private.get(path + upload_id).status_code == 404


def test_uploads_are_filtered_and_paged(service: Service) -> None:
    """A list can be narrowed to a status and read in pages."""
    with service.store.writing() as session:
        for number in range(5):
            status = UploadStatus.READY if number % 2 else UploadStatus.UPLOADED
            make_upload(session, f"clip-{number}", file_id=f"file-{number}", status=status)
    ready = service.private.get("/api/uploads", params={"status": "ready"}).json()
    page = service.private.get("/api/uploads", params={"limit": 2, "offset": 4}).json()

    assert {upload["upload_id"] for upload in ready} == {"clip-1", "clip-3"}
    assert len(page) == 1


@pytest.mark.parametrize(
    ("verdict", "review_status"),
    [("approved", "approved"), ("rejected", "rejected"), ("reopen", "pending")],
)
def test_decision_by_hand_is_taken(tracked: Service, verdict: str, review_status: str) -> None:
    """A decision by hand gives the upload as it is now, with who and why."""
    answer = _decide(tracked, {"verdict": verdict})
    upload = answer.json()

    assert answer.status_code == 200
    assert upload.keys() >= GUIDE_KEYS
    assert upload["review_status"] == review_status
    assert upload["verdict"]["source"] == "manual"
    assert (upload["verdict"]["who"], upload["verdict"]["reason"]) == (
        "Ada",
        "seen in the screening",
    )


def test_decision_by_hand_makes_waits_due(tracked: Service) -> None:
    """The wake-up is owed in the same transaction as the decision."""
    _decide(tracked)
    with tracked.store.reading() as session:
        wait = session.get_one(WaitRow, 1)

    assert wait.due_at is not None


def test_decision_about_nothing_is_not_found(service: Service) -> None:
    """Nobody can decide about an upload that does not exist."""
    assert _decide(service, upload_id="nothing").status_code == 404


def test_decision_about_an_old_version_conflicts(tracked: Service) -> None:
    """Whoever looked at another version than the current one must look again."""
    answer = _decide(tracked, {"version": 2})

    assert answer.status_code == 409
    assert "look at the current version" in answer.json()["detail"]
    assert tracked.private.get("/api/uploads/clip").json()["review_status"] == "pending"


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "maybe"},
        {"reason": ""},
        {"reason": "   "},
        {"by": None},
        {"version": 0},
        {"version": "one"},
        {"extra": 1},
        {"reason": "nul \0"},
        {"by": "half of a pair \ud800"},
    ],
    ids=["verdict", "no reason", "blank", "nobody", "zero", "text", "extra", "nul", "surrogate"],
)
def test_malformed_decision_is_unprocessable(tracked: Service, changes: dict[str, object]) -> None:
    """A body that is no decision is 422 with one sentence."""
    answer = _decide(tracked, changes)

    assert answer.status_code == 422
    assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
def test_decision_must_be_json(tracked: Service, content_type: str) -> None:
    """What a foreign page's form could send is never a decision."""
    answer = tracked.private.post(
        "/api/uploads/clip/decision",
        content=b'{"verdict":"approved","reason":"x","by":"y"}',
        headers={"content-type": content_type},
    )

    assert answer.status_code == 422


def test_decision_on_a_locked_store_is_refused(tracked: Service) -> None:
    """While the store is locked a decision is 503, and reading goes on."""
    with tracked.locked():
        refused = _decide(tracked)
        read = tracked.private.get("/api/uploads/clip")

    assert refused.status_code == 503
    assert read.json()["review_status"] == "pending"


def test_stats_have_the_guides_keys(tracked: Service) -> None:
    """The totals name every status, also those that nothing has."""
    stats = tracked.private.get("/api/stats").json()

    assert stats.keys() >= STATS_KEYS
    assert stats["status_distribution"] == {status.value: 0 for status in UploadStatus} | {
        "ready": 1
    }
    assert stats["review_status_distribution"] == {status.value: 0 for status in ReviewStatus} | {
        "pending": 1
    }
    assert (stats["total_tracked"], stats["active_tracks"], stats["waiting"]) == (1, 1, 1)


def test_metrics_tell_the_same_totals(tracked: Service) -> None:
    """Prometheus reads what the statistics say."""
    text = tracked.private.get("/metrics").text

    assert 'postflow_uploads{status="ready"} 1.0' in text
    assert "postflow_waits_open 1.0" in text


def test_metrics_count_the_webhooks_answers(service: Service) -> None:
    """Refused deliveries leave no row, but whoever watches sees that there were some."""
    for headers in (signed(), {}, {}):
        service.public.post(PATH, content=BODY, headers=headers)
    text = service.private.get("/metrics").text

    assert 'postflow_webhook_answers_total{status="202"} 1.0' in text
    assert 'postflow_webhook_answers_total{status="401"} 2.0' in text


def test_ready_says_why_not(service: Service) -> None:
    """Ready while the store answers; 503 with the reason when it does not."""
    before = service.private.get("/ready")
    with closing(sqlite3.connect(service.path)) as connection:
        connection.execute("ALTER TABLE uploads RENAME TO lost")
    after = service.private.get("/ready")

    assert before.status_code == 200
    assert after.status_code == 503
    assert "no such table" in after.json()["detail"]


@pytest.mark.parametrize("path", ["/api/uploads", "/api/stats", "/metrics", "/"])
def test_broken_store_is_one_sentence(service: Service, path: str) -> None:
    """A store that does not answer is 503 with one sentence, on every route that reads it."""
    with closing(sqlite3.connect(service.path)) as connection:
        connection.execute("ALTER TABLE uploads RENAME TO lost")
    answer = service.private.get(path)

    assert answer.status_code == 503
    assert "cannot be used just now" in answer.json()["detail"]


def test_documented_answers_are_ours(service: Service) -> None:
    """The API's own description knows the one shape of our refusals, and no other."""
    described = service.private.get("/openapi.json").json()
    decision = described["paths"]["/api/uploads/{upload_id}/decision"]["post"]["responses"]

    assert decision.keys() == {"200", "400", "401", "403", "404", "409", "422", "503"}
    assert "HTTPValidationError" not in json.dumps(described)


def test_ready_needs_the_tracker(sqlite_store: Store) -> None:
    """A service whose tracker has ended is not ready, whatever else works."""
    reasons = Readiness(sqlite_store, is_tracking=lambda: False).list_reasons()

    assert len(reasons) == 1
    assert "tracker" in reasons[0]


@pytest.mark.parametrize("error", [kind for kind, _ in STATUS_OF], ids=lambda kind: kind.__name__)
def test_every_error_has_its_status(error: type[PostFlowError]) -> None:
    """No error of ours hides behind one that stands before it in the table."""
    first = next(status for kind, status in STATUS_OF if issubclass(error, kind))

    assert dict(STATUS_OF)[error] == first
    assert status_of(error("x")) == first
