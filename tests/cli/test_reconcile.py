"""`postflow reconcile` against the simulated Frame.io: what it reads, says and reports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from postflow.clock import utc_now
from postflow.simulator.config import SimulatorConfig
from postflow.store.database import open_store
from postflow.store.uploads import register_upload
from tests.cli.conftest import Postflow
from tests.frameio.simulated import Simulated, simulate


@pytest.fixture
def frameio(store_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulated]:
    """Run a Frame.io with one reviewable file that is tracked as `intro`."""
    with simulate(SimulatorConfig(transcode_delay=timedelta(0))) as running:
        monkeypatch.setenv("POSTFLOW_FRAMEIO__BASE_URL", running.address)
        monkeypatch.setenv("POSTFLOW_FRAMEIO__TOKEN", "editor")
        file = running.order("POST", "/files", file_name="intro.mp4", **{"as": "editor"})
        _register(store_url, "intro", file["id"])
        yield running


def _register(url: str, upload_id: str, file_id: str | None) -> None:
    store = open_store(url)
    with store.writing() as session:
        register_upload(
            session,
            upload_id=upload_id,
            filename=f"{upload_id}.mp4",
            file_id=file_id,
            now=utc_now(),
        )
    store.close()


def comment(frameio: Simulated, text: str) -> None:
    """Let a reviewer comment on the file."""
    frameio.order("POST", "/files/intro.mp4/comments", text=text, **{"as": "cleo@client.example"})


def test_changed_upload_is_one_line(postflow: Postflow, frameio: Simulated) -> None:
    """Each upload that had changed is told in one line, and the second run finds nothing."""
    postflow("reconcile")
    comment(frameio, "Approved.")
    ran = postflow("reconcile")
    assert ran.code == 0, ran.err
    assert "intro: comment.created ×1, pending → approved" in ran.out
    assert "1 under review read, 1 changed." in ran.out
    assert postflow("reconcile").out == "1 under review read, 0 changed.\n"


def test_changes_are_json_for_programs(postflow: Postflow, frameio: Simulated) -> None:
    """Programs get the changed uploads, and nothing else on their output."""
    postflow("reconcile")
    comment(frameio, "Please fix the sound.")
    (changed,) = json.loads(postflow("reconcile", "--json").out)
    assert (changed["upload_id"], changed["found"]) == ("intro", ["comment.created"])
    assert (changed["last_review_status"], changed["review_status"]) == ("pending", "rejected")
    assert json.loads(postflow("reconcile", "--json").out) == []


def test_report_tells_what_webhooks_missed(postflow: Postflow, frameio: Simulated) -> None:
    """The report has a row per day and kind, for people and for programs."""
    postflow("reconcile")
    comment(frameio, "Approved.")
    postflow("reconcile")
    (row,) = json.loads(postflow("reconcile", "--report", "--json").out)
    assert (row["event_type"], row["by_webhook"], row["only_polling"]) == ("comment.created", 0, 1)
    assert row["day"] == utc_now().date().isoformat()
    assert "comment.created" in postflow("reconcile", "--report", "--since", "2026-01-01").out
    assert (
        json.loads(postflow("reconcile", "--report", "--since", "2999-01-01", "--json").out) == []
    )


def test_name_alone_is_enough(postflow: Postflow, frameio: Simulated, store_url: str) -> None:
    """A video that was registered by name is attached and read in the same run."""
    _register(store_url, "outro", None)
    file = frameio.order("POST", "/files", file_name="outro.mp4", **{"as": "editor"})
    ran = postflow("reconcile")
    assert "outro: file.created ×1" in ran.out
    assert json.loads(postflow("status", "outro", "--json").out)["file_id"] == file["id"]


def test_unreachable_frameio_is_said(
    postflow: Postflow, frameio: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Frame.io there is one sentence and exit code 1."""
    monkeypatch.setenv("POSTFLOW_FRAMEIO__BASE_URL", "http://127.0.0.1:9")
    ran = postflow("reconcile")
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert "Traceback" not in ran.err


def test_missing_token_is_said(postflow: Postflow, store_url: str) -> None:
    """Without a way to sign in the sentence says how to get one."""
    ran = postflow("reconcile")
    assert ran.code == 1
    assert "frameio.token" in ran.err


def test_since_without_report_is_wrong_usage(postflow: Postflow, store_url: str) -> None:
    """A sweep reads everything, so a date would mean nothing."""
    assert postflow("reconcile", "--since", "2026-01-01").code == 2
    assert postflow("reconcile", "--report", "--since", "yesterday").code == 2
