"""A version that somebody stacks in Frame.io's own interface opens the next round."""

from __future__ import annotations

import asyncio

import pytest

from postflow.clock import utc_now
from postflow.domain.uploads import WaitKind, WaitOutcome
from postflow.frameio.opening import open_frameio
from postflow.store.flow_runs import load_run
from postflow.store.uploads import load_upload, register_upload
from postflow.submitting import revive_upload
from postflow.tracker.explaining import explain_upload
from postflow.tracker.versions import open_round
from tests.versions.rounds import RUN, Rounds


@pytest.mark.parametrize("form", ["file", "version_stack"])
def test_event_opens_the_next_round(rounds: Rounds, form: str) -> None:
    """`file.versioned` makes the new file the current version, whatever it names."""
    rounds.simulator.world.configure(versioned_resource=form)
    upload_id = rounds.submit(rounds.video("clip.mp4"))
    rounds.say("clip.mp4", "Rejected.")
    rounds.settle_until_reviewed(upload_id, "rejected")
    new = rounds.stack_by_hand("clip.mp4", "clip final.mp4")
    rounds.settle(times=1)
    upload = rounds.row(upload_id)
    assert (upload.version, upload.file_id, upload.path) == (2, new, None)
    assert upload.review_status == "pending"
    assert rounds.versions(upload_id)[1].filename == "clip final.mp4"
    rounds.settle_until_ready(upload_id, version=2)


def test_polling_finds_the_new_version(rounds: Rounds) -> None:
    """With webhooks off the next look at the old file finds what was stacked on it."""
    rounds.hears = False
    upload_id = rounds.submit(rounds.video("clip.mp4"))
    new = rounds.stack_by_hand("clip.mp4", "clip.mp4")
    rounds.poll()
    assert (rounds.row(upload_id).version, rounds.row(upload_id).file_id) == (2, new)


def test_waiting_run_goes_on_with_the_new_version(rounds: Rounds) -> None:
    """The wait of the old version is due and ends superseded; its run is the new version's."""
    upload_id = rounds.submit(rounds.video("clip.mp4"))
    wait_id = rounds.wait_for(upload_id)
    rounds.stack_by_hand("clip.mp4", "clip.mp4")
    rounds.settle()
    assert rounds.wait(wait_id).due_at is not None
    assert rounds.close(wait_id) is WaitOutcome.SUPERSEDED
    with rounds.store.reading() as session:
        run = load_run(session, RUN)
    assert run is not None
    assert (run.version, run.attempt) == (2, 1)
    assert rounds.wait(rounds.wait_for(upload_id, WaitKind.READY)).version == 2


def test_late_comment_on_old_version_decides_nothing(rounds: Rounds) -> None:
    """A yes that comes after the new version is kept with the old one, which stays undecided."""
    upload_id = rounds.submit(rounds.video("clip.mp4"))
    old = str(rounds.row(upload_id).file_id)
    rounds.stack_by_hand("clip.mp4", "clip.mp4")
    rounds.settle()
    rounds.say(old, "Approved!")
    rounds.settle()
    assert rounds.row(upload_id).review_status == "pending"
    assert rounds.announced("approved") == []


def test_unread_approval_of_old_version_delivers_nothing(rounds: Rounds) -> None:
    """A yes to the old version that is read only after the new one was stacked is no approval."""
    rounds.hears = False
    upload_id = rounds.submit(rounds.playable("clip.mp4"))
    wait_id = rounds.wait_for(upload_id)
    rounds.say("clip.mp4", "Approved!")
    rounds.stack_by_hand("clip.mp4", "clip.mp4")
    rounds.poll()
    assert rounds.announced("approved") == []
    assert rounds.close(wait_id) is WaitOutcome.SUPERSEDED
    assert rounds.deliver(upload_id) is None


def test_approved_new_version_is_fetched_and_delivered(rounds: Rounds) -> None:
    """A version without a local master is fetched from Frame.io, and delivered under `_v2`."""
    upload_id = rounds.submit(rounds.playable("clip.mp4"))
    rounds.say("clip.mp4", "Approved!")
    rounds.settle_until_reviewed(upload_id, "approved")
    assert rounds.deliver(upload_id) is not None
    new = rounds.stack_by_hand("clip.mp4", "clip.mp4")
    rounds.settle_until_ready(upload_id, version=2)
    assert rounds.deliver(upload_id) is None
    rounds.say(new, "Approved!")
    rounds.settle_until_reviewed(upload_id, "approved")
    delivered = rounds.deliver(upload_id)
    assert delivered is not None
    assert delivered.name == "clip_v2"
    assert sorted(p.name for p in rounds.settings.post_processing.output_dir.glob("*.mp4")) == [
        "clip.mp4",
        "clip_v2.mp4",
    ]


def test_open_changes_stand_at_the_round(rounds: Rounds) -> None:
    """Announcement and explanation list what the last round asked for and nobody ticked off."""
    upload_id = rounds.submit(rounds.video("clip.mp4"))
    rounds.say("clip.mp4", "Please fix the logo.")
    rounds.settle_until_reviewed(upload_id, "rejected")
    rounds.stack_by_hand("clip.mp4", "clip.mp4")
    rounds.settle()
    (announcement,) = rounds.announced("new-round")
    assert announcement.version == 2
    assert [each["text"] for each in announcement.payload["changes"]] == ["Please fix the logo."]
    with rounds.store.reading() as session:
        explanation = explain_upload(session, upload_id, rounds.settings)
    assert [each["text"] for each in explanation["left_open"]] == ["Please fix the logo."]
    assert explanation["changes"] == []


