"""Shares: pages for reviewers outside the project. Only their management is simulated."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from postflow.frameio.wire import User, render_time
from postflow.simulator.bodies import (
    AddReviewersParams,
    Body,
    RemoveReviewersParams,
    Reviewers,
    ShareAssetParams,
    ShareParams,
    ShareUpdateParams,
)
from postflow.simulator.calling import Call, CallDep
from postflow.simulator.paging import render_page, sort_items
from postflow.simulator.records import StoredShare
from postflow.simulator.refusals import Refusal
from postflow.simulator.state import fresh_id

router = APIRouter(prefix="/v4/accounts/{account_id}")

_SORTS = {"name": lambda each: each.name, "created_at": lambda each: each.created_at}


@router.get("/projects/{project_id}/shares")
async def list_shares(call: CallDep, project_id: str) -> dict[str, Any]:
    """List the shares of a project."""
    project = call.state.project(project_id)
    found = [each for each in call.state.shares.values() if each.project_id == project.id]
    return render_page(call.request, sort_items(call.request, found, _SORTS), render_share)


@router.post("/projects/{project_id}/shares", status_code=201)
async def create_share(call: CallDep, project_id: str, body: Body[ShareParams]) -> dict[str, Any]:
    """Share assets of a project."""
    project, params, now = call.state.project(project_id), body.data, call.world.clock.now()
    for asset_id in params.asset_ids:
        _check_asset(call, asset_id)
    share = StoredShare(
        id=fresh_id(),
        name=params.name,
        created_at=now,
        updated_at=now,
        project_id=project.id,
        access=params.access,
        collection_id=fresh_id(),
        asset_ids=params.asset_ids,
        downloading_enabled=params.downloading_enabled,
        description=params.description,
        expiration=params.expiration,
        passphrase=params.passphrase,
    )
    call.state.shares[share.id] = share
    _share_happens(call, "share.created", share)
    return {"data": render_share(share)}


@router.get("/shares/{share_id}")
async def show_share(call: CallDep, share_id: str) -> dict[str, Any]:
    """Show a share."""
    return {"data": render_share(call.state.share(share_id))}


@router.patch("/shares/{share_id}")
async def update_share(
    call: CallDep, share_id: str, body: Body[ShareUpdateParams]
) -> dict[str, Any]:
    """Change a share."""
    share = call.state.share(share_id)
    for name in body.data.model_fields_set:
        setattr(share, name, getattr(body.data, name))
    share.updated_at = call.world.clock.now()
    _share_happens(call, "share.updated", share)
    return {"data": render_share(share)}


@router.delete("/shares/{share_id}", status_code=204)
async def delete_share(call: CallDep, share_id: str) -> Response:
    """Delete a share."""
    share = call.state.shares.pop(call.state.share(share_id).id)
    _share_happens(call, "share.deleted", share)
    return Response(status_code=204)


@router.post("/shares/{share_id}/assets")
async def add_asset(call: CallDep, share_id: str, body: Body[ShareAssetParams]) -> dict[str, Any]:
    """Add an asset to a share."""
    share = call.state.share(share_id)
    _check_asset(call, body.data.asset_id)
    share.asset_ids.append(body.data.asset_id)
    _share_happens(call, "share.updated", share)
    return {"data": render_share(share) | {"asset_added": body.data.asset_id}}


@router.get("/shares/{share_id}/reviewers")
async def list_reviewers(call: CallDep, share_id: str) -> dict[str, Any]:
    """List who was invited."""
    reviewers = call.state.share(share_id).reviewers
    return render_page(call.request, reviewers, lambda user: user.model_dump(mode="json"))


@router.post("/shares/{share_id}/reviewers", status_code=204)
async def add_reviewers(call: CallDep, share_id: str, body: Body[AddReviewersParams]) -> Response:
    """Invite reviewers; somebody known only by email has no id yet."""
    share = call.state.share(share_id)
    share.reviewers.extend(_people(call, body.data.reviewers))
    return Response(status_code=204)


@router.delete("/shares/{share_id}/reviewers", status_code=204)
async def remove_reviewers(
    call: CallDep, share_id: str, body: Body[RemoveReviewersParams]
) -> Response:
    """Take reviewers off a share."""
    share = call.state.share(share_id)
    gone = {user.email for user in _people(call, body.data.reviewers)}
    share.reviewers = [user for user in share.reviewers if user.email not in gone]
    return Response(status_code=204)


def render_share(share: StoredShare) -> dict[str, Any]:
    """Write a share."""
    return {
        "id": share.id,
        "name": share.name,
        "access": share.access,
        "collection_id": share.collection_id,
        "commenting_enabled": True,
        "downloading_enabled": share.downloading_enabled,
        "description": share.description,
        "enabled": True,
        "expiration": share.expiration,
        "last_viewed_at": None,
        "passphrase": share.passphrase,
        "short_url": f"https://f.io/{share.id[:8]}",
        "created_at": render_time(share.created_at),
        "updated_at": render_time(share.updated_at),
    }


def _people(call: Call, reviewers: Reviewers) -> list[User]:
    known = {user.email.lower(): user for user in call.world.people.everybody()}
    if reviewers.emails is not None:
        return [
            known.get(email.lower()) or call.world.people.guest(name=None, email=email)
            for email in reviewers.emails
        ]
    ids = {*(reviewers.user_ids or []), *(reviewers.adobe_user_ids or [])}
    found = [user for user in known.values() if user.id in ids]
    if len(found) < len(ids):
        raise Refusal(404)
    return found


def _check_asset(call: Call, asset_id: str) -> None:
    if asset_id not in call.state.assets:
        raise Refusal(404)


def _share_happens(call: Call, event: str, share: StoredShare) -> None:
    call.world.happen(
        event,
        resource_id=share.id,
        resource_type="share",
        user=call.user,
        project_id=share.project_id,
    )
