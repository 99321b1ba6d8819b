"""Adobe's token endpoint, as far as server-to-server and refreshed user tokens need it."""

from __future__ import annotations

import base64
import binascii
import hashlib

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from postflow.frameio.wire import User
from postflow.simulator.calling import WorldDep, read_form
from postflow.simulator.rendering import written
from postflow.simulator.world import World, service_user

router = APIRouter(prefix="/ims")


@router.get("/authorize/v2")
async def authorize(request: Request) -> Response:
    """Agree at once and send the browser back, with a code that acts as `login_hint`.

    A code that was asked for with a challenge carries it, and is good only with its verifier.
    """
    query = request.query_params
    if not query.get("client_id") or not query.get("redirect_uri"):
        return _refused("invalid_request", "client_id and redirect_uri are required")
    separator = "&" if "?" in query["redirect_uri"] else "?"
    challenge = query.get("code_challenge")
    code = f"code-{query.get('login_hint', 'person')}" + (f"~{challenge}" if challenge else "")
    target = f"{query['redirect_uri']}{separator}code={code}&state={query.get('state', '')}"
    return RedirectResponse(target, 302)


@router.post("/token/v3")
async def issue_token(request: Request, world: WorldDep) -> Response:
    """Issue a token for a client, a code or a refresh token."""
    form = await read_form(request)
    client_id = form.get("client_id") or _basic_client(request)
    if not client_id or client_id.startswith("invalid"):
        return _refused("invalid_client", "Client id is missing or unknown")
    user = _grantee(world, form, client_id)
    if isinstance(user, str):
        return _refused(*user.split(": "))
    return _issued(world, user, offline=form["grant_type"] != "client_credentials")


@router.post("/revoke")
async def revoke_token(request: Request, world: WorldDep) -> Response:
    """Forget a token; unknown ones are fine."""
    world.people.revoke((await read_form(request)).get("token", ""))
    return Response(status_code=200)


def _issued(world: World, user: User, *, offline: bool) -> JSONResponse:
    issued = world.people.issue(
        user,
        now=world.clock.now(),
        lifetime=world.config.token_lifetime,
        offline=offline,
    )
    return JSONResponse(written(issued))


def _refused(error: str, description: str) -> JSONResponse:
    return JSONResponse({"error": error, "error_description": description}, 400)


def _person_of(world: World, form: dict[str, str]) -> User | str:
    code = form.get("code", "")
    if not code.startswith("code-"):
        return "invalid_grant: The code is unknown"
    name, _, challenge = code.removeprefix("code-").partition("~")
    if challenge and challenge != _challenge_of(form.get("code_verifier", "")):
        return "invalid_grant: The code verifier is missing or wrong"
    return world.people.named(name)


def _challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _basic_client(request: Request) -> str | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return None


def _grantee(world: World, form: dict[str, str], client_id: str) -> User | str:
    """Find whom the form grants a token, or say `error: description`."""
    match form.get("grant_type"):
        case "client_credentials":
            secret = form.get("client_secret", "")
            if not secret or secret.startswith("invalid"):
                return "invalid_client: Client secret is missing or wrong"
            return service_user(world.people, client_id)
        case "authorization_code":
            return _person_of(world, form)
        case "refresh_token":
            found = world.people.redeem(form.get("refresh_token", ""))
            return found or "invalid_grant: The refresh token is unknown or was used"
        case _:
            return "unsupported_grant_type: The grant type is not supported"
