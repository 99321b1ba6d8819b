"""Commands that look and decide, on a real store."""

from __future__ import annotations

import json

import pytest
import typer.main

from postflow.cli.main import app
from postflow.clock import utc_now
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


def test_every_command_shows_an_example() -> None:
    """Whoever asks a command for help sees how it is written."""
    program = typer.main.get_command(app)
    commands = dict(program.commands)  # type: ignore[attr-defined]  # the program is a group
    for name in ("audit", "config", "webhook"):
        commands |= commands.pop(name).commands
    without = [name for name, c in commands.items() if "Example: postflow" not in (c.help or "")]
    assert without == []
