"""Watching a folder: which files in it are new videos, and handing each on once.

What was handed on before is known by the sha256 of the files and by the store, so a restart
repeats nothing. A file that is refused holds up no other and does not end the watch.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from postflow.domain.arrivals import Arrivals, FileState
from postflow.domain.uploads import VIDEO_SUFFIXES
from postflow.errors import PostFlowError, StoreError
from postflow.store.database import Store
from postflow.store.flow_runs import find_latest_run
from postflow.store.versions import find_by_content
from postflow.submitting import read_video
from postflow.twin_files import list_twins

Say = Callable[[str], None]
Submit = Callable[[list[Path]], None]
"""Submits files together, as `postflow run --detach` does; raises PostFlowError."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Patterns:
    """Which files of the folder are meant; shell patterns on the name or the path inside it."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    not_below: tuple[Path, ...] = ()
    """Folders whose files are never taken, such as the one that deliveries go to."""

    def fits(self, path: Path, folder: Path) -> bool:
        """Whether the file is a video that is to be taken."""
        inside = path.relative_to(folder)
        if path.suffix.lower() not in VIDEO_SUFFIXES or _is_hidden(inside):
            return False
        if any(path.is_relative_to(each) for each in self.not_below):
            return False
        names = (path.name, inside.as_posix())
        wanted = not self.include or _matches(names, self.include)
        return wanted and not _matches(names, self.exclude)


@dataclass(kw_only=True)
class FolderWatch:
    """One folder, looked at as often as `look` is called."""

    folder: Path
    store: Store
    submit: Submit
    say: Say
    patterns: Patterns = Patterns()
    project_id: str | None = None
    settle: float = 10.0
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        """Begin with nothing seen."""
        self._arrivals = Arrivals(settle=self.settle)
        self._said: dict[Path, str] = {}

    @property
    def is_quiet(self) -> bool:
        """Whether only a new file, or a change of one, can bring work."""
        return self._arrivals.is_quiet

    def look(self) -> list[Path]:
        """Hand on what has stopped growing since; return what was handed on."""
        try:
            found = dict(self._scan())
        except OSError as error:
            self._complain(
                self.folder,
                f"The folder {self.folder} cannot be read just now ({error.strerror}); it is "
                "watched on.",
            )
            return []
        self._said.pop(self.folder, None)
        new = [path for path in self._arrivals.look(found, now=self.clock()) if self._is_new(path)]
        return self._hand_on(new)

    def _scan(self) -> Iterator[tuple[Path, FileState]]:
        for parent, folders, names in os.walk(self.folder, onerror=self._raise_for_top):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for path in (Path(parent) / name for name in names):
                if self.patterns.fits(path, self.folder):
                    try:
                        found = path.stat()
                    except OSError:
                        continue  # gone again, or not ours to see
                    yield path, FileState(size=found.st_size, modified_ns=found.st_mtime_ns)

    def _raise_for_top(self, error: OSError) -> None:
        if Path(error.filename) == self.folder:
            raise error

    def _is_new(self, path: Path) -> bool:
        """Whether no flow run was ever started for these bytes; a refusal is said once."""
        try:
            video = read_video(self.store, path)
            with self.store.reading() as session:
                upload = find_by_content(session, video.sha256, project_id=self.project_id)
                run = find_latest_run(session, upload.upload_id) if upload else None
        except PostFlowError as error:
            self._refuse(path, error)
            return False
        if run is None or run.flow_run_id is None:
            return True
        self._take([path])
        return False

    def _hand_on(self, paths: list[Path]) -> list[Path]:
        """Submit the files together; where that is refused, one by one to find the culprit."""
        if not paths:
            return []
        try:
            self.submit(paths)
        except PostFlowError as error:
            if len(paths) > 1 and not error.retryable:
                return [path for each in paths for path in self._hand_on([each])]
            for path in paths:
                self._refuse(path, error)
            return []
        self._take(paths)
        return paths

    def _take(self, paths: list[Path]) -> None:
        """Be done with these files; say which of them are the same video as another one."""
        for path in paths:
            self._arrivals.take(path)
            self._said.pop(path, None)
        with suppress(StoreError), self.store.reading() as session:  # it only costs a sentence
            for twin in list_twins(session, paths, project_id=self.project_id):
                self.say(twin.sentence)

    def _refuse(self, path: Path, error: PostFlowError) -> None:
        self._arrivals.refuse(path, now=self.clock())
        self._complain(path, f"{path.name}: {error}")

    def _complain(self, about: Path, sentence: str) -> None:
        """Say what is wrong, once for as long as it is the same."""
        if self._said.get(about) != sentence:
            self._said[about] = sentence
            self.say(sentence)


def _is_hidden(inside: Path) -> bool:
    return any(part.startswith(".") for part in inside.parts)


def _matches(names: Sequence[str], patterns: Sequence[str]) -> bool:
    return any(fnmatch(name.lower(), pattern.lower()) for name in names for pattern in patterns)
