"""The drill's checks from outside: each finds what it is for, and nothing where all is well."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from postflow.store.tables import WaitRow
from tools.drill.checking import Scene, list_misses
from tools.drill.frameio import Seen
from tools.drill.outside import Inside
from tools.drill.plan import Plan, Video

NAME = "001-approved.mp4"
BODY = '{"type":"comment.created"}'
ORIGINAL = "a" * 64
Change = Callable[[Scene], Scene]


def happening(text: str, *, second: int = 1, kind: str = "comment.created") -> dict[str, Any]:
    """Return what Julie did to the file."""
    return {
        "at": f"2026-01-05T10:00:{second:02d}+00:00",
        "type": kind,
        "resource_id": "c1",
        "file_id": "f1",
        "user": {"email": "julie@client.example"},
        "said": text,
    }


def deliver(folder: Path, stem: str = "001-approved", *, sha256: str = ORIGINAL) -> None:
    """Write a delivery of the file into the folder."""
    video = f"{stem}.mp4"
    (folder / video).write_bytes(b"encoded")
    digest = hashlib.sha256(b"encoded").hexdigest()
    manifest = {
        "filename": NAME,
        "version": 1,
        "frameio": {"file_id": "f1"},
        "master": {"sha256": sha256},
        "files": {video: {"sha256": digest, "size": 7}},
    }
    (folder / f"{stem}.manifest.json").write_text(json.dumps(manifest))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Give one video that was approved and delivered as it should be."""
    deliver(tmp_path)
    video = Video(name=NAME, first=(), second=(), versions=1, is_removed=False)
    attempt = {"status": 202, "timestamp": 17}
    sent = {"number": 1, "event": "comment.created", "body": BODY, "attempts": [attempt]}
    upload = {
        "filename": NAME,
        "file_id": "f1",
        "status": "ready",
        "review_status": "approved",
        "version": 1,
        "failure": None,
    }
    return Scene(
        plan=Plan(seed="1", videos=[video], batches=(), faults=(), kills=(), away=None, full=None),
        frameio=Seen(
            files={NAME: [{"id": "f1", "sha256": ORIGINAL}]},
            history=[happening("Approved, thank you!")],
            deliveries=[sent],
        ),
        inside=Inside(
            uploads={NAME: upload},
            runs={NAME: [{"state": {"type": "COMPLETED", "name": "Completed", "message": ""}}]},
            owed={},
            inbox=Counter({("17", BODY.encode()): 1}),
            unsettled=[],
        ),
        delivered=tmp_path,
    )


def test_scene_in_order_has_no_miss(scene: Scene) -> None:
    """Where every promise holds nothing is named."""
    assert list_misses(scene) == []


def _with_upload(**changes: object) -> Change:
    def change(scene: Scene) -> Scene:
        upload = scene.inside.uploads[NAME] | changes
        return replace(scene, inside=replace(scene.inside, uploads={NAME: upload}))

    return change


def _with_run(kind: str, name: str) -> Change:
    run = {"state": {"type": kind, "name": name, "message": ""}}
    return lambda scene: replace(scene, inside=replace(scene.inside, runs={NAME: [run]}))


def _with_history(*history: dict[str, Any]) -> Change:
    return lambda scene: replace(scene, frameio=replace(scene.frameio, history=history))


def _forget_delivery(scene: Scene) -> Scene:
    return replace(scene, inside=replace(scene.inside, inbox=Counter()))


def _owe_wake_up(scene: Scene) -> Scene:
    moment = datetime(2026, 1, 5, 10, tzinfo=UTC)
    wait = WaitRow(upload_id="1", flow_run_id="r1", created_at=moment, due_at=moment)
    return replace(scene, inside=replace(scene.inside, owed={NAME: [wait]}))


def _deliver_again(scene: Scene) -> Scene:
    deliver(scene.delivered, "001-approved-again")
    return scene


def _deliver_other_bytes(scene: Scene) -> Scene:
    deliver(scene.delivered, sha256="b" * 64)
    return scene


def _spoil_file(scene: Scene) -> Scene:
    (scene.delivered / NAME).write_bytes(b"half")
    return scene


def _leave_half_a_delivery(scene: Scene) -> Scene:
    (scene.delivered / ".001-approved.partial").mkdir()
    return scene


def _lose_delivery(scene: Scene) -> Scene:
    for path in scene.delivered.iterdir():
        path.unlink()
    return scene


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_forget_delivery, "is not in the inbox"),
        (_with_upload(review_status="pending"), "is pending, by Frame.io's history approved"),
        (_with_upload(file_id="f0"), "is followed as file f0"),
        (_with_upload(status="failed"), "is failed, not ready"),
        (_with_upload(version=2), "is at version 2"),
        (_with_run("PAUSED", "Suspended"), "is asleep although the video is approved"),
        (_with_run("RUNNING", "Running"), "is still Running"),
        (_owe_wake_up, "is answered since 2026-01-05"),
        (_deliver_again, "was delivered 2 times"),
        (_lose_delivery, "was delivered 0 times"),
        (_deliver_other_bytes, "from other bytes than Frame.io's original"),
        (_spoil_file, "is not what its manifest says"),
        (_leave_half_a_delivery, "holds files of no delivery"),
        (_with_history(happening("Please fix the logo.")), "delivered and never approved"),
    ],
)
def test_each_miss_is_named(scene: Scene, change: Change, sentence: str) -> None:
    """One promise broken is one sentence about it."""
    assert any(sentence in miss for miss in list_misses(change(scene)))


def test_approval_taken_back_may_be_delivered(scene: Scene) -> None:
    """A version that was approved for a while may have been delivered meanwhile."""
    taken_back = happening("", second=9, kind="comment.deleted")
    changed = _with_history(happening("Approved, thank you!"), taken_back)(scene)
    assert list_misses(_with_upload(review_status="pending")(changed)) == []


def test_refused_video_needs_somebody_who_waits(scene: Scene) -> None:
    """A run that failed while its video is refused would never hear of a later approval."""
    refused = _with_history(happening("Please fix the logo."))(_lose_delivery(scene))
    refused = _with_upload(review_status="rejected")(refused)
    assert list_misses(_with_run("PAUSED", "Suspended")(refused)) == []
    (miss,) = list_misses(_with_run("FAILED", "Failed")(refused))
    assert "Nobody waits for" in miss
