"""Comments: as they stand now, and everything they ever said."""

from __future__ import annotations

from sqlmodel import col, select

from postflow.domain.standing import ReviewStatus
from postflow.store.comments import SeenComment, apply_comments, load_comments
from postflow.store.database import Store
from postflow.store.tables import CommentRevisionRow
from tests.factories import after, make_seen, make_upload


def apply(store: Store, *seen: SeenComment, t: float = 0) -> list[str]:
    """Write down a complete list of comments; return the texts that stand."""
    with store.writing() as session:
        apply_comments(session, seen, upload_id="clip", version=1, file_id="file-1", now=after(t))
    with store.reading() as session:
        return [row.text for row in load_comments(session, "clip", 1)]


def track(store: Store) -> None:
    """Track one upload."""
    with store.writing() as session:
        make_upload(session)


def revisions(store: Store) -> list[tuple[int, str, bool]]:
    """Return what the comments ever said, in order."""
    with store.reading() as session:
        rows = session.exec(select(CommentRevisionRow).order_by(col(CommentRevisionRow.id)))
        return [(row.sequence, row.text, row.deleted) for row in rows]


def test_comments_are_kept_in_writing_order(store: Store) -> None:
    """The comments that stand are read in the order in which they were written."""
    track(store)
    assert apply(store, make_seen("b", text="2", t=2), make_seen("a", text="1", t=1)) == ["1", "2"]


def test_same_list_again_changes_nothing(store: Store) -> None:
    """Reading the same comments again adds no revision."""
    track(store)
    for _ in range(3):
        apply(store, make_seen())
    assert revisions(store) == [(1, "Approved.", False)]


def test_edit_keeps_the_old_text(store: Store) -> None:
    """An edited comment says the new text, and the old one stays on record."""
    track(store)
    apply(store, make_seen(text="No."))
    assert apply(store, make_seen(text="Yes.", edited=5)) == ["Yes."]
    assert revisions(store) == [(1, "No.", False), (2, "Yes.", False)]


def test_missing_comment_was_deleted(store: Store) -> None:
    """What a complete list does not show any more is deleted, on record."""
    track(store)
    apply(store, make_seen())
    assert apply(store, t=5) == []
    assert revisions(store) == [(1, "Approved.", False), (2, "Approved.", True)]


def test_deleted_approval_stays_deleted(store: Store) -> None:
    """An approval that was deleted does not come back, whatever a later list shows."""
    track(store)
    apply(store, make_seen())
    apply(store)
    assert apply(store, make_seen()) == []


def test_rejection_that_is_back_counts(store: Store) -> None:
    """A refusal that a list left out by mistake blocks again as soon as it is seen."""
    track(store)
    refusal = make_seen(text="No.", verdict=ReviewStatus.REJECTED)
    apply(store, refusal)
    apply(store)
    assert apply(store, refusal) == ["No."]


def test_files_keep_their_own_comments(store: Store) -> None:
    """An empty list of one file deletes nothing of another one."""
    track(store)
    apply(store, make_seen())
    with store.writing() as session:
        make_upload(session, "other", file_id="file-2")
        apply_comments(session, [], upload_id="other", version=1, file_id="file-2", now=after(9))
    assert apply(store, make_seen()) == ["Approved."]
