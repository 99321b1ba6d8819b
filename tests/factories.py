"""Small makers of the things that tests are about; each names only what the test changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlmodel import Session, col, select

from postflow.domain.people import Person
from postflow.domain.standing import DecisionSource, Review, ReviewStatus, Statement
from postflow.domain.uploads import UploadStatus
from postflow.settings import Settings
from postflow.settings.sections import ReviewSettings
from postflow.store.comments import SeenComment
from postflow.store.inbox import Delivery, record_deliveries
from postflow.store.tables import EventRow, UploadRow
from postflow.store.uploads import load_version, register_upload

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PROJECT = "project-1"
EDITOR = Person(id="user-editor", email="ed@studio.example", name="Ed")
CLIENT = Person(id="user-client", email="cleo@client.example", name="Cleo")
REVIEWER = Person(id="user-reviewer", email="rene@client.example", name="René")
GUEST = Person(email="gus@elsewhere.example", name="Gus")


def after(seconds: float) -> datetime:
    """Return a moment of the test's own time."""
    return NOW + timedelta(seconds=seconds)


def make_settings(**review: object) -> Settings:
    """Return settings that differ from the defaults in their review section."""
    return Settings(review=ReviewSettings.model_validate(review))


def make_upload(
    session: Session,
    upload_id: str = "clip",
    *,
    file_id: str | None = "file-1",
    filename: str = "clip.mp4",
    project_id: str | None = PROJECT,
    status: UploadStatus = UploadStatus.READY,
    now: datetime = NOW,
) -> UploadRow:
    """Register an upload whose file Ed has uploaded."""
    upload = register_upload(
        session,
        upload_id=upload_id,
        filename=filename,
        file_id=file_id,
        project_id=project_id,
        now=now,
    )
    upload.status = status
    if file_id is not None:
        load_version(session, upload).uploader_id = EDITOR.id
    session.flush()
    return upload


def make_delivery(
    resource_id: str = "file-1",
    *,
    event_type: str = "file.ready",
    user: Person | None = EDITOR,
    project_id: str | None = PROJECT,
    at: datetime = NOW,
) -> Delivery:
    """Return a verified delivery as the webhook route would record it."""
    return Delivery(
        body=f'{{"type":"{event_type}","resource":{{"id":"{resource_id}"}}}}'.encode(),
        request_timestamp=str(int(at.timestamp())),
        received_at=at,
        event_type=event_type,
        resource_type=event_type.partition(".")[0],
        resource_id=resource_id,
        project_id=project_id,
        user_id=user.id if user else None,
    )


def make_statement(
    who: str = "cleo",
    said: ReviewStatus = ReviewStatus.APPROVED,
    *,
    t: float = 0,
    key: str = "k",
    whole: bool = False,
    known: bool = True,
    counts: bool = True,
    may_approve: bool = True,
) -> Statement:
    """Return one thing said about a version."""
    return Statement(
        who=who,
        said=said,
        at=after(t),
        source=DecisionSource.STATUS_FIELD if whole else DecisionSource.COMMENTS,
        key=key,
        whole=whole,
        known=known,
        counts=counts,
        may_approve=may_approve,
    )


def make_review(
    status: ReviewStatus = ReviewStatus.APPROVED, *, who: str = "cleo", t: float = 0
) -> Review:
    """Return the outcome of a review that one statement made."""
    return Review(status=status, deciding=make_statement(who, status, t=t))


def make_seen(
    comment_id: str = "comment-1",
    *,
    text: str = "Approved.",
    author: Person = CLIENT,
    verdict: ReviewStatus = ReviewStatus.APPROVED,
    t: float = 0,
    edited: float | None = None,
) -> SeenComment:
    """Return a comment as it was read, with a verdict of the test's choice."""
    return SeenComment(
        comment_id=comment_id,
        author=author,
        text=text,
        written_at=after(t),
        edited_at=None if edited is None else after(edited),
        verdict=verdict,
        score=1.0 if verdict is ReviewStatus.APPROVED else -1.0,
        reason=f"says {verdict}",
        analyser_version="test",
    )


def make_events(session: Session, *deliveries: Delivery) -> list[int]:
    """Record deliveries and return the ids of their rows."""
    record_deliveries(session, deliveries)
    newest = select(EventRow.id).order_by(col(EventRow.id).desc()).limit(len(deliveries))
    return sorted(event_id for event_id in session.exec(newest) if event_id is not None)
