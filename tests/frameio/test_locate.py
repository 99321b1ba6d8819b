from __future__ import annotations

import httpx
import pytest

from postflow.errors import ConfigurationError
from postflow.frameio.locate import folder_path, locate, locate_workspace
from tests.frameio.conftest import ClientOf, Handler

pytestmark = pytest.mark.anyio

MOMENT = "2026-01-05T10:00:00.000001Z"


def studio(
    *, workspaces: tuple[str, ...] = ("w",), projects: tuple[str, ...] = ("p",), idle: str = ""
) -> Handler:
    """Answer as an account with these workspaces, each with these projects."""

    def workspace(each: str) -> dict[str, object]:
        return {
            "id": each, "name": f"Team {each}", "account_id": "acc",
            "created_at": MOMENT, "updated_at": MOMENT,
        }  # fmt: skip

    def project(each: str) -> dict[str, object]:
        return {
            "id": each, "name": f"Film {each}", "status": "inactive" if each == idle else "active",
            "storage": 0, "workspace_id": workspaces[0], "root_folder_id": f"root-{each}",
            "view_url": "v", "created_at": MOMENT, "updated_at": MOMENT,
        }  # fmt: skip

    def answer(request: httpx.Request) -> httpx.Response:
        match request.url.path.split("/")[4:]:
            case ["workspaces"]:
                found: object = [workspace(each) for each in workspaces]
            case ["workspaces", known, "projects"] if known in workspaces:
                found = [project(each) for each in projects]
            case ["projects", known] if known in projects:
                return httpx.Response(200, json={"data": project(known)})
            case _:
                return httpx.Response(404)
        return httpx.Response(200, json={"data": found, "links": {"next": None}})

    return answer


async def test_only_choices_need_no_setting(client_of: ClientOf) -> None:
    """One workspace with one project is found without any setting."""
    place = await locate(client_of(studio()))
    assert (place.account_id, place.workspace_id, place.project_id) == ("acc", "w", "p")
    assert place.folder_id == "root-p"


@pytest.mark.parametrize(
    ("there", "advice"),
    [
        (studio(workspaces=("w", "x")), r"frameio\.workspace_id.*Team w \(w\), Team x \(x\)"),
        (studio(projects=("p", "q")), r"frameio\.project_id.*Film p \(p\), Film q \(q\)"),
        (studio(workspaces=()), "sees no workspace"),
        (studio(projects=()), "sees no project"),
    ],
    ids=["workspaces", "projects", "no workspace", "no project"],
)
async def test_several_choices_are_listed(client_of: ClientOf, there: Handler, advice: str) -> None:
    """Nothing is guessed: the error names the setting and its possible values."""
    with pytest.raises(ConfigurationError, match=advice):
        await locate(client_of(there))


async def test_given_project_settles_the_workspace(client_of: ClientOf) -> None:
    """A project's id is enough where there are several workspaces."""
    client = client_of(studio(workspaces=("w", "x"), projects=("p", "q")))
    place = await locate(client, project_id="q")
    assert (place.workspace_id, place.folder_id) == ("w", "root-q")


async def test_archived_project_is_no_choice(client_of: ClientOf) -> None:
    """One active project beside an archived one is the only choice."""
    place = await locate(client_of(studio(projects=("p", "old"), idle="old")))
    assert place.project_id == "p"


@pytest.mark.parametrize(
    ("workspace", "project", "advice"),
    [
        (None, "nothing", r"frameio\.project_id"),
        ("nothing", None, r"frameio\.workspace_id"),
        ("other", "p", r"in workspace w, not in other"),
    ],
    ids=["project", "workspace", "both"],
)
async def test_wrong_id_names_its_setting(
    client_of: ClientOf, workspace: str | None, project: str | None, advice: str
) -> None:
    """An id that does not exist, or does not fit, is told by the name of its setting."""
    with pytest.raises(ConfigurationError, match=advice):
        await locate(client_of(studio()), workspace_id=workspace, project_id=project)


async def test_webhooks_find_their_workspace(client_of: ClientOf) -> None:
    """A webhook needs a workspace only; a given one is taken as it is."""
    client = client_of(studio())
    assert await locate_workspace(client) == "w"
    assert await locate_workspace(client, workspace_id="given") == "given"


@pytest.mark.parametrize(
    ("folder", "names"),
    [("", ()), ("/", ()), ("a", ("a",)), ("/a//b c/ ", ("a", "b c")), ("é/ü", ("é", "ü"))],
)
def test_path_is_cut_at_slashes(folder: str, names: tuple[str, ...]) -> None:
    """Slashes at the ends and doubled ones mean nothing."""
    assert folder_path(folder) == names
