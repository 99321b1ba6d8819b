"""Videos that are known by name: their files are found without any webhook."""

from __future__ import annotations

import asyncio

from postflow.domain.uploads import UploadStatus
from postflow.store.findings import report_findings
from postflow.tracker.arrivals import Arrivals
from tests.factories import NOW, make_upload
from tests.tracker.conftest import Scene


def register(
    scene: Scene, upload_id: str = "clip", *, project_id: str | None = "project-1"
) -> None:
    """Register a video by its name now."""
    with scene.store.writing() as session:
        make_upload(
            session,
            upload_id,
            file_id=None,
            project_id=project_id,
            status=UploadStatus.REGISTERED,
            now=scene.clock(),
        )


def arrivals(scene: Scene) -> Arrivals:
    """Return what looks for files by their names."""
    return Arrivals(
        store=scene.store, frameio=scene.frameio, settings=scene.settings, clock=scene.clock
    )


def list_now(scene: Scene, looking: Arrivals | None = None) -> int:
    """List if it is time for it; return how many files were attached."""
    return asyncio.run((looking or arrivals(scene)).run_once())


def test_listing_attaches_by_name(scene: Scene) -> None:
    """A file that appears under the registered name is found, read, and told as missed."""
    register(scene)
    scene.clock.advance(10)
    scene.frameio.add_file("file-9", name="clip.mp4")
    scene.frameio.write("c1", "Approved.", file_id="file-9")
    scene.clock.advance(20)
    assert list_now(scene) == 1
    asyncio.run(scene.settler.look_at_due())
    assert scene.upload().file_id == "file-9"
    assert scene.upload().review_status == "approved"
    with scene.store.reading() as session:
        found = {row["event_type"]: row for row in report_findings(session, since=NOW)}
    assert found["file.created"]["only_polling"] == 1
    assert found["file.created"]["longest_seconds"] == 20


def test_only_old_file_of_the_name_is_taken(scene: Scene) -> None:
    """A file that lay there long before is meant if it is the only one of its name."""
    scene.frameio.add_file("file-9", name="clip.mp4")
    scene.clock.advance(86_400)
    register(scene)
    assert list_now(scene) == 1
    assert scene.upload().file_id == "file-9"


def test_several_old_files_are_not_guessed(scene: Scene) -> None:
    """Among old files of one name nobody can tell which is meant: a wrong one could be approved."""
    for file_id in ("file-8", "file-9"):
        scene.frameio.add_file(file_id, name="clip.mp4")
    scene.clock.advance(86_400)
    register(scene)
    assert list_now(scene) == 0
    assert scene.upload().file_id is None


def test_new_file_beats_old_ones(scene: Scene) -> None:
    """The file that came after the registration is taken before those of last week."""
    for file_id in ("file-7", "file-8"):
        scene.frameio.add_file(file_id, name="clip.mp4")
    scene.clock.advance(86_400)
    register(scene)
    scene.frameio.add_file("file-9", name="clip.mp4")
    assert list_now(scene) == 1
    assert scene.upload().file_id == "file-9"


def test_stacked_file_is_found_by_name(scene: Scene) -> None:
    """Of a version stack the newest file is what its name stands for."""
    register(scene)
    for file_id in ("file-8", "file-9"):
        scene.frameio.add_file(file_id, name="clip.mp4")
    scene.frameio.stacks["stack"] = ["file-8", "file-9"]
    assert list_now(scene) == 1
    assert scene.upload().file_id == "file-9"


def test_nothing_is_listed_when_nobody_waits(scene: Scene) -> None:
    """Listing a project costs calls; it happens only for uploads that wait for a name."""
    scene.track()
    list_now(scene)
    assert [call for call in scene.frameio.calls if call.startswith("project")] == []


def test_listing_slows_down_with_time(sqlite_scene: Scene) -> None:
    """A file that does not come is looked for less and less often, a new one soon again."""
    scene = sqlite_scene
    register(scene)
    looking = arrivals(scene)
    for wait in (0, 5, 25, 3600, 100, 100):
        scene.clock.advance(wait)
        list_now(scene, looking)
    assert scene.frameio.calls.count("project project-1") == 4
    register(scene, "other")
    scene.clock.advance(5)
    list_now(scene, looking)
    assert scene.frameio.calls.count("project project-1") == 5


def test_unknown_project_is_no_failure(scene: Scene) -> None:
    """Where the settings name no project and Frame.io shows none, nothing is attached or broken."""
    register(scene, project_id=None)
    assert list_now(scene) == 0
