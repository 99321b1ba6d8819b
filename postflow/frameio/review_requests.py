"""The requests about comments, metadata, webhooks, shares and the audit log; sent elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pydantic import JsonValue

from postflow.frameio.protocol import SIXTY_A_MINUTE, TEN_A_MINUTE, Call, path_of
from postflow.frameio.requests import PAGE, including
from postflow.frameio.wire import (
    EXPERIMENTAL_HEADER,
    AuditLog,
    Comment,
    FieldDefinition,
    FileMetadata,
    Payload,
    Share,
    Webhook,
)


def list_comments(account_id: str, file_id: str, *, include: Iterable[str]) -> Call[Comment]:
    """Ask for the comments of a file, oldest first."""
    return Call(
        operation="list the comments of file",
        about=file_id,
        path=path_of("accounts", account_id, "files", file_id, "comments"),
        model=Comment,
        params={**PAGE, "sort": "created_at_asc", **including(include)},
    )


def show_comment(account_id: str, comment_id: str, *, include: Iterable[str]) -> Call[Comment]:
    """Ask for one comment or reply."""
    return Call(
        operation="show comment",
        about=comment_id,
        path=path_of("accounts", account_id, "comments", comment_id),
        model=Comment,
        params=including(include),
    )


def create_comment(
    account_id: str, file_id: str, *, text: str, timestamp: int | None
) -> Call[Comment]:
    """Ask for a new comment, at a frame or on the whole file."""
    place: dict[str, JsonValue] = {} if timestamp is None else {"timestamp": timestamp}
    return Call(
        operation="comment on file",
        about=file_id,
        method="POST",
        path=path_of("accounts", account_id, "files", file_id, "comments"),
        model=Comment,
        data={"text": text, **place},
    )


def update_comment(
    account_id: str, comment_id: str, *, changes: Mapping[str, JsonValue]
) -> Call[Comment]:
    """Ask to change a comment; `completed` is written here, and read as `completed_at`."""
    return Call(
        operation="update comment",
        about=comment_id,
        method="PATCH",
        path=path_of("accounts", account_id, "comments", comment_id),
        model=Comment,
        data=changes,
        rate=TEN_A_MINUTE,
    )


def delete_comment(account_id: str, comment_id: str) -> Call[Payload]:
    """Ask to delete a comment."""
    return Call(
        operation="delete comment",
        about=comment_id,
        method="DELETE",
        path=path_of("accounts", account_id, "comments", comment_id),
        model=Payload,
        rate=SIXTY_A_MINUTE,
    )


def show_metadata(account_id: str, file_id: str, *, show_null: bool) -> Call[FileMetadata]:
    """Ask for the field values of a file."""
    return Call(
        operation="show the metadata of file",
        about=file_id,
        path=path_of("accounts", account_id, "files", file_id, "metadata"),
        model=FileMetadata,
        params={"show_null": "true"} if show_null else {},
    )


def list_field_definitions(account_id: str) -> Call[FieldDefinition]:
    """Ask for all metadata fields of the account."""
    return Call(
        operation="list the metadata fields",
        about=f"of account {account_id}",
        path=path_of("accounts", account_id, "metadata", "field_definitions"),
        model=FieldDefinition,
        params=PAGE,
    )


def set_option(
    account_id: str, project_id: str, *, file_id: str, field_id: str, option_id: str
) -> Call[Payload]:
    """Ask to choose one option of a select field; select values are lists even of one."""
    return Call(
        operation="set the metadata of file",
        about=file_id,
        method="PATCH",
        path=path_of("accounts", account_id, "projects", project_id, "metadata", "values"),
        model=Payload,
        data={
            "file_ids": [file_id],
            "values": [{"field_definition_id": field_id, "value": [option_id]}],
        },
        rate=TEN_A_MINUTE,
    )


def list_webhooks(account_id: str, workspace_id: str) -> Call[Webhook]:
    """Ask for the webhooks of a workspace, which come without their secrets."""
    return Call(
        operation="list the webhooks",
        about=f"of workspace {workspace_id}",
        path=path_of("accounts", account_id, "workspaces", workspace_id, "webhooks"),
        model=Webhook,
        params=PAGE,
    )


def show_webhook(account_id: str, webhook_id: str) -> Call[Webhook]:
    """Ask for one webhook, which comes without its secret."""
    return Call(
        operation="show webhook",
        about=webhook_id,
        path=path_of("accounts", account_id, "webhooks", webhook_id),
        model=Webhook,
    )


def create_webhook(
    account_id: str, workspace_id: str, *, name: str, url: str, events: Sequence[str]
) -> Call[Webhook]:
    """Ask for a new webhook; only this answer ever holds its secret."""
    return Call(
        operation="create a webhook",
        about=f"in workspace {workspace_id}",
        method="POST",
        path=path_of("accounts", account_id, "workspaces", workspace_id, "webhooks"),
        model=Webhook,
        data={"name": name, "url": url, "events": list(events)},
        rate=TEN_A_MINUTE,
    )


def update_webhook(
    account_id: str, webhook_id: str, *, changes: Mapping[str, JsonValue]
) -> Call[Webhook]:
    """Ask to change a webhook."""
    return Call(
        operation="update webhook",
        about=webhook_id,
        method="PATCH",
        path=path_of("accounts", account_id, "webhooks", webhook_id),
        model=Webhook,
        data=changes,
        rate=TEN_A_MINUTE,
    )


def delete_webhook(account_id: str, webhook_id: str) -> Call[Payload]:
    """Ask to delete a webhook; deliveries stop at once."""
    return Call(
        operation="delete webhook",
        about=webhook_id,
        method="DELETE",
        path=path_of("accounts", account_id, "webhooks", webhook_id),
        model=Payload,
        rate=SIXTY_A_MINUTE,
    )


def list_shares(account_id: str, project_id: str) -> Call[Share]:
    """Ask for the shares of a project."""
    return Call(
        operation="list the shares",
        about=f"of project {project_id}",
        path=path_of("accounts", account_id, "projects", project_id, "shares"),
        model=Share,
        params=PAGE,
    )


def create_share(
    account_id: str, project_id: str, *, name: str, asset_ids: Sequence[str], access: str
) -> Call[Share]:
    """Ask for a page where people outside the project see some assets."""
    return Call(
        operation="create a share",
        about=f"in project {project_id}",
        method="POST",
        path=path_of("accounts", account_id, "projects", project_id, "shares"),
        model=Share,
        data={"type": "asset", "name": name, "access": access, "asset_ids": list(asset_ids)},
        rate=TEN_A_MINUTE,
    )


def list_audit_logs(account_id: str, *, filters: Mapping[str, str]) -> Call[AuditLog]:
    """Ask for the account's history; only some plans have it."""
    asked = {f"filters[{name}]": value for name, value in filters.items()}
    return Call(
        operation="list the audit logs",
        about=f"of account {account_id}",
        path=path_of("accounts", account_id, "audit_logs"),
        model=AuditLog,
        params={**PAGE, "include": "user", **asked},
        headers=dict([EXPERIMENTAL_HEADER]),
    )
