"""One upload with its change list and its waits: what a person needs who must do something."""

from __future__ import annotations

from sqlmodel import Session

from postflow.settings import Settings
from postflow.store.change_lists import list_changes, list_remarks
from postflow.store.own_users import load_rules
from postflow.store.uploads import load_upload
from postflow.store.view_types import UploadDetailView
from postflow.store.views import upload_status
from postflow.store.wake_ups import read_ledger


def upload_detail(session: Session, upload_id: str, settings: Settings) -> UploadDetailView | None:
    """Return everything about one upload, or None where there is none of this id."""
    view = upload_status(session, upload_id)
    if view is None:
        return None
    upload = load_upload(session, upload_id)
    rules = load_rules(session, settings.for_project(upload.project_id).review)
    return UploadDetailView(
        **view,
        changes=list_changes(session, upload, rules),
        remarks=list_remarks(session, upload, rules),
        waits=read_ledger(session, upload_id),
    )
