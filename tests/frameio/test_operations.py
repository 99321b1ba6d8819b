from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import httpx
import pytest

from postflow.errors import ConfigurationError, FrameioRefusedError, FrameioUnavailableError
from postflow.frameio.client import FrameioClient
from tests.frameio.conftest import ClientOf
from tests.frameio.storage import ME_AS_USER

pytestmark = pytest.mark.anyio

MOMENT = "2026-01-05T10:00:00.000001Z"


def comment(number: int, **more: object) -> dict[str, object]:
    """Write a comment as Frame.io does."""
    return {
        "id": f"c{number}", "file_id": "f", "text": f"note {number}", "timestamp": None,
        "duration": None, "page": None, "annotation": None, "text_review_annotation": None,
        "attachments": None, "links": [], "mentions": [], "completed_at": None,
        "completer_id": None, "text_edited_at": None, "created_at": MOMENT,
        "updated_at": MOMENT, **more,
    }  # fmt: skip


def listed(*items: object) -> httpx.Response:
    """Write a list of one page."""
    return httpx.Response(200, json={"data": items, "links": {"next": None}})


def folder(identity: str, name: str, created_at: str = MOMENT) -> dict[str, object]:
    """Write a folder as Frame.io does."""
    return {
        "id": identity, "name": name, "type": "folder", "project_id": "p", "parent_id": None,
        "created_at": created_at, "updated_at": MOMENT, "view_url": "v", "cover_file_id": None,
    }  # fmt: skip


STATUS_FIELD = {
    "id": "field", "name": "Status", "field_type": "select", "mutable": True,
    "creator_id": "x", "created_at": MOMENT, "updated_at": MOMENT,
    "field_configuration": {
        "options": [
            {"id": "o1", "display_name": "Needs Review"},
            {"id": "o2", "display_name": "Approved"},
        ]
    },
}  # fmt: skip


async def test_replies_are_fetched_apart_where_they_must(client_of: ClientOf) -> None:
    """A 400 for owner and replies together leads to two lists that are joined."""

    def answer(request: httpx.Request) -> httpx.Response:
        match request.url.params["include"]:
            case "owner,replies":
                return httpx.Response(400)
            case "owner":
                return listed(comment(1, owner=ME_AS_USER), comment(2, owner=ME_AS_USER))
            case _:
                return listed(comment(1, replies=[comment(3)]), comment(2, replies=[]))

    first, second = await client_of(answer).fetch_comments("f")
    assert first.owner is not None
    assert first.replies is not None
    assert [each.text for each in first.replies] == ["note 3"]
    assert second.replies == []


async def test_replies_that_nobody_gives_are_unknown(client_of: ClientOf) -> None:
    """Where Frame.io refuses replies altogether, they are None and not an empty list."""

    def answer(request: httpx.Request) -> httpx.Response:
        if "replies" in request.url.params["include"]:
            return httpx.Response(400)
        return listed(comment(1, owner=ME_AS_USER))

    [only] = await client_of(answer).fetch_comments("f")
    assert (only.owner is not None, only.replies) == (True, None)


@pytest.mark.parametrize("status", [403, 422])
async def test_other_refusals_of_comments_are_errors(client_of: ClientOf, status: int) -> None:
    """Only a 400 has a second way."""
    with pytest.raises(FrameioRefusedError):
        await client_of(lambda _: httpx.Response(status)).fetch_comments("f")


async def test_status_is_written_as_option_id(client_of: ClientOf) -> None:
    """Names are looked up without case; ids are written, in a list."""
    written: list[object] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH":
            written.append(json.loads(request.content))
            return httpx.Response(204)
        return listed({**STATUS_FIELD, "field_type": "text", "id": "text"}, STATUS_FIELD)

    await client_of(answer).set_status("f", " approved", field_name="STATUS", project_id="p")
    assert written == [
        {
            "data": {
                "file_ids": ["f"],
                "values": [{"field_definition_id": "field", "value": ["o2"]}],
            }
        }
    ]


