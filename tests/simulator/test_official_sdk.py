"""The official SDK drives the simulated Frame.io and reads back what it wrote.

The SDK was made from Frame.io's own description, so it checks paths, bodies and shapes
independently of our models.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from frameio import Frameio
from frameio.auth import ServerToServerAuth
from frameio.comments.types import CreateCommentParamsData, UpdateCommentParamsData
from frameio.errors import NotFoundError, UnauthorizedError, UnprocessableEntityError
from frameio.files.types import (
    FileCreateLocalUploadParamsData,
    FileMoveParamsData,
)
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


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the tests work: the ids of a fresh start."""

    account: str
    workspace: str
    project: str
    root: str


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    """Lend the SDK a client that is closed in the end, which it does not do itself."""
    with httpx.Client(trust_env=False) as client:
        yield client


@pytest.fixture
def sdk(live: RunningSimulator, http: httpx.Client) -> Frameio:
    """Open the SDK as the user `postflow`."""
    live.world.configure(part_size=10_000)
    return Frameio(token="postflow", base_url=live.base_url, httpx_client=http)


@pytest.fixture
def place(sdk: Frameio) -> Place:
    """Find the one account, workspace and project."""
    account = next(iter(sdk.accounts.index()))
    workspace = next(iter(sdk.workspaces.index(account.id)))
    project = next(iter(sdk.projects.index(account.id, workspace.id)))
    return Place(
        account=account.id,
        workspace=workspace.id,
        project=project.id,
        root=project.root_folder_id,
    )


def upload(sdk: Frameio, place: Place, name: str = "cut.mp4") -> str:
    """Upload a video with the SDK's own uploader and wait until it is ready."""
    created = sdk.files.create_local_upload(
        place.account,
        place.root,
        data=FileCreateLocalUploadParamsData(name=name, file_size=len(VIDEO)),
    )
    FrameioUploader(created.data, io.BytesIO(VIDEO)).upload()
    file_id = str(created.data.id)
    wait_until(lambda: sdk.files.show(place.account, file_id).data.status == "transcoded")
    return file_id


def test_fresh_start_has_one_of_each(sdk: Frameio) -> None:
    """A fresh start has one account, one workspace, one project with a root folder."""
    accounts = list(sdk.accounts.index(include_total_count=True))
    workspaces = list(sdk.workspaces.index(accounts[0].id))
    projects = list(sdk.projects.account_projects_index(accounts[0].id))
    root = sdk.folders.show(accounts[0].id, projects[0].root_folder_id)
    assert (len(accounts), len(workspaces), len(projects)) == (1, 1, 1)
    assert root.data.parent_id is None


def test_uploaded_video_can_be_downloaded(sdk: Frameio, place: Place, http: httpx.Client) -> None:
    """The bytes that the SDK uploads in four parts come back whole from the media link."""
    file_id = upload(sdk, place)
    shown = sdk.files.show(place.account, file_id, include="media_links.original,creator")
    assert shown.data.media_links is not None
    assert shown.data.media_links.original is not None
    link = shown.data.media_links.original.download_url
    assert link is not None
    assert http.get(link).content == VIDEO
    assert shown.data.creator is not None
    assert shown.data.creator.email == "postflow@example.com"
    assert sdk.files.show_file_upload_status(place.account, file_id).data.upload_complete


def test_comments_of_two_reviewers_are_listed(
    live: RunningSimulator, sdk: Frameio, place: Place, http: httpx.Client
) -> None:
    """Owner and replies come with the list, and an edited text is the one that is listed."""
    file_id = upload(sdk, place)
    written = {}
    for name, text in (("julie@client.com", "Le logo est trop petit"), ("marc", "ok for me")):
        reviewer = Frameio(token=name, base_url=live.base_url, httpx_client=http)
        data = CreateCommentParamsData(text=text, timestamp=25)
        written[name] = reviewer.comments.create(place.account, file_id, data=data).data.id
    sdk.comments.update(
        place.account, written["marc"], data=UpdateCommentParamsData(text="approved")
    )
    reply = {"as": "postflow", "text": "corrigé"}
    http.post(
        f"{live.base_url}/_sim/comments/{written['julie@client.com']}/replies", json=reply
    ).raise_for_status()
    listed = list(sdk.comments.index(place.account, file_id, include="owner,replies"))
    assert [(each.owner.email, each.text, each.timestamp) for each in listed if each.owner] == [
        ("julie@client.com", "Le logo est trop petit", 25),
        ("marc@example.com", "approved", 25),
    ]
    assert [reply.text for reply in listed[0].replies or []] == ["corrigé"]


