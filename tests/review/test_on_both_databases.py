"""The same review on SQLite and PostgreSQL: quiet, hold, opinion, explanation, calibration."""

from __future__ import annotations

import asyncio

import pytest

from postflow.domain.house import HouseRules
from postflow.domain.standing import ReviewStatus
from postflow.second_opinion import Opinion
from postflow.settings import Settings
from postflow.settings.review import SecondOpinionSettings
from postflow.settings.sections import AnalysisSettings, ReviewSettings
from postflow.store.database import Store
from postflow.tracker.calibrating import Trial, calibrate
from postflow.tracker.explaining import explain_upload
from postflow.tracker.overrides import list_overrides
from postflow.tracker.second_opinion import SecondOpinions
from tests.factories import REVIEWER
from tests.review.conftest import Review

MODEL = SecondOpinionSettings(url="http://127.0.0.1:9/v1", model="small-1")


@pytest.fixture
def anywhere(store: Store) -> Review:
    """Give a review on each database."""
    settings = Settings(
        analysis=AnalysisSettings(second_opinion=MODEL), review=ReviewSettings(quiet_period=300)
    )
    review = Review(store, settings)
    review.track()
    return review


async def refuse(_: str, settings: SecondOpinionSettings) -> Opinion:
    """Answer as a model that sees a fault in everything."""
    return Opinion(model=settings.model, said=ReviewStatus.REJECTED, sentence="a fault")


def test_whole_story_is_the_same(anywhere: Review) -> None:
    """Quiet, rejected by a second opinion, held, released; explained at each moment."""
    review = anywhere
    review.say("c1", "Approved.")
    quiet = review.clock()
    review.clock.advance(100)
    review.say("c2", "Bongo.", author=REVIEWER)
    opinions = SecondOpinions(
        store=review.store, settings=lambda: review.settings, ask=refuse, clock=review.clock
    )
    assert asyncio.run(opinions.run_once()) == 1
    assert review.upload().review_status == "rejected"
    rejected = review.clock()
    review.clock.advance(100)
    review.say("c3", "Please remove the logo at 0:32.")
    review.clock.advance(30)
    review.set_status("Approved")
    review.clock.advance(400)
    review.look()
    assert review.upload().held_since is not None
    review.clock.advance(30)
    review.decide(ReviewStatus.APPROVED)
    with review.store.reading() as session:
        now = explain_upload(session, "clip", review.settings)
        then = [
            explain_upload(session, "clip", review.settings, at=at)["review_status"]
            for at in (quiet, rejected)
        ]
        trial = calibrate(session, review.settings, Trial(keywords=HouseRules(approval=("bongo",))))
        overrides = list_overrides(session, review.settings)
    assert (now["review_status"], now["held"]) == ("approved", None)
    assert then == ["pending", "rejected"]
    assert [flip["comment_id"] for flip in trial["comments"]] == ["c2"]
    assert trial["versions"] == []
    assert overrides == []


def test_two_replicas_ask_different_questions(anywhere: Review) -> None:
    """What one has taken the other leaves alone."""
    anywhere.say("c1", "Bongo.")
    asked: list[str] = []

    async def note(text: str, settings: SecondOpinionSettings) -> Opinion:
        asked.append(text)
        return Opinion(model=settings.model, error="away")

    replicas = [
        SecondOpinions(
            store=anywhere.store, settings=lambda: anywhere.settings, ask=note, clock=anywhere.clock
        )
        for _ in range(2)
    ]

    async def both() -> None:
        await asyncio.gather(*(replica.run_once() for replica in replicas))

    asyncio.run(both())
    assert asked == ["Bongo."]