@pytest.mark.parametrize(
    ("option", "field", "advice"),
    [("Done", "Status", "Needs Review, Approved"), ("Approved", "State", "there are: Status")],
    ids=["option", "field"],
)
async def test_unknown_status_name_lists_the_known(
    client_of: ClientOf, option: str, field: str, advice: str
) -> None:
    """A renamed field or option is a matter of settings, and the error says what there is."""
    client = client_of(lambda _: listed(STATUS_FIELD))
    with pytest.raises(ConfigurationError, match=advice):
        await client.set_status("f", option, field_name=field, project_id="p")


async def test_older_of_two_equal_folders_is_taken(client_of: ClientOf) -> None:
    """Everybody agrees on one folder where two have the same name."""
    two = listed(folder("new", "a", "2026-02-01T00:00:00Z"), folder("old", "a"))
    assert await client_of(lambda _: two).find_or_create_folder("root", path=["a"]) == "old"


async def test_folder_made_unseen_is_found(client_of: ClientOf) -> None:
    """An unclear create of a folder is looked up, not repeated."""
    made: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            made.append("x")
            return httpx.Response(502)
        return listed(*(folder("x", "a") for _ in made))

    assert await client_of(answer).find_or_create_folder("root", path=["a"]) == "x"
    assert len(made) == 1


async def test_folder_that_cannot_be_made_is_an_error(client_of: ClientOf) -> None:
    """A folder that is not there after a failed create is not made up."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(502) if request.method == "POST" else listed()

    with pytest.raises(FrameioUnavailableError):
        await client_of(answer).find_or_create_folder("root", path=["a"])


@pytest.mark.parametrize("status", [403, 404, 422])
async def test_missing_audit_log_is_none(client_of: ClientOf, status: int) -> None:
    """A plan without audit logs is no error."""
    assert await client_of(lambda _: httpx.Response(status)).fetch_audit_logs() is None


Call = Callable[[FrameioClient], Awaitable[object]]


@pytest.mark.parametrize(
    ("call", "sent"),
    [
        (
            lambda c: c.create_local_upload("d", name="a.mp4", file_size=5),
            ("POST", "folders/d/files/local_upload", {"name": "a.mp4", "file_size": 5}),
        ),
        (
            lambda c: c.create_remote_upload("d", name="a.mp4", source_url="https://x.test"),
            (
                "POST",
                "folders/d/files/remote_upload",
                {"name": "a.mp4", "source_url": "https://x.test"},
            ),
        ),
        (
            lambda c: c.create_version_stack("d", file_ids=("a", "b")),
            ("POST", "folders/d/version_stacks", {"file_ids": ["a", "b"]}),
        ),
        (
            lambda c: c.move_file("f", parent_id="stack"),
            ("PATCH", "files/f/move", {"parent_id": "stack"}),
        ),
        (
            lambda c: c.create_comment("f", text="hello"),
            ("POST", "files/f/comments", {"text": "hello"}),
        ),
        (
            lambda c: c.create_comment("f", text="hello", timestamp=0),
            ("POST", "files/f/comments", {"text": "hello", "timestamp": 0}),
        ),
        (
            lambda c: c.complete_comment("c", completed=False),
            ("PATCH", "comments/c", {"completed": False}),
        ),
        (
            lambda c: c.update_webhook("w", active=False),
            ("PATCH", "webhooks/w", {"active": False}),
        ),
        (
            lambda c: c.create_share("p", name="s", asset_ids=["f"], access="secure"),
            (
                "POST",
                "projects/p/shares",
                {"type": "asset", "name": "s", "access": "secure", "asset_ids": ["f"]},
            ),
        ),
    ],
    ids=lambda each: each[1] if isinstance(each, tuple) else "",
)
async def test_bodies_hold_only_known_fields(
    client_of: ClientOf, call: Call, sent: tuple[str, str, object]
) -> None:
    """Frame.io refuses unknown fields, so each body is exactly what is documented."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(422)

    with pytest.raises(FrameioRefusedError):
        await call(client_of(answer))
    method, path, data = sent
    [request] = seen
    assert (request.method, request.url.path) == (method, f"/v4/accounts/acc/{path}")
    assert json.loads(request.content) == {"data": data}
    assert request.headers["content-type"] == "application/json"
