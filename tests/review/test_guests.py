"""Guests in a real review: whatever they type, they stay guests."""

from __future__ import annotations

import pytest

from postflow.domain.people import Person
from tests.factories import CLIENT, make_settings
from tests.review.conftest import Review

IMPOSTOR = Person(email=CLIENT.email, name=CLIENT.name)


@pytest.mark.parametrize("guests", ["count", "reject_only", "ignore", None])
def test_guest_with_approvers_address_never_approves(review: Review, guests: str | None) -> None:
    """Where approvers are named a guest who types the approver's address does not approve."""
    review.start(make_settings(approvers=[CLIENT.email], guests=guests))
    review.say("c1", "Approved.", author=IMPOSTOR)
    assert review.upload().review_status == "pending"
    review.say("c2", "Approved.")
    assert review.upload().review_status == "approved"


def test_guest_does_not_lift_the_approvers_no(review: Review) -> None:
    """The approver's rejection stays open whatever a guest of the same name writes."""
    review.start(make_settings(approvers=[CLIENT.email]))
    review.say("c1", "Rejected.")
    review.clock.advance(10)
    review.say("c2", "Approved.", author=IMPOSTOR)
    assert review.upload().review_status == "rejected"
