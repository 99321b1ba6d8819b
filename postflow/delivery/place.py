"""The place of one delivery in its folder: what people see of it, and what is hidden beside it.

Everything is made in a hidden folder and renamed, so nobody ever sees half a video.
"""

from __future__ import annotations

import glob
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from postflow.delivery.manifest import read_manifest
from postflow.delivery.masters import hash_file
from postflow.store.tables import DeliveryRow


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where the files of a claimed delivery are, or will be."""

    folder: Path
    delivery: DeliveryRow

    @property
    def video(self) -> Path:
        """The delivered video: where it is, its poster and its manifest are too."""
        return self.folder / f"{self.delivery.name}.mp4"

    @property
    def poster(self) -> Path:
        """A picture of it."""
        return self.video.with_suffix(".jpg")

    @property
    def manifest(self) -> Path:
        """What it was made from, and why."""
        return self.video.with_suffix(".manifest.json")

    def make_hidden(self) -> Path:
        """Return a new hidden folder of this process's own."""
        return Path(tempfile.mkdtemp(prefix=self._hidden_start, suffix=".partial", dir=self.folder))

    def remove_hidden(self) -> None:
        """Remove the hidden folders of killed processes.

        Should one of them live after all, its files are gone and it fails: it can show nothing.
        """
        for left in self._list_hidden():
            shutil.rmtree(left, ignore_errors=True)

    def remove_unfinished(self) -> None:
        """Remove all that was left of it, except a video that can be seen, and its company."""
        if not self.video.exists():
            self._remove_company()
        self.remove_hidden()

    def show(self, hidden: Path) -> None:
        """Let everybody see what was made there, the video last."""
        for final in (self.poster, self.manifest, self.video):
            (hidden / final.name).replace(final)

    def find_shown(self) -> dict[str, Any] | None:
        """Return the manifest of this delivery if its video can be seen, whole."""
        manifest = read_manifest(self.manifest)
        if manifest is None or not self._is_ours(manifest) or not self.video.is_file():
            return None
        return manifest if self.read_sha256(manifest) == hash_file(self.video) else None

    def read_sha256(self, manifest: dict[str, Any]) -> str | None:
        """Return the sha256 of the video by a manifest of this delivery."""
        sha256: str | None = manifest["files"][self.video.name].get("sha256")
        return sha256

    def _remove_company(self) -> None:
        """Remove poster and manifest, which are shown before their video.

        Only what a manifest of ours describes: somebody else may have put files of these names
        there since, or a deployment of the user's own.
        """
        shown = read_manifest(self.manifest)
        hidden = (read_manifest(each / self.manifest.name) for each in self._list_hidden())
        made = [each["files"] for each in (shown, *hidden) if each and self._is_ours(each)]
        posters = [files.get(self.poster.name, {}).get("sha256") for files in made]
        if self.poster.is_file() and hash_file(self.poster) in posters:
            self.poster.unlink()
        if shown and self._is_ours(shown):
            self.manifest.unlink()

    def _is_ours(self, manifest: dict[str, Any]) -> bool:
        """Whether it is the manifest of files that were made here for this delivery."""
        ours = (self.delivery.upload_id, self.delivery.version)
        is_ours = (manifest.get("upload_id"), manifest.get("version")) == ours
        return is_ours and self.video.name in manifest.get("files", {})

    def _list_hidden(self) -> list[Path]:
        return list(self.folder.glob(f"{glob.escape(self._hidden_start)}*"))

    @property
    def _hidden_start(self) -> str:
        return f".{self.delivery.name}.of-{self.delivery.id}."
