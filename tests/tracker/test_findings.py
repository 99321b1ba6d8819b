"""What polling found that webhooks had not brought, how late, and what follows for the pace."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from postflow.settings.sections import TrackerSettings, WebhookSettings
from postflow.store.findings import MissedView, report_findings
from tests.factories import CLIENT, NOW, REVIEWER
from tests.tracker.conftest import Scene


def look(scene: Scene, file_id: str = "file-1") -> None:
    """Read the file without any event."""
    asyncio.run(scene.settler.look_at(file_id))


def settle(scene: Scene) -> None:
    """Settle what is in the inbox now."""
    asyncio.run(scene.settler.settle_events())


def report(scene: Scene) -> dict[str, MissedView]:
    """Return the report by kind of event."""
    with scene.store.reading() as session:
        return {row["event_type"]: row for row in report_findings(session, since=NOW)}


def counts(row: MissedView) -> tuple[int, int, int]:
    """Return how many came by webhook, late, and never."""
    return row["by_webhook"], row["late"], row["only_polling"]


def seconds_to_next_look(scene: Scene) -> float:
    """Return when the file is read again."""
    at = scene.upload().look_at
    assert at is not None
    return (at - scene.clock()).total_seconds()


def start_reviewed(scene: Scene) -> None:
    """Track a file that has been read once, so that everything later is a change."""
    scene.track(read=False)
    look(scene)
    scene.clock.advance(60)


def test_change_by_webhook_is_counted(scene: Scene) -> None:
    """A comment that an event brought was not missed."""
    start_reviewed(scene)
    scene.frameio.write("c1", "Approved.")
    scene.receive("comment.created", "c1")
    settle(scene)
    assert counts(report(scene)["comment.created"]) == (1, 0, 0)
    assert report(scene)["comment.created"]["longest_seconds"] is None


def test_missed_change_is_told_with_its_lateness(scene: Scene) -> None:
    """A comment that only polling found says how long it lay unseen."""
    start_reviewed(scene)
    for number, wait in enumerate((100, 20)):
        scene.frameio.write(f"c{number}", "Hm.")
        scene.clock.advance(wait)
        look(scene)
    row = report(scene)["comment.created"]
    assert counts(row) == (0, 0, 2)
    assert (row["day"], row["average_seconds"], row["longest_seconds"]) == ("2026-03-02", 60, 100)


def test_late_webhook_is_not_a_missing_one(scene: Scene) -> None:
    """An event that comes after polling was first is late; its repeats change nothing."""
    start_reviewed(scene)
    scene.frameio.write("c1", "Hm.")
    look(scene)
    scene.clock.advance(90)
    scene.receive("comment.created", "c1", times=3)
    settle(scene)
    assert counts(report(scene)["comment.created"]) == (0, 1, 0)


def test_event_that_was_in_the_inbox_was_first(scene: Scene) -> None:
    """What had arrived before polling saw the change is no miss, only not yet settled."""
    start_reviewed(scene)
    scene.frameio.write("c1", "Hm.")
    scene.receive("comment.created", "c1")
    scene.clock.advance(5)
    look(scene)
    settle(scene)
    assert counts(report(scene)["comment.created"]) == (1, 0, 0)


def test_every_kind_of_change_is_told(scene: Scene) -> None:
    """Edits, deletions, ticks, the Status, the transcode, the deletion of the file: each by name."""
    scene.track(read=False)
    scene.frameio.set_file_status("uploaded")
    look(scene)
    scene.clock.advance(10)
    scene.frameio.set_file_status("transcoded")
    scene.frameio.write("c1", "Hm.", author=CLIENT)
    scene.frameio.write("c2", "Hm.", author=REVIEWER)
    look(scene)
    scene.clock.advance(10)
    scene.frameio.edit("c1", "Rejected.")
    scene.frameio.delete("c2")
    scene.frameio.set_status("Approved")
    look(scene)
    scene.clock.advance(10)
    del scene.frameio.files["file-1"]
    look(scene)
    scene.clock.advance(10)
    look(scene)
    assert {kind: row["only_polling"] for kind, row in report(scene).items()} == {
        "comment.created": 2,
        "comment.deleted": 1,
        "comment.updated": 1,
        "file.deleted": 1,
        "file.ready": 1,
        "metadata.value.updated": 1,
    }


def test_what_was_there_before_is_no_change(scene: Scene) -> None:
    """Of two comments at the first reading, the one from before the registration is no miss."""
    scene.frameio.add_file("file-1", name="clip.mp4")
    scene.frameio.write("c1", "Hm.")
    scene.clock.advance(60)
    scene.track()
    scene.frameio.write("c2", "Hm.")
    look(scene)
    assert counts(report(scene)["comment.created"]) == (0, 0, 1)


def test_stacked_version_is_a_finding(scene: Scene) -> None:
    """A version that nobody announced is told as such, on the file it was stacked on."""
    start_reviewed(scene)
    scene.frameio.add_file("file-2", name="clip_v2.mp4")
    scene.frameio.stacks["stack"] = ["file-1", "file-2"]
    for file_id in ("file-1", "file-2"):
        file = scene.frameio.files[file_id].model_copy(update={"parent_id": "stack"})
        scene.frameio.files[file_id] = file
    look(scene)
    assert counts(report(scene)["file.versioned"]) == (0, 0, 1)
    scene.clock.advance(5)
    scene.receive("file.versioned", "stack")
    settle(scene)
    assert counts(report(scene)["file.versioned"]) == (0, 1, 0)


def test_deaf_webhooks_speed_polling_up(sqlite_scene: Scene) -> None:
    """When polling finds what no webhook brings, it stops counting on them until one comes."""
    scene = sqlite_scene
    start_reviewed(scene)
    scene.receive("file.ready", "file-1")
    settle(scene)
    assert seconds_to_next_look(scene) == 600
    scene.clock.advance(600)
    scene.frameio.write("c1", "Hm.")
    look(scene)
    scene.clock.advance(600)
    look(scene)
    assert seconds_to_next_look(scene) == 30
    scene.receive("comment.created", "c1")
    settle(scene)
    assert seconds_to_next_look(scene) == 600


@pytest.mark.parametrize(("hours", "seconds"), [(0, 30), (1, 183), (12, 600)])
def test_polling_alone_follows_the_people(
    sqlite_scene: Scene, hours: float, seconds: float
) -> None:
    """Without webhooks a file is read often while somebody comments, seldom at night."""
    scene = sqlite_scene
    scene.start(scene.settings.model_copy(update={"webhook": WebhookSettings(enabled=False)}))
    start_reviewed(scene)
    scene.frameio.write("c1", "Hm.")
    scene.clock.advance(60)
    look(scene)
    scene.clock.advance(hours * 3600 + (60 if hours else 0))
    look(scene)
    assert seconds_to_next_look(scene) == seconds


def test_settings_bound_the_pace(sqlite_scene: Scene) -> None:
    """No review is read less often than the settings say."""
    scene = sqlite_scene
    tracker = TrackerSettings(poll_every=timedelta(minutes=2), reconcile_every=timedelta(minutes=4))
    scene.start(scene.settings.model_copy(update={"tracker": tracker}))
    start_reviewed(scene)
    scene.receive("file.ready", "file-1")
    settle(scene)
    scene.clock.advance(86_400)
    look(scene)
    assert seconds_to_next_look(scene) == 240
