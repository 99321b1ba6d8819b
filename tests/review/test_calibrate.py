"""`postflow calibrate` and `postflow overrides`: what other words would change, and who erred."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from postflow.domain.standing import ReviewStatus
from tests.factories import REVIEWER
from tests.review.conftest import Postflow, Review


def keywords(tmp_path: Path, **lists: list[str]) -> str:
    """Write a keyword file and return its path."""
    path = tmp_path / "words.json"
    path.write_text(json.dumps(lists))
    return str(path)


def test_same_rules_flip_nothing(review: Review, postflow: Postflow) -> None:
    """With the rules that made the verdicts there is nothing to report, and the exit code is 0."""
    review.say("c1", "Approved.")
    review.say("c2", "Bongo.", author=REVIEWER)
    ran = postflow("calibrate", "--json")
    assert ran.code == 0
    assert (ran.data["comments_read"], ran.data["comments"], ran.data["versions"]) == (2, [], [])


def test_invented_approval_fails(review: Review, postflow: Postflow, tmp_path: Path) -> None:
    """Words that would approve a video nobody approved are listed with both reasons; exit 1."""
    review.say("c1", "Bongo.")
    ran = postflow("calibrate", "--keywords", keywords(tmp_path, approval=["bongo"]), "--json")
    assert ran.code == 1
    (comment,) = ran.data["comments"]
    assert (comment["before"], comment["after"], comment["text"]) == (
        "pending",
        "approved",
        "Bongo.",
    )
    assert comment["before_reason"]
    assert "Bongo" in comment["after_reason"]
    (version,) = ran.data["versions"]
    assert (version["upload_id"], version["approval"]) == ("clip", "invented")
    assert ran.data["approvals_invented"] == 1


def test_lost_approval_fails(review: Review, postflow: Postflow) -> None:
    """A threshold under which an approved video would not be approved is reported; exit 1."""
    review.say("c1", "Approved.")
    ran = postflow("calibrate", "--approve-above", "0.9999", "--json")
    assert ran.code == 1
    assert ran.data["versions"][0]["approval"] == "lost"
    assert "1 approvals lost" in postflow("calibrate", "--approve-above", "0.9999").out


def test_flip_without_an_approval_passes(
    review: Review, postflow: Postflow, tmp_path: Path
) -> None:
    """A pending video that would be rejected flips, but no approval is at stake; exit 0."""
    review.say("c1", "Bongo.")
    ran = postflow("calibrate", "--keywords", keywords(tmp_path, rejection=["bongo"]), "--json")
    assert ran.code == 0
    assert [(f["after"], f["approval"]) for f in ran.data["versions"]] == [("rejected", None)]


def test_decisions_by_hand_are_real(review: Review, postflow: Postflow, tmp_path: Path) -> None:
    """What a person approved by hand is approved whatever the words say."""
    review.say("c1", "Bongo.")
    review.clock.advance(10)
    review.decide(ReviewStatus.APPROVED)
    ran = postflow("calibrate", "--keywords", keywords(tmp_path, rejection=["bongo"]), "--json")
    assert (ran.code, len(ran.data["comments"]), ran.data["versions"]) == (0, 1, [])


def test_since_leaves_older_comments_alone(
    review: Review, postflow: Postflow, tmp_path: Path
) -> None:
    """Only comments since the date are judged anew."""
    review.say("c1", "Bongo.")
    review.clock.advance(86_400 * 2)
    words = keywords(tmp_path, approval_keywords=["bongo"])
    ran = postflow("calibrate", "--keywords", words, "--since", "2026-03-03", "--json")
    assert (ran.code, ran.data["comments_read"]) == (0, 0)
    assert postflow("calibrate", "--keywords", words, "--since", "2026-03-01").code == 1


def test_calibrating_never_writes(review: Review, postflow: Postflow, tmp_path: Path) -> None:
    """Every table is the same before and after."""

    def everything() -> dict[str, list[tuple[object, ...]]]:
        with review.store.reading() as session:
            return {
                table.name: [tuple(row) for row in session.connection().execute(table.select())]
                for table in SQLModel.metadata.sorted_tables
            }

    review.say("c1", "Bongo.")
    before = everything()
    postflow("calibrate", "--keywords", keywords(tmp_path, approval=["bongo"]))
    postflow("overrides")
    postflow("explain", "clip")
    assert everything() == before


@pytest.mark.parametrize(
    "content",
    ["[]", "{", '{"aproval": []}', '{"approval": "ok"}', '{"approval": [1]}'],
)
def test_broken_keyword_file_is_refused(postflow: Postflow, tmp_path: Path, content: str) -> None:
    """A file that is no keyword file is refused by its name."""
    path = tmp_path / "words.json"
    path.write_text(content)
    ran = postflow("calibrate", "--keywords", str(path))
    assert ran.code == 1
    assert str(path) in ran.err.replace("\n", "")


@pytest.mark.parametrize(
    "arguments", [("--approve-above", "0.2"), ("--reject-below", "-0.9"), ("--since", "soon")]
)
def test_wrong_usage_of_calibrate(postflow: Postflow, arguments: tuple[str, str]) -> None:
    """Thresholds that no setting allows and dates that are none are wrong usage."""
    assert postflow("calibrate", *arguments).code == 2


def test_overrides_are_grouped_by_rule(review: Review, postflow: Postflow) -> None:
    """A person who contradicts a reading is listed under the rule that made it."""
    review.say("c1", "Approved.")
    review.clock.advance(10)
    review.decide(ReviewStatus.REJECTED, "wrong logo")
    (group,) = postflow("overrides", "--json").data
    assert (group["rule"], group["count"]) == ("sign_off", 1)
    (override,) = group["overrides"]
    assert (override["inferred"], override["decided"]) == ("approved", "rejected")
    assert (override["comment_text"], override["reason"]) == ("Approved.", "wrong logo")
    assert "sign_off" in postflow("overrides").out


def test_missed_approval_is_an_override(review: Review, postflow: Postflow) -> None:
    """Where comments were read as deciding nothing, the last of them was misread."""
    review.say("c1", "Bongo.")
    review.clock.advance(10)
    review.decide(ReviewStatus.APPROVED)
    (group,) = postflow("overrides", "--json").data
    assert group["overrides"][0]["comment_id"] == "c1"
    assert group["overrides"][0]["inferred"] == "pending"


def test_agreement_is_no_override(review: Review, postflow: Postflow) -> None:
    """Neither a hand that agrees nor one that decides alone contradicts anything."""
    review.decide(ReviewStatus.APPROVED)
    review.clock.advance(10)
    review.decide(ReviewStatus.REJECTED)
    review.clock.advance(10)
    review.decide(ReviewStatus.PENDING)
    review.clock.advance(10)
    review.say("c1", "Approved.")
    review.clock.advance(10)
    review.decide(ReviewStatus.APPROVED)
    assert postflow("overrides", "--json").data == []