def test_two_processes_open_one_round(rounds_on_each: Rounds) -> None:
    """Settlers that find the same file record one version, whoever is first."""
    rounds = rounds_on_each
    rounds.hears = False
    upload_id = rounds.submit(rounds.video("clip.mp4"))
    old = str(rounds.row(upload_id).file_id)
    new = rounds.stack_by_hand("clip.mp4", "clip.mp4")

    async def race() -> None:
        async with open_frameio(rounds.settings.frameio) as frameio:
            newest = await frameio.fetch_file(new)

            def record() -> None:
                with rounds.store.writing() as session:
                    open_round(session, old, newest, settings=rounds.settings, now=utc_now())

            await asyncio.gather(*(asyncio.to_thread(record) for _ in range(4)))

    asyncio.run(race())
    assert [version.file_id for version in rounds.versions(upload_id)] == [old, new]
    assert len(rounds.announced("new-round")) == 1


def test_last_round_fails_with_a_sentence(rounds: Rounds) -> None:
    """After `review.max_rounds` versions one more ends the wait as failed, saying why."""
    upload_id = rounds.submit(rounds.video("clip.mp4"))
    for number in (2, 3):
        rounds.stack_by_hand("clip.mp4", "clip.mp4")
        rounds.settle_until_ready(upload_id, version=number)
    wait_id = rounds.wait_for(upload_id)
    rounds.stack_by_hand("clip.mp4", "clip.mp4")
    rounds.settle()
    upload = rounds.row(upload_id)
    assert (upload.version, upload.status) == (3, "failed")
    assert "3 review rounds" in str(upload.failure)
    assert rounds.close(wait_id) is WaitOutcome.FAILED


def test_raised_limit_lets_the_review_go_on(rounds: Rounds) -> None:
    """A run that is started again after `review.max_rounds` was raised finds the next version."""
    upload_id = rounds.submit(rounds.video("clip.mp4"))
    rounds.settings = rounds.settings_with(max_rounds=1)
    new = rounds.stack_by_hand("clip.mp4", "clip.mp4")
    rounds.settle()
    assert rounds.row(upload_id).status == "failed"
    rounds.settings = rounds.settings_with(max_rounds=2)
    with rounds.store.writing() as session:
        revive_upload(session, load_upload(session, upload_id, lock=True), now=rounds.now())
    rounds.settle_until_ready(upload_id, version=2)
    assert rounds.row(upload_id).file_id == new


def test_registration_holds_over_rounds(rounds: Rounds) -> None:
    """Registering the first file again, as a script does at each start, is no conflict."""
    upload_id = rounds.submit(rounds.video("clip.mp4"))
    first = rounds.row(upload_id).file_id
    rounds.stack_by_hand("clip.mp4", "clip.mp4")
    rounds.settle()
    with rounds.store.writing() as session:
        row = register_upload(
            session, upload_id=upload_id, filename="clip.mp4", file_id=first, now=rounds.now()
        )
    assert (row.version, row.file_id != first) == (2, True)


def test_round_of_cancelled_upload_is_not_opened(rounds: Rounds) -> None:
    """Nobody wants another version of a video that was given up."""
    upload_id = rounds.submit(rounds.video("clip.mp4"))
    with rounds.store.writing() as session:
        load_upload(session, upload_id, lock=True).cancelled_at = utc_now()
    rounds.stack_by_hand("clip.mp4", "clip.mp4")
    rounds.settle()
    assert rounds.row(upload_id).version == 1


def test_unstorable_name_holds_up_no_version(rounds: Rounds) -> None:
    """A name that no database takes opens the next round like any other, without that character."""
    upload_id = rounds.submit(rounds.video("clip.mp4"))
    new = rounds.stack_by_hand("clip.mp4", "clip\0final.mp4")
    rounds.settle()
    assert rounds.row(upload_id).file_id == new
    assert rounds.versions(upload_id)[1].filename == "clip\N{REPLACEMENT CHARACTER}final.mp4"


def test_deleted_version_does_not_revive_the_one_below(rounds: Rounds) -> None:
    """An old approval counts for nothing because the version that replaced it was deleted."""
    rounds.hears = False
    upload_id = rounds.submit(rounds.video("clip.mp4"))
    new = rounds.stack_by_hand("clip.mp4", "clip.mp4")
    rounds.poll()
    rounds.order("DELETE", f"/files/{new}")
    rounds.poll()
    rounds.poll()
    upload = rounds.row(upload_id)
    assert (upload.version, upload.status, upload.review_status) == (2, "failed", "pending")
    assert "the version under it is not reviewed in its place; run it again" in str(upload.failure)


def test_older_file_comes_back_as_the_next_version(rounds: Rounds) -> None:
    """Whoever means the version under a deleted one submits its file, for a round of its own."""
    rounds.hears = False
    path = rounds.video("clip.mp4")
    upload_id = rounds.submit(path)
    new = rounds.stack_by_hand("clip.mp4", "clip.mp4")
    rounds.poll()
    rounds.order("DELETE", f"/files/{new}")
    rounds.poll()
    rounds.poll()
    assert rounds.submit(path, of=upload_id) == upload_id
    assert (rounds.row(upload_id).version, rounds.row(upload_id).failure) == (3, None)
