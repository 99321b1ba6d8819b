"""Change lists: what is asked for, by whom, where, and whether it is done."""

from __future__ import annotations

import asyncio
import json

from postflow.domain.standing import ReviewStatus
from postflow.store.change_lists import list_changes, list_remarks
from postflow.store.uploads import load_upload
from postflow.store.view_types import ChangeView
from tests.factories import EDITOR, GUEST, REVIEWER, make_settings
from tests.review.conftest import Review


def changes(review: Review) -> list[ChangeView]:
    """Return the change list of the current version."""
    with review.store.reading() as session:
        upload = load_upload(session, "clip")
        return list_changes(session, upload, review.settings.review.rules)


def remarks(review: Review) -> list[ChangeView]:
    """Return the optional remarks about the current version."""
    with review.store.reading() as session:
        upload = load_upload(session, "clip")
        return list_remarks(session, upload, review.settings.review.rules)


def test_conditional_yes_yields_a_change(review: Review) -> None:
    """A yes on condition rejects, and says who wants what, where."""
    review.say("c1", "Approved once the logo at 0:32 is removed.")
    assert review.upload().review_status == "rejected"
    (change,) = changes(review)
    assert (change["author"], change["comment_id"]) == ("Cleo", "c1")
    assert (change["timecodes"], change["where"]) == (["0:32"], "0:32")
    assert not change["done"]


def test_frame_number_is_shown_as_given(review: Review) -> None:
    """Frame.io's frame number stays a frame number."""
    review.say("c1", "Remove the logo.")
    review.change("c1", timestamp=812)
    (change,) = changes(review)
    assert (change["timecode"], change["where"]) == ("812", "frame 812")


def test_completed_change_is_done(review: Review) -> None:
    """What was ticked off on Frame.io is done, though its author still has to approve."""
    review.say("c1", "Remove the logo.")
    review.change("c1", completed_at=review.clock())
    assert [change["done"] for change in changes(review)] == [True]
    assert review.upload().review_status == "rejected"


def test_later_approval_settles_own_changes(review: Review) -> None:
    """Whoever approves later is content; other people's requests stay open."""
    review.say("c1", "Remove the logo.")
    review.say("c2", "Remove the music.", author=REVIEWER)
    review.clock.advance(60)
    review.say("c3", "Approved.")
    assert {c["comment_id"]: c["done"] for c in changes(review)} == {"c1": True, "c2": False}


def test_approval_by_hand_settles_all_changes(review: Review) -> None:
    """Somebody who decides for the whole leaves nothing open."""
    review.say("c1", "Remove the logo.")
    review.clock.advance(60)
    review.decide(ReviewStatus.APPROVED)
    assert all(change["done"] for change in changes(review))


def test_held_approval_settles_nothing(review: Review) -> None:
    """Whether the change is still wanted is just what is in doubt."""
    review.say("c1", "Remove the logo.")
    review.clock.advance(60)
    review.set_status("Approved")
    assert [change["done"] for change in changes(review)] == [False]
    review.clock.advance(60)
    review.decide(ReviewStatus.APPROVED)
    assert [change["done"] for change in changes(review)] == [True]


def test_editors_and_ignored_guests_ask_for_nothing(review: Review) -> None:
    """Only people whose word counts put something on the list."""
    review.start(make_settings(guests="ignore"))
    review.say("c1", "Remove the logo.", author=EDITOR)
    review.say("c2", "Remove the logo.", author=GUEST)
    assert changes(review) == []


def test_optional_remarks_are_kept(review: Review) -> None:
    """A sign-off with something for the next episode approves, and the remark is not lost."""
    review.say("c1", "Approved, and for the next episode maybe a shorter intro.")
    review.say("c2", "Approved.", author=REVIEWER)
    assert review.upload().review_status == "approved"
    (remark,) = remarks(review)
    assert remark["comment_id"] == "c1"
    assert changes(review) == []


def test_published_lists_say_who_and_where(review: Review) -> None:
    """The artifacts on the run's page hold the places of changes, and the optional remarks."""
    review.wait_for()
    review.note_run()
    review.say("c1", "Please remove the logo at 0:32.")
    asyncio.run(review.announcer.run_once())
    tables = [json.loads(a.data) for a in review.flow_runs.published if a.key == "change-list"]
    (row,) = tables[-1]
    assert (row["author"], row["comment_id"]) == ("Cleo", "c1")
    assert (row["timecode"], row["done"]) == ("0:32", "no")
    review.clock.advance(3600)
    review.say("c2", "Approved, and for the next episode maybe a shorter intro.")
    asyncio.run(review.announcer.run_once())
    verdicts = [a.data for a in review.flow_runs.published if a.key == "verdict"]
    assert "Remark, optional, by Cleo" in verdicts[-1]
