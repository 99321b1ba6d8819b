"""Frame.io that fails at any call: the video arrives exactly once, or an error says what to do."""

from __future__ import annotations

import asyncio
import os
import traceback
from pathlib import Path

import pytest

from postflow.errors import PostFlowError, StoreError, UploadError
from postflow.store.tables import FileHashRow
from postflow.store.uploads import load_upload, load_version
from tests.faults.uploads import Studio, register, until, upload

CALLS_AT_LEAST = 6
BY_ITSELF = {"client_id": "app", "client_secret": "secret", "token": None}


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("answer", {"status": 500}),
        ("answer", {"status": 502}),
        ("answer", {"status": 502, "after_effect": True}),
        ("reset", {}),
        ("reset", {"after_effect": True}),
        ("reset", {"after_bytes": 50_000}),
    ],
    ids=["500", "502", "502 after effect", "reset", "reset after effect", "reset in mid part"],
)
def test_failure_at_any_call_is_survived(
    studio: Studio, kind: str, details: dict[str, object]
) -> None:
    """Each call of an upload fails once, one upload after another."""
    calls = calls_of_one_upload(studio)
    for number in range(1, calls + 1):
        path = studio.video(f"call-{number}.mp4", size=250_000)
        upload_id = register(studio.store, path)
        studio.frameio.fault(kind, at=number, **details)
        studio.upload(upload_id)
        studio.assert_whole(upload_id, path)
        studio.frameio.order("DELETE", "/faults")


def calls_of_one_upload(studio: Studio) -> int:
    """Count the calls that an undisturbed upload makes."""
    path = studio.video("undisturbed.mp4", size=250_000)
    studio.upload(register(studio.store, path))
    calls = len(studio.frameio.calls("*"))
    assert calls >= CALLS_AT_LEAST
    return calls


def test_rate_limit_at_every_call_is_waited_out(studio: Studio) -> None:
    """Every kind of call is refused once with 429, and goes through after the wait."""
    for method, path in (
        *(("GET", "/v4/accounts?*"), ("GET", "*/workspaces?*"), ("GET", "*/projects?*")),
        *(("POST", "*/local_upload"), ("PUT", "/parts/*"), ("GET", "*/files/*")),
    ):
        studio.frameio.fault("answer", status=429, method=method, path=path)
    video = studio.video()
    upload_id = register(studio.store, video)
    studio.upload(upload_id)
    studio.assert_whole(upload_id, video)
    hits = [fault["hits"] for fault in studio.frameio.order("GET", "/faults")["faults"]]
    assert hits == [1] * 6


def test_many_processes_stay_below_the_create_rate(studio: Studio) -> None:
    """Uploads that know nothing of each other are never refused a create: they take turns."""
    studio.frameio.order("PATCH", "/settings", enforce_rate_limits=True)
    paths = [studio.video(f"{number}.mp4", size=1000) for number in range(14)]
    uploads = [register(studio.store, path) for path in paths]
    studio.upload(*uploads, respect_rate_limits=True)
    creates = studio.frameio.calls("POST", "*local_upload")
    assert {call["status"] for call in creates} == {201}
    assert len(creates) == len(paths)


def test_addresses_that_run_out_are_replaced(studio: Studio) -> None:
    """After a day nothing of the old placeholder is left, at Frame.io or in the store."""
    path = studio.video()
    upload_id = register(studio.store, path)
    studio.frameio.fault("answer", method="PUT", path="*part_3?*", status=507, times=None)
    with pytest.raises(PostFlowError, match="part 3 of 5"):
        studio.upload(upload_id, retry_after=0.001)
    studio.frameio.order("DELETE", "/faults")
    studio.frameio.order("POST", "/clock", advance="25h")
    [old] = studio.files(path.name)
    studio.upload(upload_id)
    studio.assert_whole(upload_id, path)
    assert old["id"] not in {each["id"] for each in studio.files(path.name)}


def test_token_that_ends_between_parts_is_renewed(studio: Studio) -> None:
    """A service account whose token ends in the middle asks for another, and goes on."""
    path = studio.video()
    upload_id = register(studio.store, path)
    studio.frameio.fault("slow", method="PUT", path="*part_2?*", seconds=1.0)
    settings = studio.settings_with(ims_base_url=studio.frameio.address, **BY_ITSELF)

    async def run() -> None:
        uploading = asyncio.create_task(upload(studio.store, settings, upload_id))
        await until(lambda: studio.files(path.name))
        studio.frameio.order("POST", "/tokens/refuse")
        await uploading

    asyncio.run(run())
    studio.assert_whole(upload_id, path)
    assert len(studio.frameio.calls("POST", "/ims/token*")) == 2


