"""Who may talk to the private face, on every route of it."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from starlette.routing import BaseRoute, Mount, Route

from postflow.errors import ConfigurationError
from postflow.settings.sections import DashboardSettings
from tests.webhook_api.conftest import Service, StartService
from webhook_api.app import create_private_routes
from webhook_api.guards import PrivateGuard, refuse_open_door
from webhook_api.routes import api, dashboard, health

TOKEN = "a-long-dashboard-token"


def _list_routes() -> list[tuple[str, str]]:
    """Return method and path of every private route there is, and of one that is none."""
    found: list[BaseRoute] = [*create_private_routes(None).routes]  # type: ignore[arg-type]  # never called
    for module in (api, dashboard, health):
        found += module.router.routes
    routes = [
        (method, route.path.replace("{upload_id}", "clip"))
        for route in found
        if isinstance(route, Route)
        for method in sorted(route.methods or ())
    ]
    mounts = [("GET", f"{route.path}/dashboard.js") for route in found if isinstance(route, Mount)]
    return [*routes, *mounts, ("GET", "/no-such-route")]


ROUTES = _list_routes()


def test_route_walk_sees_every_route() -> None:
    """The list that the other tests walk is not empty by accident."""
    paths = {path for _, path in ROUTES}

    assert {"/", "/api/uploads", "/api/uploads/clip/decision", "/metrics", "/ready"} <= paths
    assert {"/openapi.json", "/static/dashboard.js", "/api/stats", "/api/events"} <= paths


def test_no_private_route_is_public(service: Service) -> None:
    """None of the private routes answers on the port that a tunnel shows to the world."""
    answers = {
        (method, path): service.public.request(method, path).status_code for method, path in ROUTES
    }

    assert set(answers.values()) == {404}


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1:1"},
        {"host": "127.0.0.1"},
        {"host": "127.0.0.1@evil.example"},
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:3000"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
    ],
    ids=["host", "port", "no port", "user", "origin", "neighbour", "null", "cross-site"],
)
def test_strangers_are_refused_everywhere(service: Service, headers: dict[str, str]) -> None:
    """A foreign Host or Origin is refused on every route, also on one that does not exist."""
    answers = {
        (method, path): service.private.request(method, path, headers=headers).status_code
        for method, path in ROUTES
    }

    assert set(answers.values()) == {403}


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_own_names_are_let_in(service: Service, name: str) -> None:
    """The names of this machine are fine, with the port that is really ours."""
    own = f"{name}:{urlsplit(service.private_url).port}"
    headers = {"host": own, "origin": f"http://{own}", "sec-fetch-site": "same-origin"}

    assert service.private.get("/api/stats", headers=headers).status_code == 200


def test_token_is_asked_everywhere(start_service: StartService) -> None:
    """With a token configured nothing is shown without it, whatever the route."""
    service = start_service(dashboard={"token": TOKEN})
    refused = {
        (method, path): service.private.request(method, path).status_code for method, path in ROUTES
    }
    wrong = service.private.get("/api/stats", headers={"authorization": "Bearer wrong"})
    right = service.private.get("/api/stats", headers={"authorization": f"Bearer {TOKEN}"})

    assert set(refused.values()) == {401}
    assert (wrong.status_code, right.status_code) == (401, 200)


def test_login_gives_a_cookie(start_service: StartService) -> None:
    """A browser shows the token once; afterwards a cookie that is not the token is enough."""
    service = start_service(dashboard={"token": TOKEN})
    asked = service.private.get("/", headers={"accept": "text/html"})
    failed = service.private.post("/login", data={"token": "wrong"})
    service.private.post("/login", data={"token": TOKEN})

    assert asked.status_code == 401
    assert 'name="token"' in asked.text
    assert failed.status_code == 401
    assert not failed.cookies
    assert TOKEN not in str(service.private.cookies.jar)
    assert service.private.get("/").status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "studio.example"])  # noqa: S104 - what the test is about
@pytest.mark.parametrize("token", [None, "", "  "], ids=["none", "empty", "blank"])
def test_open_door_is_refused(host: str, token: str | None) -> None:
    """Other machines can reach the private face only where a token is configured."""
    settings = DashboardSettings.model_validate({"host": host, "token": token})

    with pytest.raises(ConfigurationError, match=r"dashboard\.token"):
        refuse_open_door(settings)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_loopback_needs_no_token(host: str) -> None:
    """On this machine alone no token is needed."""
    refuse_open_door(DashboardSettings(host=host))


@pytest.mark.parametrize(
    ("host_header", "is_allowed"),
    [
        ("192.0.2.7:8081", True),
        ("[2001:db8::1]:8081", True),
        ("192.0.2.7:8080", False),
        ("evil.example:8081", False),
        ("192.0.2.7.evil.example:8081", False),
    ],
)
def test_wildcard_address_allows_no_names(host_header: str, *, is_allowed: bool) -> None:
    """Bound to every address we answer to addresses: only a name can be rebound."""
    settings = DashboardSettings.model_validate({"host": "0.0.0.0", "token": TOKEN})  # noqa: S104 - what the test is about
    guard = PrivateGuard(create_private_routes(None), settings=settings, port=8081)  # type: ignore[arg-type]  # never called

    assert guard._hosts.allow(host_header) is is_allowed
