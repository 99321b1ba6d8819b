"""Whose turn it is to send an upload's bytes, and what was asked of Frame.io without an answer.

One process at a time holds the claim on an upload, for as long as it renews it. It is also the
memory that tells a forgotten empty file from one that another upload is just about to fill.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from postflow.errors import ClaimLostError
from postflow.store.tables import UploadClaimRow, VersionRow
from postflow.store.uploads import load_upload


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedFor:
    """A placeholder that Frame.io was asked for."""

    folder_id: str
    name: str
    size: int
    since: datetime


def take_claim(
    session: Session, upload_id: str, *, holder: str, now: datetime, lease: timedelta
) -> bool:
    """Take or renew the claim; False while another process holds it."""
    load_upload(session, upload_id, lock=True)  # two that begin a claim take turns here
    claim = _find(session, upload_id)
    if claim is None:
        session.add(UploadClaimRow(upload_id=upload_id, holder=holder, until=now + lease))
        return True
    if claim.holder != holder:
        if claim.until > now:
            return False
        _lose_answer(claim)
    claim.holder, claim.until = holder, now + lease
    return True


def release_claim(session: Session, upload_id: str, *, holder: str, now: datetime) -> None:
    """Let others take the claim at once; what was never answered stays on record."""
    claim = _find(session, upload_id)
    if claim is None or claim.holder != holder:
        return
    _lose_answer(claim)
    claim.until = now
    if claim.unanswered_since is None:
        session.delete(claim)


def check_claim(session: Session, upload_id: str, *, holder: str) -> UploadClaimRow:
    """Return the claim; ClaimLostError where another process has taken over."""
    load_upload(session, upload_id, lock=True)
    claim = _find(session, upload_id)
    if claim is None or claim.holder != holder:
        raise taken_over(upload_id)
    return claim


def taken_over(upload_id: str) -> ClaimLostError:
    """Say that the claim is somebody else's now."""
    return ClaimLostError(
        f"Another process has taken over the upload of {upload_id}, because this one was not "
        f"heard of for too long; `postflow status {upload_id}` shows how it goes on."
    )


def record_asking(session: Session, upload_id: str, *, holder: str, asked: AskedFor) -> None:
    """Say that Frame.io is asked for a placeholder from now on."""
    claim = check_claim(session, upload_id, holder=holder)
    claim.folder_id, claim.name, claim.size = asked.folder_id, asked.name, asked.size
    claim.asking_since = asked.since


def record_lost_answer(session: Session, upload_id: str, *, holder: str) -> None:
    """Say that the answer is lost: there may be a placeholder, or none."""
    _lose_answer(check_claim(session, upload_id, holder=holder))


def record_answered(session: Session, upload_id: str, *, holder: str) -> None:
    """Say that nothing is open any more: the answer is known, or what it left is deleted."""
    claim = check_claim(session, upload_id, holder=holder)
    claim.asking_since = claim.unanswered_since = None


def load_unanswered(session: Session, upload_id: str) -> AskedFor | None:
    """Return what was asked for and may have left a file behind."""
    claim = _find(session, upload_id)
    if claim is None or claim.unanswered_since is None:
        return None
    return AskedFor(
        folder_id=claim.folder_id or "",
        name=claim.name or "",
        size=claim.size or 0,
        since=claim.unanswered_since,
    )


def find_orphans(
    session: Session, upload_id: str, file_ids: Iterable[str], *, asked: AskedFor, now: datetime
) -> frozenset[str] | None:
    """Return those files that no upload has on record; None while it cannot be known.

    That is while another upload asks for just such a file: one of these may be its answer.
    """
    another = select(UploadClaimRow.upload_id).where(
        UploadClaimRow.upload_id != upload_id,
        UploadClaimRow.folder_id == asked.folder_id,
        UploadClaimRow.name == asked.name,
        UploadClaimRow.size == asked.size,
        col(UploadClaimRow.asking_since).is_not(None),
        col(UploadClaimRow.until) > now,
    )
    if session.exec(another).first() is not None:
        return None
    found = frozenset(file_ids)
    known = session.exec(select(VersionRow.file_id).where(col(VersionRow.file_id).in_(found)))
    return found - set(known)


def _find(session: Session, upload_id: str) -> UploadClaimRow | None:
    return session.exec(
        select(UploadClaimRow)
        .where(UploadClaimRow.upload_id == upload_id)
        .execution_options(populate_existing=True)
    ).first()


def _lose_answer(claim: UploadClaimRow) -> None:
    claim.unanswered_since = claim.unanswered_since or claim.asking_since
    claim.asking_since = None
