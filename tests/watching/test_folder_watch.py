"""A watched folder: new videos are handed on once, whatever happens to the others."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from postflow.clock import utc_now
from postflow.errors import FlowRunError, PrefectUnavailableError
from postflow.store.database import Store
from postflow.store.flow_runs import claim_run
from postflow.store.tables import UploadRow
from postflow.submitting import read_video, register_videos
from postflow.watching import FolderWatch, Patterns


@dataclass
class Desk:
    """Takes what the watch hands on, and keeps it in the store as a batch would."""

    store: Store
    folder: Path
    now: float = 0.0
    batches: list[list[str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    refused: dict[str, Exception] = field(default_factory=dict)

    def watch(self, *, settle: float = 10, patterns: Patterns | None = None) -> FolderWatch:
        """Begin to watch, as after a start of the program."""
        return FolderWatch(
            folder=self.folder,
            store=self.store,
            submit=self.submit,
            say=self.said.append,
            patterns=patterns or Patterns(),
            settle=settle,
            clock=lambda: self.now,
        )

    def submit(self, paths: list[Path]) -> None:
        """Register the files and start a run for each, or refuse them all."""
        for path in paths:
            if path.name in self.refused:
                raise self.refused[path.name]
        videos = [read_video(self.store, path) for path in paths]
        for upload_id in register_videos(self.store, videos, batch_id=None):
            self._start(upload_id)
        self.batches.append([path.name for path in paths])

    def write(self, name: str, content: bytes | None = None) -> Path:
        """Write a file of its own bytes."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(100) if content is None else content)
        return path

    def _start(self, upload_id: str) -> None:
        with self.store.writing() as session:
            now = utc_now()
            claim_run(
                session,
                flow_run_id=f"run of {upload_id}",
                upload_id=upload_id,
                version=1,
                lease_until=now,
                now=now,
            )


@pytest.fixture
def desk(sqlite_store: Store, tmp_path: Path) -> Desk:
    """Give a desk with an empty folder."""
    folder = tmp_path / "exports"
    folder.mkdir()
    return Desk(store=sqlite_store, folder=folder)


def look(desk: Desk, watch: FolderWatch, *, after: float = 0) -> list[str]:
    """Look after some seconds; return the names of what was handed on."""
    desk.now += after
    return [path.name for path in watch.look()]


def test_file_is_handed_on_when_it_has_settled(desk: Desk) -> None:
    """A file that still grows is left alone; afterwards it is handed on once."""
    watch = desk.watch()
    path = desk.write("cut.mp4")
    assert look(desk, watch) == []
    with path.open("ab") as file:
        file.write(b"more")
    assert look(desk, watch, after=9) == []
    assert look(desk, watch, after=9) == []
    assert look(desk, watch, after=1) == ["cut.mp4"]
    assert look(desk, watch, after=60) == []
    assert watch.is_quiet


def test_restart_repeats_nothing(desk: Desk) -> None:
    """What a flow run was started for is known by its bytes, under another name too."""
    content = os.urandom(100)
    desk.write("cut.mp4", content)
    first = desk.watch(settle=0)
    assert look(desk, first) == ["cut.mp4"]
    desk.write("copy of cut.mp4", content)
    again = desk.watch(settle=0)
    assert look(desk, again) == []
    assert desk.batches == [["cut.mp4"]]
    desk.write("other.mp4")
    assert look(desk, again) == ["other.mp4"]


def test_same_bytes_under_two_names_are_told(desk: Desk) -> None:
    """Whether the two come together or one after the other, both are named, once."""
    content = os.urandom(100)
    desk.write("cut.mp4", content)
    desk.write("copy.mp4", content)
    watch = desk.watch(settle=0)
    assert look(desk, watch) == ["copy.mp4", "cut.mp4"]
    assert [sentence.partition(":")[0] for sentence in desk.said] == [
        "cut.mp4 has the same bytes as copy.mp4"
    ]
    desk.write("reel/late.mp4", content)
    desk.write("reel/copy.mp4", content)  # moved or copied, the name says what it is
    assert look(desk, watch) == []
    assert [sentence.partition(":")[0] for sentence in desk.said[1:]] == [
        "late.mp4 has the same bytes as copy.mp4"
    ]
    look(desk, watch, after=60)
    assert len(desk.said) == 2


