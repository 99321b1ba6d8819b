"""Commands that look and decide, on a real store."""

from __future__ import annotations

import json
from typing import Any

import pytest
import typer.main

from postflow.cli.main import app
from postflow.clock import utc_now
from postflow.errors import UnknownUploadError
from postflow.store.database import open_store
from postflow.store.uploads import register_upload
from tests.cli.conftest import Postflow


@pytest.fixture
def tracked(store_url: str) -> str:
    """Track one upload in the store."""
    store = open_store(store_url)
    with store.writing() as session:
        register_upload(session, upload_id="intro", filename="intro.mp4", now=utc_now())
    store.close()
    return "intro"


def test_status_lists_every_upload(postflow: Postflow, tracked: str) -> None:
    """The listing shows the upload with its two states."""
    ran = postflow("status")
    assert ran.code == 0
    assert "intro.mp4" in ran.out
    assert "pending" in ran.out


def test_json_status_has_api_keys(postflow: Postflow, tracked: str) -> None:
    """`--json` gives programs the keys of the API."""
    (upload,) = json.loads(postflow("status", "--json").out)
    assert upload["upload_id"] == "intro"
    assert upload["webhook_events_received"] == []
    alone = json.loads(postflow("status", "intro", "--json").out)
    assert alone == {**upload, "changes": [], "remarks": [], "waits": []}


def test_listings_speak_json_when_empty(postflow: Postflow, store_url: str) -> None:
    """An empty listing is an empty list for programs and a sentence for people."""
    for command in ("status", "waiting", "events"):
        assert json.loads(postflow(command, "--json").out) == []
        assert postflow(command).out.strip()


def test_decision_by_hand_is_kept(postflow: Postflow, tracked: str) -> None:
    """Approving, reopening and rejecting by hand each change the review and say why."""
    for command, review in (("approve", "approved"), ("reopen", "pending"), ("reject", "rejected")):
        assert postflow(command, tracked, "--reason", f"because {command}").code == 0
        view = json.loads(postflow("status", tracked, "--json").out)
        assert view["review_status"] == review
        assert view["verdict"]["source"] == "manual"
        assert f"because {command}" in view["verdict"]["reason"]


def test_cancelled_upload_says_how_to_resume(postflow: Postflow, tracked: str) -> None:
    """Cancelling keeps the upload and names the way back."""
    ran = postflow("cancel", tracked)
    assert ran.code == 0
    assert "postflow run" in ran.out
    assert json.loads(postflow("status", tracked, "--json").out)["cancelled_at"]


def test_explain_text_says_why(postflow: Postflow) -> None:
    """A comment given on the command line is judged with its reason, without any store."""
    assert postflow("explain", "--text", "Approved.").out.startswith("approved")
    assert json.loads(postflow("explain", "--text", "ok?", "--json").out)["verdict"] == "pending"


def test_explain_needs_exactly_one_subject(postflow: Postflow) -> None:
    """Neither an upload nor a text, or both, is wrong usage."""
    assert postflow("explain").code == 2
    assert postflow("explain", "intro", "--text", "ok").code == 2


def _commands() -> dict[str, Any]:
    """Give every command by all of its name; they are of a private class of Typer's."""
    commands = dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]  # a group
    for group in [name for name, command in commands.items() if hasattr(command, "commands")]:
        inner = commands.pop(group).commands
        commands |= {f"{group} {name}": command for name, command in inner.items()}
    return commands


def test_every_command_shows_an_example() -> None:
    """Whoever asks a command for help sees how it is written."""
    without = [n for n, c in _commands().items() if f"Example: postflow {n}" not in (c.help or "")]
    assert without == []


def test_every_command_that_tells_speaks_json() -> None:
    """Only commands that do something, or print JSON anyway, have no `--json`."""
    telling = {
        name
        for name, command in _commands().items()
        if any("--json" in parameter.opts for parameter in command.params)
    }
    running = {"demo", "start", "serve", "simulator", "run", "watch", "dashboard"}
    deciding = {"approve", "reject", "reopen", "undo", "cancel"}
    preparing = {"migrate", "login", "config init", "config schema"}
    at_frameio = {"webhook register", "webhook remove"}
    assert _commands().keys() - telling == running | deciding | preparing | at_frameio


def test_debug_shows_where_an_error_came_from(postflow: Postflow, store_url: str) -> None:
    """With `--debug`, wherever it stands, the error goes on to Python, which shows all of it."""
    for arguments in (("status", "ghost", "--debug"), ("--debug", "status", "ghost")):
        with pytest.raises(UnknownUploadError):
            postflow(*arguments)
