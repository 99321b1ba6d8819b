"""Reviewers' doings: comments, replies, guests, completion, Status, versions."""

from __future__ import annotations

import asyncio

import pytest

from postflow.frameio.wire import Comment, File, Page
from postflow.simulator.config import SimulatorConfig
from tests.simulator.conftest import InProcess, simulated

REMARK = {"as": "julie@client.com", "name": "Julie Martin", "text": "Le logo est trop petit"}


async def comments(sim: InProcess, file_id: str, query: str = "") -> list[Comment]:
    """List the comments of a file with our own payload models."""
    answer = await sim.call("GET", f"/files/{file_id}/comments?include=owner,replies{query}")
    return Page[Comment].model_validate_json(answer.content).data


def events(sim: InProcess) -> list[tuple[str, str | None]]:
    """List what happened since the file was ready, and who did it."""
    types = [(each.type, each.user.name) for each in sim.world.state.history]
    return types[types.index(("file.ready", "postflow")) + 1 :]


def test_reviewer_comments_under_their_name() -> None:
    """A comment by control route looks like one by the API, owner and frame included."""

    async def story() -> None:
        async with simulated() as sim:
            file_id = await sim.ready_file()
            await sim.control(
                "POST", "/files/cut.mp4/comments", json=REMARK | {"timestamp": "00:00:05:00"}
            )
            (comment,) = await comments(sim, file_id)
            (as_timecode,) = await comments(sim, file_id, "&timestamp_as_timecode=true")
        assert comment.owner is not None
        assert (comment.owner.name, comment.owner.email) == ("Julie Martin", "julie@client.com")
        assert (comment.timestamp, as_timecode.timestamp) == (125, "00:00:05:00")

    asyncio.run(story())


def test_token_and_control_route_are_one_person() -> None:
    """Acting by token and by control route under one name is acting as one user."""

    async def story() -> None:
        async with simulated() as sim:
            file_id = await sim.ready_file()
            await sim.control("POST", f"/files/{file_id}/comments", json=REMARK)
            body = {"data": {"text": "validé"}}
            path = f"/files/{file_id}/comments"
            await sim.call("POST", path, as_user="julie@client.com", json=body)
            first, second = await comments(sim, file_id)
        assert first.owner == second.owner

    asyncio.run(story())


def test_guest_has_no_user_id() -> None:
    """A guest is known by email only, in the comment and in the event."""

    async def story() -> None:
        async with simulated() as sim:
            file_id = await sim.ready_file()
            guest = {"as": "someone@web.com", "guest": True, "text": "validé"}
            await sim.control("POST", f"/files/{file_id}/comments", json=guest)
            (comment,) = await comments(sim, file_id)
            happening = sim.world.state.history[-1]
        assert comment.owner is not None
        assert (comment.owner.id, comment.owner.email) == (None, "someone@web.com")
        assert happening.user.id is None

    asyncio.run(story())


def test_replies_show_neither_owner_nor_parent() -> None:
    """A reply is only found inside its comment; its own address tells its owner."""

    async def story() -> None:
        async with simulated() as sim:
            file_id = await sim.ready_file()
            parent = (await sim.control("POST", f"/files/{file_id}/comments", json=REMARK)).json()
            reply = {"as": "marc", "text": "pas de problème, c'est bon pour moi"}
            path = f"/comments/{parent['id']}/replies"
            reply_id = (await sim.control("POST", path, json=reply)).json()["id"]
            (comment,) = await comments(sim, file_id)
            shown = await sim.call("GET", f"/comments/{reply_id}?include=owner")
        assert comment.replies is not None
        assert [(each.text, each.owner) for each in comment.replies] == [(reply["text"], None)]
        assert shown.json()["data"]["owner"]["name"] == "marc"
        assert shown.json()["data"]["file_id"] == file_id

    asyncio.run(story())


def test_edit_and_deletion_are_told() -> None:
    """Editing keeps the comment and dates the text; deleting removes it."""

    async def story() -> None:
        async with simulated() as sim:
            file_id = await sim.ready_file()
            made = (await sim.control("POST", f"/files/{file_id}/comments", json=REMARK)).json()
            await sim.control("PATCH", f"/comments/{made['id']}", json={"text": "Approved!"})
            (comment,) = await comments(sim, file_id)
            assert comment.text == "Approved!"
            assert comment.text_edited_at == comment.updated_at > comment.created_at
            await sim.control("DELETE", f"/comments/{made['id']}")
            assert await comments(sim, file_id) == []
            assert events(sim) == [
                ("comment.created", "Julie Martin"),
                ("comment.updated", "Julie Martin"),
                ("comment.deleted", "Julie Martin"),
            ]

    asyncio.run(story())


@pytest.mark.parametrize(
    ("also_updates", "told"),
    [(False, ["comment.completed"]), (True, ["comment.completed", "comment.updated"])],
)
def test_completion_is_an_event_of_its_own(also_updates: bool, told: list[str]) -> None:
    """Ticking a comment off is told once, with or without an update beside it."""

    async def story() -> None:
        async with simulated(SimulatorConfig(completion_also_updates=also_updates)) as sim:
            file_id = await sim.ready_file()
            made = (await sim.control("POST", f"/files/{file_id}/comments", json=REMARK)).json()
            body = {"data": {"completed": True}}
            shown = await sim.call("PATCH", f"/comments/{made['id']}", json=body)
            await sim.call("PATCH", f"/comments/{made['id']}", json=body)
            assert shown.json()["data"]["completed_at"] is not None
            assert [event for event, _ in events(sim)[1:]] == told

    asyncio.run(story())


