"""Manifests, in the store and beside the delivered files, agree with the decisions they name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from postflow.auditing import Audit, verify
from postflow.domain.standing import ReviewStatus
from postflow.store.decisions import load_decisions
from tests.audit.conftest import Postflow, Room, Tamper

MANIFEST = "clip.manifest.json"


@pytest.fixture
def delivered(room: Room) -> Room:
    """Deliver one approved video."""
    room.approve("clip", room.videos.make("clip.mp4"))
    assert room.deliver("clip") is not None
    return room


def check(room: Room, upload_id: str | None = None) -> Audit:
    """Verify the record."""
    with room.store.reading() as session:
        return verify(session, room.folder, upload_id=upload_id)


def sentences(room: Room) -> list[str]:
    """Return what is found."""
    return [link.sentence for _, link in check(room).broken]


def edit(room: Room, **changes: Any) -> None:
    """Change the manifest beside the delivered video."""
    path = room.folder / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_manifest_holds_the_head(delivered: Room) -> None:
    """The manifest names the newest decision at the time of the delivery."""
    with delivered.store.reading() as session:
        head = load_decisions(session, "clip")[-1].hash
    manifest = json.loads((delivered.folder / MANIFEST).read_text())
    assert manifest["verdict"]["decision_hash"] == head
    audit = check(delivered)
    assert (audit.manifests, audit.moved, audit.broken) == (2, [], [])


def test_recalled_delivery_still_holds(delivered: Room) -> None:
    """A recall is written into the store's copy alone, and later decisions follow the chain."""
    delivered.decide("clip", ReviewStatus.REJECTED)
    assert delivered.row("clip").recalled_at is not None
    assert sentences(delivered) == []


def test_moved_delivery_is_no_fault(delivered: Room) -> None:
    """People move deliveries; the manifest that cannot be compared is named."""
    (delivered.folder / MANIFEST).unlink()
    audit = check(delivered)
    assert (audit.moved, audit.broken) == ([str(delivered.folder / MANIFEST)], [])


def test_forgotten_approval_is_missed(delivered: Room, tamper: Tamper) -> None:
    """A chain that was cut off with its upload's head does not fit the manifests any more."""
    delivered.decide("clip", ReviewStatus.REJECTED)
    tamper("DELETE FROM decisions")
    tamper("UPDATE uploads SET head_hash = NULL")
    assert "rests on a decision" in sentences(delivered)[0]


def test_forgotten_upload_is_missed(delivered: Room, tamper: Tamper) -> None:
    """The file on disk speaks even when everything about its upload was removed."""
    for table in ("deliveries", "decisions", "versions", "rulings", "announcements", "uploads"):
        tamper(f"DELETE FROM {table}")  # noqa: S608 - names from the line above
    (sentence,) = sentences(delivered)
    assert sentence.startswith(f"The manifest {delivered.folder / MANIFEST} rests on a decision")


def test_changed_words_in_file_are_named(delivered: Room) -> None:
    """A file that tells another verdict than the decision is found out."""
    path = delivered.folder / MANIFEST
    verdict = json.loads(path.read_text())["verdict"]
    edit(delivered, verdict=verdict | {"who": "Somebody else"})
    (sentence,) = sentences(delivered)
    assert "says who 'Somebody else', decision 1 says 'Cleo'" in sentence


def test_changed_facts_in_file_are_named(delivered: Room) -> None:
    """What the decision does not know, the store's own copy does."""
    edit(delivered, master={"sha256": "0" * 64})
    (sentence,) = sentences(delivered)
    assert "differs from what the store recorded: its 'master' was changed" in sentence


def test_unreadable_file_is_named(delivered: Room) -> None:
    """A manifest that is no JSON any more is no proof."""
    (delivered.folder / MANIFEST).write_text("{")
    (sentence,) = sentences(delivered)
    assert "cannot be read any more" in sentence


def test_foreign_manifests_are_left_alone(delivered: Room) -> None:
    """Other programs' manifest files in the same folder say nothing about this record."""
    (delivered.folder / "other.manifest.json").write_text('{"files": []}')
    (delivered.folder / "list.manifest.json").write_text("[]")
    assert sentences(delivered) == []


def test_command_says_what_holds(
    delivered: Room, postflow: Postflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`postflow audit verify` exits with 0, and with 1 and one sentence once something is wrong."""
    url = delivered.store.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("POSTFLOW_DATABASE__URL", url)
    monkeypatch.setenv("POSTFLOW_POST_PROCESSING__OUTPUT_DIR", str(delivered.folder))
    ran = postflow("audit", "verify")
    assert (ran.code, ran.out) == (
        0,
        "The record holds (uploads: 1, decisions: 1, manifests compared: 2).\n",
    )
    assert json.loads(postflow("audit", "verify", "clip", "--json").out)["holds"] is True
    edit(delivered, version=7)
    ran = postflow("audit", "verify")
    assert (ran.code, len(ran.out.splitlines())) == (1, 1)
    found = json.loads(postflow("audit", "verify", "--json").out)
    assert found["holds"] is False
    assert found["broken"][0]["upload_id"] == "clip"
    assert postflow("audit", "verify", "nobody").code == 1
