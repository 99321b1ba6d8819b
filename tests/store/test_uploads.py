"""Uploads: registered once, attached to one file, looked at by one reader at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postflow.domain.uploads import UploadStatus
from postflow.errors import UnknownUploadError, UploadConflictError, UploadError
from postflow.store.database import Store
from postflow.store.looks import begin_look, claim_due_looks, lock_looked_at
from postflow.store.tables import UploadRow
from postflow.store.uploads import (
    attach_file,
    find_unattached,
    find_version,
    has_unattached,
    is_project_tracked,
    load_upload,
    register_upload,
)
from tests.factories import NOW, PROJECT, after, make_upload
from tests.store.test_database import run_together


def register(store: Store, upload_id: str = "clip", **changed: str | None) -> UploadRow:
    """Register an upload, changed in what the test is about."""
    given: dict[str, str | None] = {"filename": "clip.mp4", "file_id": "file-1"}
    given |= changed
    with store.writing() as session:
        return register_upload(
            session,
            upload_id=upload_id,
            filename=given["filename"] or "",
            file_id=given["file_id"],
            project_id=given.get("project_id"),
            path=given.get("path"),
            now=NOW,
        )


def test_registering_twice_changes_nothing(store: Store) -> None:
    """The same call again returns the same upload."""
    first, again = register(store), register(store)
    assert (again.upload_id, again.created_at) == (first.upload_id, first.created_at)


def test_registering_at_once_makes_one(store: Store) -> None:
    """Two processes that register the same video together both succeed."""
    run_together(*[lambda: register(store) for _ in range(4)])
    with store.reading() as session:
        assert load_upload(session, "clip").file_id == "file-1"


def test_same_id_for_another_file_is_refused(store: Store) -> None:
    """An id stands for one file; the error names the id and both files."""
    register(store)
    with pytest.raises(
        UploadConflictError, match=r"'clip' already stands for clip.mp4 .*other.mp4"
    ):
        register(store, filename="other.mp4", file_id="file-2")


def test_same_file_under_another_id_is_refused(store: Store) -> None:
    """A Frame.io file is tracked once; the error names the id to use."""
    register(store)
    with pytest.raises(UploadConflictError, match="already tracked as 'clip'"):
        register(store, "again")


@pytest.mark.parametrize("bad", ["", "a b", "a/b", "x" * 201, "é"])
def test_impossible_ids_are_refused(store: Store, bad: str) -> None:
    """An id is 1 to 200 letters, digits and four signs."""
    with pytest.raises(UploadError, match="cannot be an upload id"):
        register(store, bad)


def test_unknown_upload_is_named(store: Store) -> None:
    """Asking for an id that nobody registered says so, and where to look."""
    says = r"no upload 'nope'.*postflow status"
    with pytest.raises(UnknownUploadError, match=says), store.reading() as session:
        load_upload(session, "nope")


def test_file_can_be_named_later(store: Store) -> None:
    """Registering again with the file attaches it, and the tracker looks at once."""
    register(store, file_id=None)
    assert register(store).file_id == "file-1"
    with store.reading() as session:
        found = find_version(session, "file-1")
        assert found is not None
        assert load_upload(session, "clip").look_at == NOW


def test_oldest_waiting_name_is_found(store: Store) -> None:
    """A reported file goes to the oldest upload of its name and project that has none."""
    with store.writing() as session:
        for number, project in enumerate(["other", PROJECT, PROJECT]):
            make_upload(
                session,
                f"u{number}",
                file_id=None,
                project_id=project,
                status=UploadStatus.REGISTERED,
                now=after(number),
            )
    with store.writing() as session:
        found = find_unattached(session, "clip.mp4", project_id=PROJECT)
        assert found is not None
        assert found.upload_id == "u1"
        attach_file(session, found, file_id="file-1", now=NOW)
        assert find_unattached(session, "nothing.mp4", project_id=PROJECT) is None
        assert not has_unattached(session, project_id="third")
        assert has_unattached(session, project_id="other")


def test_own_uploads_wait_for_no_name(store: Store) -> None:
    """A video that PostFlow uploads itself is never attached to a file of the same name."""
    register(store, file_id=None, path="/masters/clip.mp4")
    with store.writing() as session:
        assert find_unattached(session, "clip.mp4", project_id=None) is None


def test_tracked_projects_are_told_apart(store: Store) -> None:
    """An event of a project with nothing under review concerns nobody."""
    with store.writing() as session:
        make_upload(session)
        assert is_project_tracked(session, PROJECT)
        assert not is_project_tracked(session, "other")
        make_upload(session, "anywhere", file_id=None, project_id=None)
        assert is_project_tracked(session, "other")


def test_overtaken_look_is_recognised(store: Store) -> None:
    """Of two readings that were begun, only the newer one may be written down."""
    register(store)
    with store.writing() as session:
        first = begin_look(session, "file-1")
        assert first is not None
        number = first.number
    with store.writing() as session:
        assert begin_look(session, "file-1") is not None
    with store.writing() as session:
        assert lock_looked_at(session, "file-1", look=number) is None
        assert lock_looked_at(session, "file-1", look=number + 1) is not None
        assert begin_look(session, "nobody's") is None


def test_due_looks_are_claimed_once(store: Store) -> None:
    """A look that somebody does is offered again only when its lease has run out."""
    register(store)

    def claim(t: float) -> list[tuple[str, str]]:
        with store.writing() as session:
            return claim_due_looks(session, now=after(t), limit=5, lease=timedelta(seconds=30))

    assert claim(0) == [("clip", "file-1")]
    assert claim(29) == []
    assert claim(30) == [("clip", "file-1")]