def test_deleted_comment_is_gone(sdk: Frameio, place: Place) -> None:
    """A deleted comment answers 404, as the SDK's own error."""
    file_id = upload(sdk, place)
    comment = sdk.comments.create(
        place.account, file_id, data=CreateCommentParamsData(text="non")
    ).data
    sdk.comments.delete(place.account, comment.id)
    with pytest.raises(NotFoundError):
        sdk.comments.show(place.account, comment.id)


def test_status_field_is_written_and_read(sdk: Frameio, place: Place) -> None:
    """Status is a select field: its value is a list of one option."""
    file_id = upload(sdk, place)
    fields = sdk.metadata_fields.metadata_field_definitions_index(place.account)
    status = next(field for field in fields if field.name == "Status")
    assert status.field_type == "select"
    option = next(
        each for each in status.field_configuration.options if each.display_name == "Approved"
    )
    value = BulkUpdateMetadataParamsDataValuesItem(field_definition_id=status.id, value=[option.id])
    sdk.metadata.bulk_update(
        place.account,
        place.project,
        data=BulkUpdateMetadataParamsData(file_ids=[file_id], values=[value]),
    )
    shown = sdk.metadata.show(place.account, file_id).data.metadata
    found = next(field for field in shown if field.field_definition_name == "Status")
    assert found.field_type == "select"
    assert [each.display_name for each in found.value or []] == ["Approved"]


def test_webhook_secret_is_shown_once(sdk: Frameio, place: Place, receiver: Receiver) -> None:
    """A new webhook delivers; its secret is in the answer to its creation and nowhere else."""
    data = WebhookCreateParamsData(name="PostFlow", url=receiver.url, events=["comment.created"])
    created = sdk.webhooks.create(place.account, place.workspace, data=data)
    listed = list(sdk.webhooks.index(place.account, place.workspace))
    file_id = upload(sdk, place)
    comment = sdk.comments.create(
        place.account, file_id, data=CreateCommentParamsData(text="validé")
    ).data
    wait_until(lambda: receiver.received)
    assert created.data.secret
    assert not hasattr(listed[0], "secret")
    assert json.loads(receiver.events()[0])["resource"] == {"id": comment.id, "type": "comment"}


def test_new_versions_go_into_one_stack(sdk: Frameio, place: Place) -> None:
    """Two files are stacked, a third moves in, and the newest is the head."""
    first, second, third = (upload(sdk, place, f"cut_v{n}.mp4") for n in (1, 2, 3))
    stack = sdk.version_stacks.create(
        place.account, place.root, data=VersionStackCreateParamsData(file_ids=[first, second])
    ).data
    sdk.files.move(place.account, third, data=FileMoveParamsData(parent_id=stack.id))
    shown = sdk.version_stacks.show(place.account, stack.id).data
    versions = [each.id for each in sdk.version_stacks.index(place.account, stack.id)]
    assert shown.head_version is not None
    assert shown.head_version.id == third
    assert versions == [first, second, third]
    assert [each.type for each in sdk.folders.index(place.account, place.root)] == ["version_stack"]


def test_long_lists_come_in_pages(sdk: Frameio, place: Place) -> None:
    """The SDK's pager follows `next` to the end of a list longer than one page."""
    file_id = upload(sdk, place)
    for number in range(55):
        sdk.comments.create(
            place.account, file_id, data=CreateCommentParamsData(text=f"remark {number}")
        )
    listed = [each.text for each in sdk.comments.index(place.account, file_id, page_size=20)]
    assert listed == [f"remark {number}" for number in range(55)]


def test_refusals_are_the_errors_of_the_sdk(
    live: RunningSimulator, sdk: Frameio, place: Place, http: httpx.Client
) -> None:
    """A bad token and a field that does not exist are refused as Frame.io does."""
    stranger = Frameio(token="invalid-token", base_url=live.base_url, httpx_client=http)
    with pytest.raises(UnauthorizedError):
        stranger.users.show()
    with pytest.raises(UnprocessableEntityError, match="Unexpected field: label"):
        sdk.files.create_local_upload(
            place.account,
            place.root,
            data=FileCreateLocalUploadParamsData(name="a.mp4", file_size=1, label="approved"),
        )


def test_server_to_server_token_acts_as_service_user(
    live: RunningSimulator, http: httpx.Client
) -> None:
    """A token issued for a client id acts as its service user."""
    auth = ServerToServerAuth(
        client_id="postflow",
        client_secret="s3cret",
        ims_base_url=live.base_url,
        http_client=http,
    )
    sdk = Frameio(token=auth.get_token, base_url=live.base_url, httpx_client=http)
    assert sdk.users.show().data.name == "Service Account User"
