"""Recall: what loses its approval after delivery stays where it is, and its manifest says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from postflow.auditing import verify
from postflow.clock import utc_now
from postflow.delivery.recalling import RecallWriter
from postflow.domain.standing import ReviewStatus
from postflow.store.tables import AnnouncementRow
from postflow.tracker.deciding import cancel_upload
from tests.delivery.conftest import Room


@pytest.fixture
def delivered(room: Room) -> Room:
    """Give a room with one delivery."""
    room.approve("clip", room.videos.make("clip.mp4"))
    assert room.deliver("clip") is not None
    return room


def read_manifest(room: Room) -> dict[str, Any]:
    """Return the manifest beside the files."""
    found: dict[str, Any] = json.loads((room.folder / "clip.manifest.json").read_text())
    return found


def announced(room: Room) -> list[AnnouncementRow]:
    """Return what was announced about recalls."""
    with room.store.reading() as session:
        return [row for row in session.exec(select(AnnouncementRow)) if row.kind == "recalled"]


@pytest.mark.parametrize("verdict", [ReviewStatus.REJECTED, ReviewStatus.PENDING])
def test_manifest_on_disk_says_recalled(delivered: Room, verdict: ReviewStatus) -> None:
    """Rejected or reopened after delivery: the manifest gets the moment, and no file is gone."""
    before = {path.name: path.read_bytes() for path in delivered.folder.iterdir()}
    delivered.decide("clip", verdict)
    assert RecallWriter(delivered.store).run_once() == 1
    manifest = read_manifest(delivered)
    recalled_at = delivered.row("clip").recalled_at
    assert recalled_at is not None
    assert manifest == (delivered.row("clip").manifest or {})
    assert manifest["recalled_at"] == recalled_at.isoformat()
    after = {path.name: path.read_bytes() for path in delivered.folder.iterdir()}
    assert after.keys() == before.keys()
    assert after["clip.mp4"] == before["clip.mp4"]


def test_recall_is_announced_with_who_and_why(delivered: Room) -> None:
    """Prefect's automations and people learn who took the approval back."""
    delivered.decide("clip", ReviewStatus.REJECTED)
    (row,) = announced(delivered)
    assert (row.payload["who"], row.payload["reason"]) == ("Cleo", "seen it")


def test_recall_is_written_once(delivered: Room) -> None:
    """Neither another look nor another rejection writes anything more."""
    delivered.decide("clip", ReviewStatus.REJECTED)
    writer = RecallWriter(delivered.store)
    writer.run_once()
    manifest = read_manifest(delivered)
    delivered.decide("clip", ReviewStatus.PENDING)
    delivered.decide("clip", ReviewStatus.REJECTED)
    assert (writer.run_once(), RecallWriter(delivered.store).run_once()) == (0, 0)
    assert read_manifest(delivered) == manifest
    assert len(announced(delivered)) == 1


def test_folder_that_is_away_is_told_later(delivered: Room, tmp_path: Path) -> None:
    """A drive that is not mounted keeps nothing from being recalled, and is told when it is back."""
    away = delivered.folder.rename(tmp_path / "unplugged")
    delivered.decide("clip", ReviewStatus.REJECTED)
    writer = RecallWriter(delivered.store)
    assert writer.run_once() == 0
    away.rename(delivered.folder)
    assert writer.run_once() == 1
    assert "recalled_at" in read_manifest(delivered)


def test_crash_after_writing_writes_the_same(delivered: Room) -> None:
    """A manifest that says it already is left as it is, and put on record."""
    delivered.decide("clip", ReviewStatus.REJECTED)
    RecallWriter(delivered.store).run_once()
    manifest = read_manifest(delivered)
    with delivered.store.writing() as session:
        row = session.merge(delivered.row("clip"))
        row.recall_written_at = None
    assert RecallWriter(delivered.store).run_once() == 1
    assert read_manifest(delivered) == manifest


def test_audit_holds_before_and_after(delivered: Room) -> None:
    """A recall is no forgery: the record fits whether the manifest was told yet or not."""
    delivered.decide("clip", ReviewStatus.REJECTED)
    for _ in range(2):
        with delivered.store.reading() as session:
            assert verify(session, delivered.folder).broken == []
        RecallWriter(delivered.store).run_once()


def test_users_own_delivery_has_no_manifest_to_tell(room: Room) -> None:
    """What the user's own deployment made is recalled in the store and by the event alone."""
    room.approve("clip", room.videos.make("clip.mp4"))
    room.hand_over("clip", [])
    room.decide("clip", ReviewStatus.REJECTED)
    assert RecallWriter(room.store).run_once() == 0
    assert "recalled_at" in (room.row("clip").manifest or {})
    assert len(announced(room)) == 1


def test_cancelling_recalls_nothing(delivered: Room) -> None:
    """Giving a delivered video up does not take its approval back."""
    with delivered.store.writing() as session:
        cancel_upload(session, "clip", settings=delivered.settings, now=utc_now())
    assert announced(delivered) == []
