"""The dashboard's pages: what they show, and that other people's words stay words."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from postflow.dashboard.model import load_dashboard, say_age, say_stage
from postflow.domain.standing import ReviewStatus
from postflow.domain.uploads import UploadStatus, WaitKind
from postflow.store.comments import apply_comments
from postflow.store.database import Store
from postflow.store.uploads import fail_upload, load_version
from postflow.store.views import upload_status
from postflow.store.waits import open_wait
from postflow.tracker.deciding import redecide
from tests.factories import NOW, after, make_seen, make_settings, make_upload
from tests.webhook_api.conftest import Service

SCRIPT = "<script>alert('x')</script>"
PAGES = ("/", "/uploads/clip")


@pytest.fixture
def reviewed(service: Service) -> Service:
    """Give a service with one rejected video that waits, full of hostile texts."""
    with service.store.writing() as session:
        upload = make_upload(session, filename=f"{SCRIPT}.mp4")
        load_version(session, upload).view_url = "javascript:alert(1)"
        open_wait(
            session,
            upload=upload,
            kind=WaitKind.APPROVAL,
            flow_run_id="0e6d7a54-51c7-4a9c-8f9e-27f4a9f5c1aa",
            now=NOW,
            timeout=None,
        )
        seen = make_seen(text=f"Too dark {SCRIPT}", verdict=ReviewStatus.REJECTED)
        apply_comments(session, [seen], upload_id="clip", version=1, file_id="file-1", now=after(1))
        redecide(session, upload, settings=make_settings(), now=after(1))
    return service


@pytest.mark.parametrize("path", PAGES)
def test_names_and_texts_are_escaped(reviewed: Service, path: str) -> None:
    """A file name or a comment that is HTML is shown as text and never becomes an element."""
    page = reviewed.private.get(path)

    assert page.status_code == 200
    assert SCRIPT not in page.text
    assert "&lt;script&gt;" in page.text
    assert re.findall(r"<script[^>]*>", page.text) == ['<script src="/static/dashboard.js" defer>']


@pytest.mark.parametrize("path", PAGES)
def test_links_lead_to_web_addresses_only(reviewed: Service, path: str) -> None:
    """An address that Frame.io gave becomes a link only if a link may lead there."""
    assert "javascript:" not in reviewed.private.get(path).text


@pytest.mark.parametrize("path", PAGES)
def test_pages_allow_own_files_only(reviewed: Service, path: str) -> None:
    """The browser is told to run nothing but our own files, and pages need nothing else."""
    page = reviewed.private.get(path)
    policy = page.headers["content-security-policy"]
    files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)

    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page.text)
    assert not re.search(r"\son\w+=|\sstyle=", page.text)
    assert {reviewed.private.get(file).status_code for file in files} == {200}


def test_dashboard_says_who_waits_and_why(reviewed: Service) -> None:
    """The first page tells verdict, who gave it, and since when the flow run waits."""
    page = reviewed.private.get("/").text

    assert "Who waits" in page
    assert "waits for a new answer" in page
    assert "Cleo" in page
    assert "says rejected" in page
    assert 'data-verdict="approved"' in page


def test_story_tells_what_happened(reviewed: Service) -> None:
    """The page of an upload tells comment, decision and wait."""
    page = reviewed.private.get("/uploads/clip").text

    assert "What happened" in page
    assert "waits for approval" in page
    assert page.count("Too dark") >= 2


def test_unknown_upload_has_no_page(service: Service) -> None:
    """A page about nothing is 404."""
    assert service.private.get("/uploads/nothing").status_code == 404


def test_empty_store_has_a_page(service: Service) -> None:
    """A new installation shows how to begin instead of nothing."""
    assert "postflow run" in service.private.get("/").text


def test_dashboard_is_read_in_pages(store: Store) -> None:
    """A page holds so many uploads and says whether there are older ones."""
    with store.writing() as session:
        for number in range(3):
            make_upload(session, f"clip-{number}", file_id=f"file-{number}", now=after(number))
    with store.reading() as session:
        first = load_dashboard(session, now=after(10), uploads=2)
        second = load_dashboard(session, now=after(10), uploads=2, offset=2)

    assert [upload["upload_id"] for upload in first.uploads] == ["clip-2", "clip-1"]
    assert (first.has_more, second.has_more) == (True, False)


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (timedelta(seconds=0), "0 s"),
        (timedelta(seconds=119), "119 s"),
        (timedelta(minutes=2), "2 min"),
        (timedelta(minutes=59), "59 min"),
        (timedelta(hours=1), "1 h"),
        (timedelta(hours=23), "23 h"),
        (timedelta(days=3), "3 d"),
        (timedelta(seconds=-5), "0 s"),
    ],
)
def test_ages_are_said_in_one_unit(age: timedelta, said: str) -> None:
    """An age is short enough for a table, and a clock that is behind makes none negative."""
    assert say_age(NOW.isoformat(), NOW + age) == said


@pytest.mark.parametrize("status", list(UploadStatus))
def test_every_status_has_a_stage(sqlite_store: Store, status: UploadStatus) -> None:
    """There is a word for an upload in each status."""
    with sqlite_store.writing() as session:
        make_upload(session, status=status)
    with sqlite_store.reading() as session:
        view = upload_status(session, "clip")

    assert view is not None
    assert say_stage(view)


def test_failure_beats_every_other_stage(sqlite_store: Store) -> None:
    """A failed upload is shown as failed, also after it was approved."""
    with sqlite_store.writing() as session:
        upload = make_upload(session)
        upload.review_status = ReviewStatus.APPROVED
        fail_upload(upload, reason="gone", now=NOW)
    with sqlite_store.reading() as session:
        view = upload_status(session, "clip")

    assert view is not None
    assert say_stage(view) == "failed"
