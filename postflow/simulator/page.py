"""The page behind `view_url`: a person reads a file's comments there and writes one.

It is plain HTML without scripts, and for a simulator only: whoever opens it may be anybody.
"""

from __future__ import annotations

from html import escape

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from postflow.simulator.calling import WorldDep, read_form
from postflow.simulator.records import StoredComment, StoredFile, StoredStack
from postflow.simulator.refusals import Refusal
from postflow.simulator.reviews import add_comment, set_status
from postflow.simulator.state import STATUS_FIELD_ID
from postflow.simulator.world import World

router = APIRouter()

_STYLE = (
    "body{font:16px/1.5 system-ui;max-width:42rem;margin:2rem auto;padding:0 1rem}"
    "li{margin:.5rem 0}.reply{margin-left:2rem}small{color:#666}"
    "textarea,input{width:100%;box-sizing:border-box}"
)


@router.get("/project/{project_id}/view/{asset_id}")
async def show_page(world: WorldDep, asset_id: str) -> HTMLResponse:
    """Show a file, or the newest version of a stack."""
    return HTMLResponse(_render(world, _file(world, asset_id)))


@router.post("/project/{project_id}/view/{asset_id}")
async def act_on_page(request: Request, world: WorldDep, asset_id: str) -> RedirectResponse:
    """Comment, or set Status, as whoever the form says."""
    file = _file(world, asset_id)
    form = await read_form(request)
    user = world.people.named(form.get("as", "").strip() or "reviewer")
    if form.get("text", "").strip():
        add_comment(world, file, text=form["text"].strip(), owner=user)
    if form.get("status"):
        set_status(world, file, form["status"], user=user)
    return RedirectResponse(request.url.path, 303)


def _file(world: World, asset_id: str) -> StoredFile:
    asset = world.state.assets.get(asset_id)
    if isinstance(asset, StoredStack):
        return world.state.versions(asset)[-1]
    if not isinstance(asset, StoredFile):
        raise Refusal(404)
    return asset


def _render(world: World, file: StoredFile) -> str:
    comments = [world.state.comments[each] for each in world.state.comments_of.get(file.id, [])]
    field = world.state.fields[STATUS_FIELD_ID]
    chosen = file.values.get(field.id)
    options = "".join(
        f"<option{' selected' if isinstance(chosen, list) and key in chosen else ''}>"
        f"{escape(name)}</option>"
        for key, name in field.options.items()
    )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(file.name)}</title>"
        f"<style>{_STYLE}</style><h1>{escape(file.name)}</h1>"
        f"<p>Version {world.state.version_of(file)}, {file.status.value}. Simulated Frame.io.</p>"
        f"<ul>{''.join(_render_comment(comment) for comment in comments)}</ul>"
        "<form method=post><p><label>I am <input name=as placeholder=julie@client.com></label>"
        "<p><label>Comment <textarea name=text rows=3></textarea></label>"
        f"<p><label>{escape(field.name)} <select name=status><option value=''>as it is</option>"
        f"{options}</select></label> <button>Send</button></form></html>"
    )


def _render_comment(comment: StoredComment) -> str:
    place = f", frame {comment.frame}" if comment.frame is not None else ""
    owner = escape(comment.owner.name or comment.owner.email)
    css = " class=reply" if comment.parent_id else ""
    return f"<li{css}>{escape(comment.text)}<br><small>{owner}{place}</small></li>"
