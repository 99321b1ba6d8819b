"""Names that somebody typed at Frame.io: none of them leaves the delivery folder, or hides in it."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postflow.delivery.names import choose_stem, choose_suffix
from postflow.domain.standing import ReviewStatus
from postflow.store.columns import storable
from postflow.store.tables import UploadRow, VersionRow
from postflow.store.uploads import load_version, register_upload
from tests.delivery.conftest import Room
from tests.factories import NOW

NASTY = {
    "parents": "../../../etc/passwd",
    "absolute": "/etc/cron.d/evil.mp4",
    "only dots": "..",
    "hidden": ".bashrc",
    "option": "-rf.mp4",
    "windows path": "..\\..\\windows\\system32\\evil.mp4",
    "drive": "C:evil.mp4",
    "device": "CON.mp4",
    "device twice": "aux.tar.gz",
    "stream": "clip.mp4:hidden",
    "nul": "clip\0.mp4",
    "lone surrogate": "clip\ud800.mp4",
    "right to left": "clip\u202e4pm.exe",
    "line breaks": "clip\r\nInjected: yes.mp4",
    "escape": "\x1b[31mclip.mp4",
    "very long": "x" * 5000 + ".mp4",
    "long suffix": "clip." + "x" * 300,
    "nul suffix": "clip.a\0b",
    "wide": "\U0001f600" * 200 + ".mp4",
    "spaces": "   ",
    "empty": "",
    "glob": "*?[a-z].mp4",
    "shell": "$(reboot)`id`;|&.mp4",
}
names = st.text(max_size=400) | st.builds(
    str.__add__, st.sampled_from(sorted(NASTY.values())), st.text(max_size=5)
)


def _version(filename: str, number: int = 1) -> VersionRow:
    return VersionRow(upload_id="clip", version=number, filename=filename, created_at=NOW)


@given(filename=names, number=st.integers(1, 99))
def test_any_name_becomes_one_plain_name(filename: str, number: int) -> None:
    """Whatever a file is called, its delivery is one visible file name of moderate length."""
    upload = UploadRow(upload_id="clip", filename=filename, created_at=NOW, updated_at=NOW)
    stem = choose_stem(upload, _version(filename, number))
    place = Path("/delivered")

    assert Path(os.path.normpath(place / f"{stem}.mp4")) == place / f"{stem}.mp4"
    assert (place / f"{stem}.mp4").parent == place
    assert stem[0] not in ".- "
    assert stem[-1] not in ". "
    assert 0 < len(stem.encode()) <= 190
    assert not {unicodedata.category(char) for char in stem} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert stem.partition(".")[0].upper() not in {"CON", "PRN", "AUX", "NUL", "COM1", "LPT1"}


@given(filename=names)
def test_any_suffix_is_short_and_plain(filename: str) -> None:
    """The fetched original is kept under a name of ours, with a suffix that can do no harm."""
    suffix = choose_suffix(_version(filename))

    assert suffix == "" or (suffix.isascii() and suffix[1:].isalnum() and len(suffix) <= 11)


@pytest.mark.parametrize("filename", NASTY.values(), ids=NASTY.keys())
def test_delivery_stays_in_its_folder(room: Room, tmp_path: Path, filename: str) -> None:
    """The real delivery of a file with such a name makes three files, and all in its folder."""
    original = room.videos.make("original.mp4")
    content = original.read_bytes()
    room.originals["file-clip"] = original
    with room.store.writing() as session:
        upload = register_upload(
            session,
            upload_id="clip",
            filename=storable(filename),
            file_id="file-clip",
            sha256=hashlib.sha256(content).hexdigest(),
            size=len(content),
            now=NOW,
        )
        load_version(session, upload).uploaded_at = NOW
    room.decide("clip", ReviewStatus.APPROVED)
    before = {path for path in tmp_path.rglob("*") if room.folder not in path.parents}
    delivered = room.deliver("clip")
    after = {path for path in tmp_path.rglob("*") if room.folder not in path.parents}

    assert delivered is not None
    assert delivered.path is not None
    assert delivered.path.resolve().parent == room.folder.resolve()
    assert after - before == {room.folder}
    assert len(room.visible()) == 3
    assert room.hidden() == set()
