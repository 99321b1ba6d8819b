"""Reading comments anew: what another version of the analyser says is added, never put over."""

from __future__ import annotations

import pytest
from sqlmodel import select

from postflow.domain.comments import ANALYSER_VERSION
from postflow.domain.house import HouseRules, judge_comment
from postflow.settings import Settings
from postflow.settings.sections import AnalysisSettings
from postflow.store.decisions import last_decision
from postflow.store.deliveries import claim_delivery, complete_delivery
from postflow.store.tables import AnalysisRow, CommentRevisionRow, CommentRow
from postflow.store.uploads import load_upload
from tests.review.conftest import Review

HOUSE_WORD = "Bongo."


def with_words(*words: str, **options: object) -> Settings:
    """Return settings with these words of approval."""
    return Settings(
        analysis=AnalysisSettings.model_validate({"approval_keywords": words, **options})
    )


def analyses(review: Review) -> list[AnalysisRow]:
    """Return everything that was ever made of a comment, the oldest first."""
    with review.store.reading() as session:
        return sorted(session.exec(select(AnalysisRow)).all(), key=lambda row: row.id or 0)


def look_later(review: Review) -> None:
    """Let the timer's next look come."""
    review.clock.advance(3600)
    review.look()


def test_verdict_names_its_version(review: Review) -> None:
    """The comment, its analysis and the decision all say which analyser made them."""
    review.say("c1", "Approved.")
    (analysis,) = analyses(review)
    assert analysis.analyser_version == ANALYSER_VERSION
    assert (analysis.verdict, analysis.rule) == ("approved", "sign_off")
    assert analysis.reasons[0]["words"]
    assert review.decisions()[0].analyser_version == ANALYSER_VERSION


def test_words_are_part_of_the_version() -> None:
    """Other words or thresholds are another version; their order is not."""
    plain, house = HouseRules(), HouseRules(approval=("b", "a"))
    assert plain.version == ANALYSER_VERSION
    assert house.version != plain.version
    assert house.version == HouseRules(approval=("a", "b")).version
    assert HouseRules(approve_above=0.8).version != plain.version


def test_new_words_are_read_at_the_next_look(review: Review) -> None:
    """After a change of the words the old comment counts anew, and both readings are kept."""
    review.say("c1", HOUSE_WORD)
    assert review.upload().review_status == "pending"
    review.start(with_words("bongo"))
    look_later(review)
    assert review.upload().review_status == "approved"
    assert [row.verdict for row in analyses(review)] == ["pending", "approved"]
    look_later(review)
    assert len(analyses(review)) == 2


def test_old_decisions_stay(review: Review) -> None:
    """Taking a word back adds a decision; the one that was made by it is unchanged."""
    review.start(with_words("bongo"))
    review.say("c1", HOUSE_WORD)
    (first,) = review.decisions()
    review.start(Settings())
    look_later(review)
    assert review.upload().review_status == "pending"
    decisions = review.decisions()
    assert [row.verdict for row in decisions] == ["approved", "pending"]
    assert (decisions[0].hash, decisions[0].analyser_version) == (
        first.hash,
        first.analyser_version,
    )
    assert decisions[1].previous_hash == first.hash


def test_reading_anew_is_no_edit(review: Review) -> None:
    """The comment's revisions hold what its author wrote, not how often it was read."""
    review.say("c1", HOUSE_WORD)
    review.start(with_words("bongo"))
    look_later(review)
    with review.store.reading() as session:
        assert len(session.exec(select(CommentRevisionRow)).all()) == 1


def test_delivered_version_is_not_judged_anew(review: Review) -> None:
    """New words must not recall what was delivered under the old ones."""
    review.say("c1", "Approved.")
    with review.store.writing() as session:
        upload = load_upload(session, "clip", lock=True)
        delivery = claim_delivery(session, upload, name="clip", claimed_by="x", now=review.clock())
        assert delivery is not None
        complete_delivery(delivery, path=None, sha256=None, manifest={}, now=review.clock())
    review.start(Settings(analysis=AnalysisSettings(ignored_keywords=("approved",))))
    review.clock.advance(36_000)
    review.look()
    assert review.upload().review_status == "approved"
    with review.store.reading() as session:
        decision = last_decision(session, "clip")
        assert session.get_one(CommentRow, "c1").analyser_version == ANALYSER_VERSION
    assert decision is not None
    assert decision.verdict == "approved"


@pytest.mark.parametrize("text", ["Approved.", "Validé", "LGTM", "ok for me"])
def test_higher_threshold_only_doubts(text: str) -> None:
    """Above a raised threshold nothing is approved that was not, and doubt says why."""
    plain = judge_comment(text, HouseRules())
    strict = judge_comment(text, HouseRules(approve_above=0.999))
    assert plain.verdict == "approved"
    assert strict.verdict == "pending"
    assert "not above +1.00" in strict.reason
    assert strict.rule == "in_doubt"


def test_raised_lower_threshold_rejects_more() -> None:
    """What leans towards a no is one where the house wants it so."""
    plain, strict = HouseRules(), HouseRules(reject_below=0)
    leaning = next(
        text
        for text in ("Hmm, I am not convinced.", "Not sure about it.", "Why so quiet?", "The end?")
        if judge_comment(text, plain).verdict == "pending" and judge_comment(text, plain).score < 0
    )
    judgement = judge_comment(leaning, strict)
    assert judgement.verdict == "rejected"
    assert "is below +0.00" in judgement.reason
