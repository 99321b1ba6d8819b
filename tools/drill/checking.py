"""What must hold when everything has settled, looked at from outside; each miss is a sentence."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from postflow.delivery.masters import hash_file
from postflow.domain.standing import ReviewStatus
from tools.drill.frameio import JsonObject, Seen, is_hurt
from tools.drill.outside import Inside
from tools.drill.plan import Plan, Video
from tools.drill.threads import Verdict, judge_file

_AT_WORK = ("SCHEDULED", "PENDING", "RUNNING", "CANCELLING")


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """Everything that can be seen of one drill at one moment."""

    plan: Plan
    frameio: Seen
    inside: Inside
    delivered: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What Frame.io says of a video: its newest file, and the verdict on each of its files."""

    video: Video
    newest: JsonObject
    verdicts: Mapping[str, Verdict]

    @property
    def status(self) -> ReviewStatus:
        """The review status of the newest version."""
        return self.verdicts[self.newest["id"]].status


def list_misses(scene: Scene) -> list[str]:
    """Return one sentence for everything that is not as it must be."""
    expected, misses = _expect(scene)
    misses += _check_inbox(scene)
    for each in expected:
        misses += _check_review(scene, each)
        misses += _check_runs(scene, each)
    misses += _check_folder(scene, expected)
    return misses


def _expect(scene: Scene) -> tuple[list[Expected], list[str]]:
    """Return what is expected of each video that Frame.io holds, and what it should hold."""
    expected, misses = [], []
    for video in scene.plan.videos:
        files = scene.frameio.files.get(video.name, ())
        if video.is_removed:
            if files:
                misses.append(f"{video.name} was to be removed from Frame.io and is still there.")
            else:
                misses += _check_removed(scene, video)
            continue
        if len(files) != video.versions:
            misses.append(
                f"Frame.io holds {len(files)} files of {video.name}, not {video.versions}."
            )
        if files:
            verdicts = {f["id"]: judge_file(scene.frameio.history, f["id"]) for f in files}
            expected.append(Expected(video=video, newest=files[-1], verdicts=verdicts))
    return expected, misses


def _check_removed(scene: Scene, video: Video) -> Iterator[str]:
    upload = scene.inside.uploads.get(video.name)
    if upload is None or upload["status"] != "failed":
        status = upload["status"] if upload else "unknown"
        yield f"{video.name} was deleted on Frame.io, but its upload is {status}, not failed."


def _check_inbox(scene: Scene) -> Iterator[str]:
    """Every delivery that was answered with 2xx has a row; equal sendings may share one."""
    rows = scene.inside.inbox
    for delivery in scene.frameio.deliveries:
        for attempt in delivery["attempts"]:
            if attempt["status"] is None or not httpx.codes.is_success(attempt["status"]):
                continue
            if rows[str(attempt["timestamp"]), delivery["body"].encode()] == 0:
                yield (
                    f"The delivery {delivery['number']} ({delivery['event']}) was answered with "
                    f"{attempt['status']} and is not in the inbox."
                )
    for row in scene.inside.unsettled:
        yield f"The event {row.id} ({row.event_type}) is not settled: {row.error or 'not tried'}."


def _check_review(scene: Scene, expected: Expected) -> Iterator[str]:
    name = expected.video.name
    upload = scene.inside.uploads.get(name)
    if upload is None:
        yield f"{name} is no upload of PostFlow's."
        return
    if upload["file_id"] != expected.newest["id"]:
        yield f"{name} is followed as file {upload['file_id']}, not {expected.newest['id']}."
    elif upload["review_status"] != expected.status:
        yield f"{name} is {upload['review_status']}, by Frame.io's history {expected.status}."
    if upload["status"] != "ready":
        yield f"{name} is {upload['status']}, not ready: {upload['failure'] or 'no reason given'}"
    if upload["version"] != expected.video.versions:
        yield f"{name} is at version {upload['version']}, not {expected.video.versions}."


def _check_runs(scene: Scene, expected: Expected) -> Iterator[str]:
    """Nobody is asleep who has an answer, nobody awake without work, nobody dead who waits."""
    name = expected.video.name
    runs = scene.inside.runs.get(name, ())
    states = [run["state"]["type"] for run in runs]
    for run in runs:
        state = run["state"]
        if state["type"] in _AT_WORK:
            yield f"The flow run of {name} is still {state['name']}."
        elif state["type"] == "PAUSED" and expected.status is ReviewStatus.APPROVED:
            yield f"The flow run of {name} is asleep although the video is approved."
    was_approved = any(each.was_approved for each in expected.verdicts.values())
    if "PAUSED" not in states and not was_approved:
        last = runs[-1]["state"] if runs else {"name": "missing", "message": ""}
        yield f"Nobody waits for {name}: its flow run is {last['name']} ({last['message']})."
    for wait in scene.inside.owed.get(name, ()):
        yield (
            f"A wait of {name} for {wait.kind} is answered since {wait.due_at} and not closed "
            f"({wait.attempts} tries, {wait.last_answer})."
        )


def _check_folder(scene: Scene, expected: Sequence[Expected]) -> Iterator[str]:
    """Every approved version is there once, whole and made from what was approved; no other is."""
    manifests = [json.loads(p.read_bytes()) for p in scene.delivered.glob("*.manifest.json")]
    counts = Counter(manifest["frameio"]["file_id"] for manifest in manifests)
    originals = {f["id"]: f for files in scene.frameio.files.values() for f in files}
    allowed = {i for e in expected for i, verdict in e.verdicts.items() if verdict.was_approved}
    for each in expected:
        count = counts[each.newest["id"]]
        if each.status is ReviewStatus.APPROVED and count != 1:
            yield f"{each.video.name} is approved and was delivered {count} times."
    known = set()
    for manifest in manifests:
        file_id, files = manifest["frameio"]["file_id"], manifest["files"]
        title = f"{manifest['filename']} version {manifest['version']}"
        if file_id not in allowed:
            yield f"{title} was delivered and never approved."
        elif manifest["master"]["sha256"] != originals[file_id]["sha256"]:
            yield f"{title} was delivered from other bytes than Frame.io's original."
        for name, facts in files.items():
            known.add(name)
            path = scene.delivered / name
            if not path.is_file() or hash_file(path) != facts["sha256"]:
                yield f"The delivered file {name} is not what its manifest says."
    strangers = _list_names(scene.delivered) - known
    if strangers:
        yield f"The delivery folder holds files of no delivery: {', '.join(sorted(strangers))}."


def _list_names(folder: Path) -> set[str]:
    found = folder.iterdir() if folder.is_dir() else ()
    return {path.name for path in found if not path.name.endswith(".manifest.json")}


def summarise(scene: Scene) -> dict[str, Any]:
    """Count what happened, for the person who reads along."""
    uploads = scene.inside.uploads.values()
    sent = scene.frameio.deliveries
    statuses = Counter(upload["review_status"] for upload in uploads)
    return {
        "uploads": len(scene.inside.uploads),
        **{status.value: statuses[status] for status in ReviewStatus},
        "delivered": len(list(scene.delivered.glob("*.manifest.json"))),
        "deliveries": sum(delivery["copy_of"] is None for delivery in sent),
        "hurt": sum(map(is_hurt, sent)),
        "acknowledged": sum(d["state"] == "delivered" for d in sent),
        "refused": sum(attempt["status"] in (500, 503) for d in sent for attempt in d["attempts"]),
        "inbox": sum(scene.inside.inbox.values()),
    }