@pytest.mark.parametrize("becomes", ["shorter", "other bytes", "nothing"])
def test_file_that_changes_meanwhile_is_refused(studio: Studio, becomes: str) -> None:
    """A file cut short, written to or deleted during its upload leaves nothing at Frame.io."""
    path = studio.video()
    upload_id = register(studio.store, path)
    studio.frameio.fault("slow", method="PUT", path="*part_5?*", seconds=0.5)

    async def run() -> None:
        uploading = asyncio.create_task(upload(studio.store, studio.settings, upload_id))
        await until(lambda: studio.files(path.name))
        change(path, becomes)
        await uploading

    with pytest.raises(UploadError, match=r"cut\.mp4"):
        asyncio.run(run())
    assert studio.files(path.name) == []


def change(path: Path, becomes: str) -> None:
    """Do to a file what must not happen while it is uploaded."""
    if becomes == "nothing":
        path.unlink()
    elif becomes == "shorter":
        os.truncate(path, 200_000)
    else:
        with path.open("r+b") as file:
            file.write(os.urandom(1000))


def test_file_changed_after_registration_is_refused(studio: Studio) -> None:
    """Other bytes than those registered are taken back before anybody can review them."""
    path = studio.video()
    upload_id = register(studio.store, path)
    path.write_bytes(os.urandom(450_000))
    with pytest.raises(UploadError, match=r"cut\.mp4 changed between"):
        studio.upload(upload_id)
    assert studio.files(path.name) == []


def test_refusing_store_keeps_the_addresses(studio: Studio) -> None:
    """An error of the database that keeps the placeholder quotes no address, at any depth."""
    path = studio.video()
    upload_id = register(studio.store, path)
    refusal = "BEFORE UPDATE OF placeholder ON versions BEGIN SELECT RAISE(ABORT, 'no'); END"
    with studio.store.writing() as session:
        session.connection().exec_driver_sql(f"CREATE TRIGGER refuse {refusal}")
    with pytest.raises(StoreError) as caught:
        studio.upload(upload_id)
    told = "".join(traceback.format_exception(caught.value))
    assert "UPDATE versions SET" in told
    assert "X-Amz-Signature" not in told
    with studio.store.writing() as session:
        session.connection().exec_driver_sql("DROP TRIGGER refuse")
    studio.upload(upload_id)
    studio.assert_whole(upload_id, path)


def test_row_with_addresses_shows_none(studio: Studio) -> None:
    """Whoever prints a version in the middle of an upload sees no address."""
    path = studio.video()
    upload_id = register(studio.store, path)
    studio.frameio.fault("answer", method="PUT", path="*part_3?*", status=507, times=None)
    with pytest.raises(PostFlowError):
        studio.upload(upload_id, retry_after=0.001)
    with studio.store.reading() as session:
        version = load_version(session, load_upload(session, upload_id))
    assert "X-Amz-Signature" in str(version.placeholder)
    assert "X-Amz-Signature" not in repr(version)


def test_file_that_was_just_hashed_is_read_once(studio: Studio) -> None:
    """The sha256 that registration took counts while size and time of change are the same."""
    path = studio.video()
    upload_id = register(studio.store, path)
    with studio.store.writing() as session:
        session.get_one(FileHashRow, str(path)).sha256 = "taken before"
        load_version(session, load_upload(session, upload_id)).sha256 = "taken before"
    studio.upload(upload_id)
    with studio.store.reading() as session:
        assert load_upload(session, upload_id).sha256 == "taken before"


def test_touched_file_is_hashed_again(studio: Studio) -> None:
    """Another time of change with the same bytes stops nobody."""
    path = studio.video()
    upload_id = register(studio.store, path)
    os.utime(path, ns=(1, 1))
    studio.upload(upload_id)
    studio.assert_whole(upload_id, path)


def test_frameio_that_stays_down_is_told_in_a_sentence(studio: Studio) -> None:
    """When patience ends, the error says that the same call may work later, and then it does."""
    path = studio.video()
    upload_id = register(studio.store, path)
    studio.frameio.fault("answer", status=503, times=None)
    with pytest.raises(PostFlowError, match="try again later") as caught:
        studio.upload(upload_id)
    assert caught.value.retryable
    studio.frameio.order("DELETE", "/faults")
    studio.upload(upload_id)
    studio.assert_whole(upload_id, path)
