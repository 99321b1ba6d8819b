"""What the reviewers of a version want changed: who, what, where."""

from __future__ import annotations

from sqlmodel import Session, select

from postflow.domain.people import Person, ReviewRules
from postflow.domain.standing import ReviewStatus
from postflow.store.comments import load_comments
from postflow.store.tables import CommentRow, UploadRow, VersionRow


def list_changes(
    session: Session, upload: UploadRow, rules: ReviewRules, *, version: int | None = None
) -> list[dict[str, object]]:
    """Return the change list of the given version, else of the current one."""
    number = upload.version if version is None else version
    row = session.exec(
        select(VersionRow).where(
            VersionRow.upload_id == upload.upload_id, VersionRow.version == number
        )
    ).first()
    uploader_id = row.uploader_id if row else None
    return [
        {
            "comment_id": comment.comment_id,
            "author": author_of(comment).display_name,
            "timecode": comment.timecode,
            "text": comment.text,
            "reason": comment.reason,
            "done": comment.completed_at is not None,
        }
        for comment in load_comments(session, upload.upload_id, number)
        if comment.verdict == ReviewStatus.REJECTED
        and not rules.is_editor(author_of(comment), uploader_id=uploader_id)
    ]


def list_open_changes(
    session: Session, upload: UploadRow, rules: ReviewRules, *, version: int
) -> list[dict[str, object]]:
    """Return what was asked for in a version and not ticked off as done."""
    changes = list_changes(session, upload, rules, version=version)
    return [change for change in changes if not change["done"]]


def author_of(comment: CommentRow) -> Person:
    """Return who wrote the comment."""
    return Person(id=comment.author_id, email=comment.author_email, name=comment.author_name)
