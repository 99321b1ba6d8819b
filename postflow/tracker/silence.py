"""Whether nobody has objected: what approving on silence rests on, where a person has asked for it.

In doubt it is no silence. A word that decides nothing, a question, a Status that was set back, or
a Frame.io that could not be read since the deadline: then nothing is approved.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from postflow.domain.standing import DecisionSource, ReviewStatus
from postflow.settings import Settings
from postflow.store.change_lists import author_of
from postflow.store.comments import load_comments
from postflow.store.own_users import load_rules
from postflow.store.tables import UploadRow
from postflow.store.uploads import load_version
from postflow.tracker.statements import load_statements

_SOON = timedelta(seconds=60)
"""A look that is due so soon, or under way, is not brought forward."""


def may_ask_frameio(session: Session, upload: UploadRow, *, since: datetime, now: datetime) -> bool:
    """Whether Frame.io is to be read before anything is made of silence until `since`.

    Brings the next look forward if it is. Who never had a file at Frame.io has nothing to read.
    """
    read_at = load_version(session, upload).read_at
    if read_at is not None and read_at >= since:
        return False
    if upload.look_at is None or upload.look_at > now + _SOON:
        upload.look_at = now
        session.flush()
    return True


def is_silence(session: Session, upload: UploadRow, *, settings: Settings) -> bool:
    """Whether no reviewer has said anything but yes about the current version."""
    version = load_version(session, upload)
    own = settings.for_project(upload.project_id)
    rules = load_rules(session, own.review)
    if upload.review_status != ReviewStatus.PENDING or upload.gone_at is not None:
        return False
    spoken = [
        comment
        for comment in load_comments(session, upload.upload_id, version.version)
        if not rules.is_editor(author_of(comment), uploader_id=version.uploader_id)
    ]
    rulings = [
        each
        for each in load_statements(session, version, own)
        if each.source is not DecisionSource.COMMENTS
    ]
    words = [comment.verdict for comment in spoken] + [each.said for each in rulings]
    return all(word == ReviewStatus.APPROVED for word in words)
