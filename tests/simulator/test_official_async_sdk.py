"""The official SDK's asynchronous client through the whole story, against a real port."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from frameio import AsyncFrameio
from frameio.comments.types import CreateCommentParamsData
from frameio.files.types import FileCreateLocalUploadParamsData
from frameio.metadata.types import (
    BulkUpdateMetadataParamsData,
    BulkUpdateMetadataParamsDataValuesItem,
)
from frameio.upload import FrameioUploader
from frameio.version_stacks.types import VersionStackCreateParamsData
from frameio.webhooks.types import WebhookCreateParamsData

from postflow.simulator.serving import RunningSimulator
from tests.simulator.conftest import Receiver, wait_until

VIDEO = bytes(range(256)) * 150


@asynccontextmanager
async def signed_in(live: RunningSimulator, name: str) -> AsyncIterator[AsyncFrameio]:
    """Give the asynchronous client as this user."""
    async with httpx.AsyncClient(trust_env=False) as http:
        yield AsyncFrameio(token=name, base_url=live.base_url, httpx_client=http)


async def upload(sdk: AsyncFrameio, account: str, root: str, name: str) -> str:
    """Upload with the SDK's own uploader, which is synchronous, and wait until it is ready."""
    data = FileCreateLocalUploadParamsData(name=name, file_size=len(VIDEO))
    created = (await sdk.files.create_local_upload(account, root, data=data)).data
    await asyncio.to_thread(FrameioUploader(created, io.BytesIO(VIDEO)).upload)
    async with asyncio.timeout(30):
        while (await sdk.files.show(account, created.id)).data.status != "transcoded":  # noqa: ASYNC110 - Frame.io can only be asked
            await asyncio.sleep(0.05)
    return str(created.id)


async def approve(sdk: AsyncFrameio, account: str, project: str, file_id: str) -> None:
    """Set the Status field to Approved."""
    fields = await sdk.metadata_fields.metadata_field_definitions_index(account)
    (status,) = [field async for field in fields if field.name == "Status"]
    assert status.field_type == "select"
    options = status.field_configuration.options
    option = next(each for each in options if each.display_name == "Approved")
    value = BulkUpdateMetadataParamsDataValuesItem(field_definition_id=status.id, value=[option.id])
    data = BulkUpdateMetadataParamsData(file_ids=[file_id], values=[value])
    await sdk.metadata.bulk_update(account, project, data=data)


def test_async_sdk_goes_through_a_review(live: RunningSimulator, receiver: Receiver) -> None:
    """From the account to the version stack, everything that was written is read back."""

    async def review() -> None:
        async with signed_in(live, "postflow") as sdk, signed_in(live, "julie") as julie:
            (account,) = [each.id async for each in await sdk.accounts.index()]
            (workspace,) = [each.id async for each in await sdk.workspaces.index(account)]
            (project,) = [each async for each in await sdk.projects.index(account, workspace)]
            first = await upload(sdk, account, project.root_folder_id, "cut_v1.mp4")

            hook = WebhookCreateParamsData(
                name="PostFlow", url=receiver.url, events=["comment.created"]
            )
            assert (await sdk.webhooks.create(account, workspace, data=hook)).data.secret
            for client, text in ((julie, "Le logo est trop petit"), (sdk, "corrigé")):
                await client.comments.create(
                    account, first, data=CreateCommentParamsData(text=text)
                )
            listed = await sdk.comments.index(account, first, include="owner,replies")
            said = [(each.owner.name if each.owner else None, each.text) async for each in listed]
            assert said == [("julie", "Le logo est trop petit"), ("postflow", "corrigé")]

            await approve(sdk, account, project.id, first)
            shown = (await sdk.metadata.show(account, first)).data.metadata
            (status,) = [field for field in shown if field.field_definition_name == "Status"]
            assert status.field_type == "select"
            assert [each.display_name for each in status.value or []] == ["Approved"]

            second = await upload(sdk, account, project.root_folder_id, "cut_v2.mp4")
            stack = await sdk.version_stacks.create(
                account,
                project.root_folder_id,
                data=VersionStackCreateParamsData(file_ids=[first, second]),
            )
            kept = await sdk.version_stacks.index(account, stack.data.id)
            assert [each.id async for each in kept] == [first, second]

    asyncio.run(review())
    wait_until(lambda: len(receiver.received) == 2)
    assert {json.loads(body)["type"] for body in receiver.events()} == {"comment.created"}
