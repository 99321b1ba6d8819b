"""The API at large: pages, folders, shares, refusals, and the page for people."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.simulator.conftest import InProcess, simulated


async def names(sim: InProcess, path: str) -> list[str]:
    """List the names of what a path lists."""
    return [each["name"] for each in (await sim.call("GET", path)).json()["data"]]


def test_pages_follow_one_another_without_gaps() -> None:
    """Following `next` with the size added again lists everything once, in order."""

    async def story() -> None:
        async with simulated() as sim:
            for number in range(5):
                await sim.ready_file(f"shot_{number}.mp4")
            path, seen, pages = f"/folders/{sim.root}/files?page_size=2", [], 0
            while path:
                page = (await sim.call("GET", path)).json()
                seen += [each["name"] for each in page["data"]]
                pages += 1
                following = page["links"]["next"]
                path = f"{following.partition(sim.account)[2]}&page_size=2" if following else ""
        assert seen == [f"shot_{number}.mp4" for number in range(5)]
        assert pages == 3

    asyncio.run(story())


def test_page_survives_a_deletion_before_it() -> None:
    """A cursor keeps its place when an earlier item disappears between two pages."""

    async def story() -> None:
        async with simulated() as sim:
            ids = [await sim.ready_file(f"shot_{number}.mp4") for number in range(4)]
            path = f"/folders/{sim.root}/files"
            first = (await sim.call("GET", f"{path}?page_size=2")).json()
            await sim.call("DELETE", f"/files/{ids[0]}")
            following = first["links"]["next"].partition(sim.account)[2]
            assert await names(sim, following) == ["shot_2.mp4", "shot_3.mp4"]

    asyncio.run(story())


@pytest.mark.parametrize(
    "query",
    ["page_size=0", "page_size=501", "page_size=x", "after=x", "sort=size_up", "include=label"],
)
def test_wrong_queries_are_refused(query: str) -> None:
    """A query that the description does not allow is 422 and says which parameter."""

    async def story() -> httpx.Response:
        async with simulated() as sim:
            return await sim.call("GET", f"/folders/{sim.root}/files?{query}")

    answer = asyncio.run(story())
    assert answer.status_code == 422
    parameter = query.partition("=")[0]
    assert answer.json()["errors"][0]["source"] == {"pointer": f"/{parameter}"}


def test_total_count_comes_when_asked() -> None:
    """The total is left out unless asked for."""

    async def story() -> None:
        async with simulated() as sim:
            path = f"/folders/{sim.root}/files"
            assert "total_count" not in (await sim.call("GET", path)).json()
            counted = await sim.call("GET", f"{path}?include_total_count=true")
            assert counted.json()["total_count"] == 0

    asyncio.run(story())


def test_folders_hold_folders_and_files() -> None:
    """A file moves into a new folder, and goes with it when it is deleted."""

    async def story() -> None:
        async with simulated() as sim:
            file_id = await sim.ready_file()
            body = {"data": {"name": "Shots"}}
            made = await sim.call("POST", f"/folders/{sim.root}/folders", json=body)
            folder_id = made.json()["data"]["id"]
            move = {"data": {"parent_id": folder_id}}
            await sim.call("PATCH", f"/files/{file_id}/move", json=move)
            assert await names(sim, f"/folders/{sim.root}/children") == ["Shots"]
            assert await names(sim, f"/folders/{folder_id}/children?type=file") == ["cut.mp4"]
            assert await names(sim, f"/folders/{folder_id}/children?type=folder") == []
            await sim.call("DELETE", f"/folders/{folder_id}")
            assert (await sim.call("GET", f"/files/{file_id}")).status_code == 404

    asyncio.run(story())


def test_second_project_is_apart() -> None:
    """A file of another project is in that project's folder only."""

    async def story() -> None:
        async with simulated() as sim:
            path = f"/workspaces/{sim.workspace}/projects"
            made = (await sim.call("POST", path, json={"data": {"name": "Other"}})).json()["data"]
            other = {"file_name": "other.mp4", "folder_id": made["root_folder_id"]}
            await sim.control("POST", "/files", json=other)
            assert await names(sim, f"/folders/{sim.root}/files") == []
            assert await names(sim, f"/folders/{made['root_folder_id']}/files") == ["other.mp4"]
            assert sim.world.state.history[-1].project_id == made["id"]

    asyncio.run(story())


def test_share_is_made_for_reviewers() -> None:
    """A secure share takes assets and invites people in exactly one way."""

    async def story() -> None:
        async with simulated() as sim:
            file_id = await sim.ready_file()
            share = {"type": "asset", "name": "Review", "access": "secure", "asset_ids": [file_id]}
            made = await sim.call("POST", f"/projects/{sim.project}/shares", json={"data": share})
            path = f"/shares/{made.json()['data']['id']}/reviewers"
            people = {"message": "Please look", "reviewers": {"emails": ["julie@client.com"]}}
            assert (await sim.call("POST", path, json={"data": people})).status_code == 204
            people["reviewers"] = {"emails": ["a@b.com"], "user_ids": ["x"]}
            assert (await sim.call("POST", path, json={"data": people})).status_code == 422
            listed = (await sim.call("GET", path)).json()["data"]
        assert made.json()["data"]["short_url"].startswith("https://f.io/")
        assert [(each["email"], each["id"]) for each in listed] == [("julie@client.com", None)]

    asyncio.run(story())


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v4/nowhere", 404),
        ("/v4/accounts/11111111-1111-4111-8111-111111111111/projects", 404),
        ("/v4/accounts/mine/projects", 422),
    ],
    ids=["no-operation", "other-account", "no-id"],
)
def test_wrong_addresses_are_refused(path: str, status: int) -> None:
    """What is not there is refused in the one error shape."""

    async def story() -> httpx.Response:
        async with simulated() as sim:
            return await sim.client.get(path, headers={"authorization": "Bearer postflow"})

    answer = asyncio.run(story())
    assert answer.status_code == status
    assert answer.json()["errors"][0]["detail"]


def test_webhook_of_unknown_event_is_refused() -> None:
    """`file.uploaded` was never a V4 event, so nobody can subscribe to it."""

    async def story() -> httpx.Response:
        async with simulated() as sim:
            hook = {"name": "n", "url": "http://postflow.test/", "events": ["file.uploaded"]}
            path = f"/workspaces/{sim.workspace}/webhooks"
            return await sim.call("POST", path, json={"data": hook})

    answer = asyncio.run(story())
    assert answer.status_code == 422
    assert "file.uploaded" in answer.text


def test_person_comments_on_the_page() -> None:
    """The page behind `view_url` shows what was said, harmlessly, and takes a comment."""

    async def story() -> None:
        async with simulated() as sim:
            file_id = await sim.ready_file("<cut>.mp4")
            view_url = (await sim.call("GET", f"/files/{file_id}")).json()["data"]["view_url"]
            form = {"as": "julie@client.com", "text": "<b>validé</b>", "status": "Approved"}
            answer = await sim.client.post(view_url, data=form)
            assert answer.status_code == 303
            shown = (await sim.client.get(view_url)).text
            file = (await sim.control("GET", f"/files/{file_id}")).json()
        assert "&lt;b&gt;validé&lt;/b&gt;" in shown
        assert "<cut>" not in shown
        assert file["status"] == "Approved"
        assert file["comments"][0]["owner"]["email"] == "julie@client.com"

    asyncio.run(story())