def test_status_is_a_list_of_one_option() -> None:
    """Setting Status twice to the same option happens once; clearing it leaves no value."""

    async def story() -> None:
        async with simulated() as sim:
            file_id = await sim.ready_file()
            order = {"as": "marc", "status": "approved"}
            await sim.control("PUT", f"/files/{file_id}/status", json=order)
            await sim.control("PUT", f"/files/{file_id}/status", json=order)
            shown = await sim.call("GET", f"/files/{file_id}?include=metadata")
            file = File.model_validate(shown.json()["data"])
            assert file.metadata is not None
            values = {each.field_definition_name: each for each in file.metadata}
            assert [each.display_name for each in values["Status"].selected] == ["Approved"]
            await sim.control("PUT", f"/files/{file_id}/status", json=order | {"status": None})
            shown = await sim.call("GET", f"/files/{file_id}/metadata")
            names = [each["field_definition_name"] for each in shown.json()["data"]["metadata"]]
            assert names == ["Format"]
            assert events(sim) == [("metadata.value.updated", "marc")] * 2

    asyncio.run(story())


def test_single_file_metadata_needs_its_header() -> None:
    """The experimental operation exists only for those who ask for it."""

    async def story() -> None:
        async with simulated() as sim:
            file_id = await sim.ready_file()
            definitions = (await sim.call("GET", "/metadata/field_definitions")).json()["data"]
            rating = next(each for each in definitions if each["name"] == "Rating")
            values = [{"field_definition_id": rating["id"], "value": 4}]
            body, path = {"data": {"values": values}}, f"/files/{file_id}/metadata"
            assert (await sim.call("PATCH", path, json=body)).status_code == 404
            headers = {"authorization": "Bearer julie", "api-version": "experimental"}
            url = f"/v4/accounts/{sim.account}{path}"
            answer = await sim.client.patch(url, json=body, headers=headers)
            assert answer.json()["data"]["metadata"][0]["value"] == 4

    asyncio.run(story())


@pytest.mark.parametrize("named", ["file", "version_stack"])
def test_new_version_is_stacked_and_told(named: str) -> None:
    """A new version keeps no comments; its event names the file or the stack, as set."""

    async def story() -> None:
        async with simulated(SimulatorConfig(versioned_resource=named)) as sim:
            file_id = await sim.ready_file()
            await sim.control("POST", f"/files/{file_id}/comments", json=REMARK)
            version = {"as": "postflow", "file_name": "cut_v2.mp4"}
            new = (await sim.control("POST", f"/files/{file_id}/versions", json=version)).json()
            happening = sim.world.state.history[-1]
            assert new["version"] == 2
            assert new["sha256"] != sim.world.state.file(file_id).sha256
            assert await comments(sim, new["id"]) == []
            assert happening.type == "file.versioned"
            assert happening.resource_type == named
            expected = new["id"] if named == "file" else new["parent_id"]
            assert happening.resource_id == expected
            stack_as_file = await sim.call("GET", f"/files/{new['parent_id']}")
            assert stack_as_file.status_code == 422

    asyncio.run(story())


def test_audit_log_names_who_set_status() -> None:
    """The audit log, newest first, says who changed a file's metadata, not to what."""

    async def story() -> None:
        async with simulated() as sim:
            file_id = await sim.ready_file()
            order = {"as": "marc", "status": "Approved"}
            await sim.control("PUT", f"/files/{file_id}/status", json=order)
            query = f"include=user&filters[resource_id]={file_id}"
            logged = (await sim.call("GET", f"/audit_logs?{query}")).json()["data"]
        assert logged[0]["event_type"] == "metadata_value_updated"
        assert logged[0]["user"]["name"] == "marc"
        assert logged[-1]["event_type"] == "asset_created"

    asyncio.run(story())


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("notes.txt", {"text": "here", "timestamp": 3}),
        ("cut.mp4", {"text": "here", "duration": 3}),
        ("cut.mp4", {"text": "here", "page": 1}),
        ("cut.mp4", {"text": ""}),
        ("cut.mp4", {"text": "here", "parent_id": "x"}),
    ],
    ids=["timestamp-on-text", "duration-alone", "page-on-video", "no-text", "reply"],
)
def test_impossible_comments_are_refused(name: str, data: dict[str, object]) -> None:
    """What a file of this kind cannot hold is 422; so is an attempt to reply."""

    async def story() -> int:
        async with simulated() as sim:
            file_id = await sim.ready_file(name)
            answer = await sim.call("POST", f"/files/{file_id}/comments", json={"data": data})
            return answer.status_code

    assert asyncio.run(story()) == 422


def test_history_tells_texts_and_status() -> None:
    """The history keeps what a comment said before its edit, and which Status was set."""

    async def story() -> list[tuple[str, str | None]]:
        async with simulated() as sim:
            await sim.ready_file()
            posted = await sim.control("POST", "/files/cut.mp4/comments", json=REMARK)
            change = {"text": "C'est validé"}
            await sim.control("PATCH", f"/comments/{posted.json()['id']}", json=change)
            status = {"as": "julie@client.com", "status": "Approved"}
            await sim.control("PUT", "/files/cut.mp4/status", json=status)
            history = (await sim.control("GET", "/history")).json()["history"]
        return [(each["type"], each["said"]) for each in history][-3:]

    assert asyncio.run(story()) == [
        ("comment.created", "Le logo est trop petit"),
        ("comment.updated", "C'est validé"),
        ("metadata.value.updated", "Approved"),
    ]
