"""`postflow explain`: who said what, what it is worth, which rule decided, now and then."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest

from postflow.cli.output import console
from postflow.domain.standing import ReviewStatus
from tests.factories import CLIENT, EDITOR, GUEST, REVIEWER
from tests.review.conftest import Postflow, Review


def standings(explained: Any) -> dict[str, str]:
    """Return what each comment is worth."""
    return {each["comment_id"]: each["worth"] for each in explained["standings"]}


def test_explanation_begins_with_one_sentence(review: Review, postflow: Postflow) -> None:
    """The first sentence holds status, person, words and reason; the rule follows."""
    review.say("c1", "Approved.")
    found = postflow("explain", "clip", "--json").data
    assert found["sentence"].startswith("clip.mp4, version 1, is approved: Cleo ('Approved.')")
    assert "nobody's rejection is open" in found["rule"]
    shown = postflow("explain", "clip")
    assert shown.code == 0
    assert found["sentence"] in shown.out


def test_explanation_says_why_words_count(review: Review, postflow: Postflow) -> None:
    """Each statement says what it is worth: in force, replaced, silent, or by an editor."""
    review.say("c1", "Approved.")
    review.clock.advance(10)
    review.say("c2", "Please remove the logo at 0:32.")
    review.say("c3", "Approved.", author=EDITOR)
    review.say("c4", "Thanks!", author=REVIEWER)
    found = postflow("explain", "clip", "--json").data
    worth = standings(found)
    assert worth["c1"].startswith("replaced by a later word of the same person")
    assert worth["c2"] == "counts: an open rejection"
    assert worth["c3"].startswith("does not count: uploaded this version")
    assert worth["c4"] == "decides nothing"
    assert found["rule"].startswith("one open rejection blocks")
    assert [change["where"] for change in found["changes"]] == ["0:32"]


def test_comment_ids_can_be_copied(
    review: Review, postflow: Postflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On 80 columns, too, a comment's id is one word, and moments are the reader's own."""
    ids = [str(uuid4()), str(uuid4())]
    for comment_id, text in zip(ids, ("No, the logo is wrong.", "Approved."), strict=True):
        review.say(comment_id, text)
        review.clock.advance(10)
    monkeypatch.setattr(console, "width", 80)
    shown = postflow("explain", "clip").out
    assert [each for each in ids if each not in shown] == []
    assert not re.search(r"\d{4}-\d\d-\d\dT", shown)


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        (("APPROVERS", '["user-reviewer"]'), "not listed in review.approvers"),
        (("GUESTS", "reject_only"), "a guest, and review.guests is reject_only"),
        (("GUESTS", "ignore"), "review.guests is ignore"),
    ],
)
def test_explanation_names_the_setting(
    review: Review,
    postflow: Postflow,
    monkeypatch: pytest.MonkeyPatch,
    setting: tuple[str, str],
    why: str,
) -> None:
    """A yes that does not count says by which setting."""
    review.say("c1", "Approved.", author=GUEST)
    monkeypatch.setenv(f"POSTFLOW_REVIEW__{setting[0]}", setting[1])
    assert why in standings(postflow("explain", "clip", "--json").data)["c1"]