def test_registered_file_without_run_is_handed_on(desk: Desk) -> None:
    """A crash between the registration and the start of a run is made good by the next start."""
    path = desk.write("cut.mp4")
    register_videos(desk.store, [read_video(desk.store, path)], batch_id=None)
    assert look(desk, desk.watch(settle=0)) == ["cut.mp4"]


def test_new_content_under_old_name_is_new(desk: Desk) -> None:
    """A file that is written over is another video."""
    watch = desk.watch(settle=0)
    desk.write("cut.mp4")
    assert look(desk, watch) == ["cut.mp4"]
    desk.write("cut.mp4", b"other content")
    assert look(desk, watch) == ["cut.mp4"]


def test_patterns_choose_the_files(desk: Desk) -> None:
    """Names and paths inside the folder are matched; what is no video or hidden never is."""
    for name in ("shot_1.mp4", "wip/shot_2.mp4", "SHOT_3.MOV", "trailer.mp4", "shot.txt"):
        desk.write(name)
    desk.write(".shot_4.mp4.part.mp4")
    desk.write(".cache/shot_5.mp4")
    desk.write("delivered/shot_6.mp4")
    patterns = Patterns(
        include=("shot*",), exclude=("wip/*",), not_below=(desk.folder / "delivered",)
    )
    assert look(desk, desk.watch(settle=0, patterns=patterns)) == ["SHOT_3.MOV", "shot_1.mp4"]


def test_refused_file_holds_up_no_other(desk: Desk) -> None:
    """One bad file is named in one sentence and tried again later; the others are submitted."""
    desk.refused["bad.mp4"] = FlowRunError("bad.mp4 is the next version of a.mp4; later.")
    for name in ("a.mp4", "bad.mp4", "c.mp4"):
        desk.write(name)
    watch = desk.watch(settle=0)
    assert look(desk, watch) == ["a.mp4", "c.mp4"]
    assert look(desk, watch, after=20) == []
    assert desk.said == ["bad.mp4: bad.mp4 is the next version of a.mp4; later."]
    desk.refused.clear()
    assert look(desk, watch, after=60) == ["bad.mp4"]


def test_absent_prefect_loses_no_file(desk: Desk) -> None:
    """While Prefect is away the files wait, and are submitted when it is back."""
    desk.refused["cut.mp4"] = PrefectUnavailableError("Prefect's server does not answer.")
    desk.write("cut.mp4")
    watch = desk.watch(settle=0)
    assert look(desk, watch) == []
    desk.refused.clear()
    assert look(desk, watch, after=1) == []
    assert look(desk, watch, after=15) == ["cut.mp4"]


def test_lost_folder_is_waited_for(desk: Desk) -> None:
    """A network drive that goes away is named once, and watched on when it is back."""
    watch = desk.watch(settle=0)
    away = desk.folder.with_name("away")
    desk.folder.rename(away)
    assert look(desk, watch) == []
    assert look(desk, watch, after=1) == []
    assert len(desk.said) == 1
    away.rename(desk.folder)
    desk.write("cut.mp4")
    assert look(desk, watch, after=1) == ["cut.mp4"]


def test_same_name_hides_no_new_file(desk: Desk) -> None:
    """An upload of other bytes under the same name does not hide a new file."""
    with desk.store.writing() as session:
        session.add(
            UploadRow(
                upload_id="cut", filename="cut.mp4", created_at=utc_now(), updated_at=utc_now()
            )
        )
    desk.write("cut.mp4")
    assert look(desk, desk.watch(settle=0)) == ["cut.mp4"]
