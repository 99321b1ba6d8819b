"""What PostFlow does with comments, metadata, webhooks, shares and the audit log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus

from pydantic import JsonValue

from postflow.errors import ConfigurationError, FrameioRefusedError, NotFoundError
from postflow.frameio import requests as asset_requests
from postflow.frameio import review_requests as requests
from postflow.frameio.connection import Connection
from postflow.frameio.wire import (
    AuditLog,
    Comment,
    FieldDefinition,
    FileMetadata,
    Share,
    Webhook,
)


class ReviewOperations(Connection):
    """The half of the client that reads reviews; lists are complete or an error."""

    async def fetch_comments(self, file_id: str) -> list[Comment]:
        """Return all comments of a file, oldest first, with their owners and replies.

        For some kinds of files Frame.io refuses to give both at once; then two lists are joined.
        `replies` is None where it gives none at all: not the same as no replies.
        """
        account = await self.account_id()
        try:
            call = requests.list_comments(account, file_id, include=("owner", "replies"))
            return await self.send_for_all(call)
        except FrameioRefusedError as error:
            if error.status_code != HTTPStatus.BAD_REQUEST:
                raise
        call = requests.list_comments(account, file_id, include=("owner",))
        return await self._with_replies(file_id, await self.send_for_all(call))

    async def fetch_comment(
        self, comment_id: str, *, include: Iterable[str] = ("owner",)
    ) -> Comment:
        """Return one comment or reply, which names its file."""
        account = await self.account_id()
        return await self.send(requests.show_comment(account, comment_id, include=include))

    async def create_comment(
        self, file_id: str, *, text: str, timestamp: int | None = None
    ) -> Comment:
        """Write a comment; never repeated, so an unclear failure may have written it."""
        account = await self.account_id()
        return await self.send(
            requests.create_comment(account, file_id, text=text, timestamp=timestamp)
        )

    async def update_comment(
        self, comment_id: str, *, text: str | None = None, completed: bool | None = None
    ) -> Comment:
        """Change the text of a comment, or tick it off, or both."""
        wanted: dict[str, JsonValue] = {"text": text, "completed": completed}
        changes = {name: value for name, value in wanted.items() if value is not None}
        account = await self.account_id()
        return await self.send(requests.update_comment(account, comment_id, changes=changes))

    async def complete_comment(self, comment_id: str, *, completed: bool = True) -> Comment:
        """Tick a comment off, or take the tick back."""
        return await self.update_comment(comment_id, completed=completed)

    async def delete_comment(self, comment_id: str) -> None:
        """Delete a comment; deleting what is gone is done."""
        call = requests.delete_comment(await self.account_id(), comment_id)
        with suppress(NotFoundError):
            await self.send_for_nothing(call)

    async def fetch_metadata(self, file_id: str, *, show_null: bool = False) -> FileMetadata:
        """Return the field values of a file; fields without a value only with `show_null`."""
        account = await self.account_id()
        return await self.send(requests.show_metadata(account, file_id, show_null=show_null))

    async def fetch_field_definitions(self) -> list[FieldDefinition]:
        """Return all metadata fields of the account."""
        return await self.send_for_all(requests.list_field_definitions(await self.account_id()))

    async def set_status(
        self,
        file_id: str,
        option: str,
        *,
        field_name: str = "Status",
        project_id: str | None = None,
    ) -> None:
        """Choose an option of a select field by name; letter case does not matter.

        Raises ConfigurationError that lists what there is, where a name is unknown.
        """
        account = await self.account_id()
        field = _field_named(field_name, await self.fetch_field_definitions())
        option_id = _option_named(option, field)
        if project_id is None:
            file = await self.send(asset_requests.show_file(account, file_id))
            project_id = file.project_id
        await self.send_for_nothing(
            requests.set_option(
                account, project_id, file_id=file_id, field_id=field.id, option_id=option_id
            )
        )

    async def fetch_webhooks(self, workspace_id: str) -> list[Webhook]:
        """Return the webhooks of a workspace, without their secrets."""
        call = requests.list_webhooks(await self.account_id(), workspace_id)
        return await self.send_for_all(call)

    async def fetch_webhook(self, webhook_id: str) -> Webhook:
        """Return one webhook, without its secret; raises NotFoundError."""
        return await self.send(requests.show_webhook(await self.account_id(), webhook_id))

    async def create_webhook(
        self, workspace_id: str, *, name: str, url: str, events: Sequence[str]
    ) -> Webhook:
        """Create a webhook; keep `secret` at once, nobody ever tells it again."""
        account = await self.account_id()
        return await self.send(
            requests.create_webhook(account, workspace_id, name=name, url=url, events=events)
        )

    async def update_webhook(
        self,
        webhook_id: str,
        *,
        name: str | None = None,
        url: str | None = None,
        events: Sequence[str] | None = None,
        active: bool | None = None,
    ) -> Webhook:
        """Change what is given of a webhook; its secret stays."""
        wanted: dict[str, JsonValue] = {
            "name": name,
            "url": url,
            "events": None if events is None else list(events),
            "active": active,
        }
        changes = {key: value for key, value in wanted.items() if value is not None}
        account = await self.account_id()
        return await self.send(requests.update_webhook(account, webhook_id, changes=changes))

    async def delete_webhook(self, webhook_id: str) -> None:
        """Delete a webhook; deleting what is gone is done."""
        call = requests.delete_webhook(await self.account_id(), webhook_id)
        with suppress(NotFoundError):
            await self.send_for_nothing(call)

    async def fetch_shares(self, project_id: str) -> list[Share]:
        """Return the shares of a project."""
        return await self.send_for_all(requests.list_shares(await self.account_id(), project_id))

    async def create_share(
        self, project_id: str, *, name: str, asset_ids: Sequence[str], access: str = "public"
    ) -> Share:
        """Create a page where people outside the project see and comment on some assets."""
        account = await self.account_id()
        return await self.send(
            requests.create_share(
                account, project_id, name=name, asset_ids=asset_ids, access=access
            )
        )

    async def fetch_audit_logs(
        self, *, filters: Mapping[str, str] | None = None
    ) -> list[AuditLog] | None:
        """Return the account's history with its users; None where the plan has no audit log."""
        call = requests.list_audit_logs(await self.account_id(), filters=filters or {})
        try:
            return await self.send_for_all(call)
        except FrameioRefusedError as error:
            if error.status_code == HTTPStatus.UNAUTHORIZED:
                raise
            return None

    async def _with_replies(self, file_id: str, comments: list[Comment]) -> list[Comment]:
        call = requests.list_comments(await self.account_id(), file_id, include=("replies",))
        try:
            replies = {each.id: each.replies for each in await self.send_for_all(call)}
        except FrameioRefusedError as error:
            if error.status_code != HTTPStatus.BAD_REQUEST:
                raise
            return comments
        return [each.model_copy(update={"replies": replies.get(each.id)}) for each in comments]


def _field_named(name: str, fields: Sequence[FieldDefinition]) -> FieldDefinition:
    selects = [each for each in fields if each.field_type == "select"]
    found = [each for each in selects if _is_same_name(each.name, name)]
    if found:
        return found[0]
    raise ConfigurationError(
        f"Frame.io has no select field named '{name}'; there are: "
        f"{', '.join(each.name for each in selects) or 'none'}."
    )


def _option_named(name: str, field: FieldDefinition) -> str:
    options = (field.field_configuration and field.field_configuration.options) or []
    for option in options:
        if option.id is not None and _is_same_name(option.display_name, name):
            return option.id
    raise ConfigurationError(
        f"The Frame.io field '{field.name}' has no option '{name}'; there are: "
        f"{', '.join(each.display_name for each in options) or 'none'}."
    )


def _is_same_name(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()
