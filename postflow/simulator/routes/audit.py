"""The account's audit log: who did what, without saying which value changed."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from postflow.frameio.wire import render_time
from postflow.simulator.calling import CallDep
from postflow.simulator.paging import render_page
from postflow.simulator.people import stable_id
from postflow.simulator.records import Happening
from postflow.simulator.state import ACCOUNT_ID

router = APIRouter(prefix="/v4/accounts/{account_id}")

# What the log calls the events that webhooks call otherwise; others are not logged at all.
_EVENT_TYPES = {
    "file.created": "asset_created",
    "file.upload.completed": "file_uploaded",
    "file.updated": "asset_updated",
    "file.deleted": "asset_deleted",
    "file.versioned": "asset_versioned",
    "folder.created": "asset_created",
    "folder.updated": "asset_updated",
    "folder.deleted": "asset_deleted",
    "metadata.value.updated": "metadata_value_updated",
}
_SAME_NAME = ("comment.", "project.", "share.")
_RESOURCE_TYPES = {"file": "asset"}


@router.get("/audit_logs")
async def list_audit_logs(call: CallDep) -> dict[str, Any]:
    """List what happened, newest first; `filters[…]` narrow it."""
    query = call.request.query_params
    wanted = {
        name: query[f"filters[{name}]"]
        for name in ("event_type", "resource_id", "resource_type", "user_id", "project_id")
        if f"filters[{name}]" in query
    }
    with_user = "user" in call.includes({"user"}).include
    lines = [
        _Line(happening) for happening in reversed(call.state.history) if _is_logged(happening)
    ]
    found = [
        line for line in lines if all(line.fields[name] == each for name, each in wanted.items())
    ]
    return render_page(call.request, found, lambda line: line.render(with_user=with_user))


def _is_logged(happening: Happening) -> bool:
    return happening.type in _EVENT_TYPES or happening.type.startswith(_SAME_NAME)


class _Line:
    """One line of the log; its id is only for the cursor."""

    def __init__(self, happening: Happening) -> None:
        kind = happening.type
        self.user = happening.user
        self.fields: dict[str, Any] = {
            "account_id": ACCOUNT_ID,
            "event_type": _EVENT_TYPES.get(kind, kind.replace(".", "_")),
            "inserted_at": render_time(happening.at),
            "ip_address": "127.0.0.1",
            "project_id": happening.project_id,
            "resource_id": happening.resource_id,
            "resource_type": _RESOURCE_TYPES.get(happening.resource_type, happening.resource_type),
            "user_id": happening.user.id,
            "workspace_id": happening.workspace_id,
        }

    @property
    def id(self) -> str:
        """An id made of what the line says."""
        return stable_id(*(str(value) for value in self.fields.values()))

    def render(self, *, with_user: bool) -> dict[str, Any]:
        """Write the line, with its user if asked for."""
        user = self.user.model_dump(mode="json") if with_user else None
        return self.fields | ({"user": user} if with_user else {})
