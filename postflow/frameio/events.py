"""Webhooks and what they deliver, as Frame.io writes it.

Use it through `postflow.frameio.wire`.
"""

from __future__ import annotations

from typing import NamedTuple

from pydantic import Field

from postflow.frameio.envelopes import Moment, Payload


class Webhook(Payload):
    """A subscription of one workspace; `secret` comes once, in the answer to its creation."""

    id: str
    name: str
    url: str
    events: list[str]
    created_at: Moment
    updated_at: Moment
    active: bool = True
    workspace_id: str | None = None
    secret: str | None = Field(default=None, repr=False)


class Reference(Payload):
    """An id in a webhook body; a resource also says what it is."""

    id: str | None = None
    type: str | None = None


class WebhookEvent(NamedTuple):
    """What a delivery says: a hint to read again. Anything may be missing.

    No payload model: thousands of them are read a second, and their bytes are kept anyway.
    """

    type: str | None = None
    resource_id: str | None = None
    resource_type: str | None = None
    project_id: str | None = None
    user_id: str | None = None
    workspace_id: str | None = None
    account_id: str | None = None


WEBHOOK_EVENTS = frozenset(
    f"{group}.{happened}"
    for group, all_that_happens in {
        "file": "created updated deleted ready upload.completed versioned copied",
        "folder": "created updated deleted copied",
        "comment": "created updated deleted completed uncompleted",
        "project": "created updated deleted",
        "collection": "created updated deleted",
        "customfield": "created updated deleted",
        "share": "created updated deleted viewed",
        "metadata": "value.updated",
    }.items()
    for happened in all_that_happens.split()
)