def test_missing_quorum_is_named(
    review: Review, postflow: Postflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one more approval is needed the sentence says how many there are."""
    monkeypatch.setenv("POSTFLOW_REVIEW__QUORUM", "2")
    review.start(review.settings.model_copy(update={"review": _quorum(review)}))
    review.say("c1", "Approved.")
    found = postflow("explain", "clip", "--json").data
    assert "1 of 2 approvals" in found["sentence"]
    assert found["rule"] == "review.quorum is 2"


def _quorum(review: Review) -> object:
    return review.settings.review.model_copy(update={"quorum": 2})


def test_past_is_explained_from_what_was_known(review: Review, postflow: Postflow) -> None:
    """`--at` tells what was decided and said then, also where it was edited or deleted since."""
    review.clock.advance(60)
    review.say("c1", "Approved.")
    then = review.clock().isoformat()
    review.clock.advance(60)
    review.frameio.edit("c1", "Not approved.")
    review.receive("comment.updated", "c1")
    review.settle()
    middle = review.clock().isoformat()
    review.clock.advance(60)
    review.frameio.delete("c1")
    review.receive("comment.deleted", "c1")
    review.settle()
    found = postflow("explain", "clip", "--at", then, "--json").data
    assert (found["review_status"], found["at"]) == ("approved", then)
    assert [each["text"] for each in found["standings"]] == ["Approved."]
    assert "was approved" in found["sentence"]
    assert max(entry["at"] for entry in found["timeline"]) <= then
    later = postflow("explain", "clip", "--at", middle, "--json").data
    assert (later["review_status"], later["standings"][0]["text"]) == ("rejected", "Not approved.")
    assert postflow("explain", "clip", "--json").data["review_status"] == "pending"


def test_past_knows_nothing_that_was_read_later(review: Review, postflow: Postflow) -> None:
    """A comment whose webhook was lost is no part of what was known before it was read."""
    review.clock.advance(60)
    review.frameio.write("c1", "Rejected.")
    review.clock.advance(60)
    unread = review.clock().isoformat()
    review.clock.advance(60)
    review.receive("comment.created", "c1")
    review.settle()
    found = postflow("explain", "clip", "--at", unread, "--json").data
    assert (found["review_status"], found["standings"]) == ("pending", [])
    assert [entry for entry in found["timeline"] if entry["kind"] == "comment"] == []
    told = postflow("explain", "clip", "--json").data["timeline"]
    assert [entry["text"] for entry in told if entry["kind"] == "comment"] == ["Rejected."]


def test_decision_by_hand_and_hold_are_explained(review: Review, postflow: Postflow) -> None:
    """A hold is the first thing to read; after its release the hand that decided is."""
    review.say("c1", "Please remove the logo.")
    review.clock.advance(30)
    review.set_status("Approved")
    held = postflow("explain", "clip", "--json").data
    assert "is approved, but held" in held["sentence"]
    assert held["held"]["reason"]
    review.clock.advance(30)
    review.decide(ReviewStatus.APPROVED, "called Cleo")
    found = postflow("explain", "clip", "--json").data
    assert "Ana decided by hand: called Cleo" in found["sentence"]
    assert found["rule"].startswith("a decision by hand replaces")
    assert standings(found)["c1"].startswith("replaced by a change of the Status")


def test_unknown_setter_is_explained(review: Review, postflow: Postflow) -> None:
    """A Status that nobody is known to have set approves nothing, and says so."""
    review.frameio.set_status("Approved")
    review.clock.advance(3600)
    review.look()
    (standing,) = postflow("explain", "clip", "--json").data["standings"]
    assert "an unknown person never approves" in standing["worth"]


@pytest.mark.parametrize(
    "arguments",
    [("clip", "--at", "yesterday"), ("--text", "ok", "--at", "2026-03-02"), ()],
    ids=["no-moment", "text-at", "nothing"],
)
def test_wrong_usage_of_explain(postflow: Postflow, arguments: tuple[str, ...]) -> None:
    """A moment that is none, or about a text, is wrong usage."""
    assert postflow("explain", *arguments).code == 2


def test_unknown_upload_is_refused(postflow: Postflow) -> None:
    """An id that does not exist, or did not yet exist, is one sentence and exit code 1."""
    assert postflow("explain", "nothing").code == 1
    ran = postflow("explain", "clip", "--at", "2020-01-01")
    assert ran.code == 1
    assert "did not exist yet" in ran.err


def test_text_is_judged_by_house_rules(postflow: Postflow, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--text` uses the same words and thresholds as the tracker."""
    monkeypatch.setenv("POSTFLOW_ANALYSIS__APPROVE_ABOVE", "0.9999")
    found = postflow("explain", "--text", "Approved.", "--json").data
    assert (found["verdict"], found["rule"]) == ("pending", "in_doubt")
    assert CLIENT.name not in found["explanation"]
