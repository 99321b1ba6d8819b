"""Decisions by hand among themselves: the one recorded last is in force."""

from __future__ import annotations

import pytest

from postflow.domain.standing import ReviewStatus
from tests.review.conftest import Review


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (ReviewStatus.REJECTED, ReviewStatus.APPROVED),
        (ReviewStatus.APPROVED, ReviewStatus.REJECTED),
        (ReviewStatus.REJECTED, ReviewStatus.PENDING),
    ],
)
def test_later_recorded_of_one_instant_wins(
    review: Review, first: ReviewStatus, second: ReviewStatus
) -> None:
    """Two decisions by hand within one tick of the clock count in the order they were recorded."""
    review.decide(first)
    review.decide(second)
    assert review.upload().review_status == second


def test_many_of_one_instant_count_once(review: Review) -> None:
    """The tenth decision of an instant comes after the ninth, not after the first."""
    for _ in range(6):
        review.decide(ReviewStatus.APPROVED)
        review.decide(ReviewStatus.REJECTED)
    review.decide(ReviewStatus.APPROVED)
    assert review.upload().review_status == ReviewStatus.APPROVED
