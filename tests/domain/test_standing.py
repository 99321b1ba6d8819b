"""The arithmetic of a review: last decisions, open rejections, words about the whole, quorum."""

from __future__ import annotations

import itertools

import pytest

from postflow.domain.standing import ReviewStatus, Statement, decide_review
from tests.factories import make_statement

APPROVED, REJECTED, PENDING = (
    ReviewStatus.APPROVED,
    ReviewStatus.REJECTED,
    ReviewStatus.PENDING,
)


def test_no_statements_are_pending() -> None:
    """Silence is not consent."""
    assert decide_review([]).status is PENDING


@pytest.mark.parametrize("first", [APPROVED, PENDING, REJECTED])
@pytest.mark.parametrize("second", [APPROVED, PENDING, REJECTED])
def test_ties_take_the_less_approving(first: ReviewStatus, second: ReviewStatus) -> None:
    """Of two words of one person at one instant the more doubtful one is believed."""
    statements = [make_statement(said=first, key="a"), make_statement(said=second, key="b")]
    order = [APPROVED, PENDING, REJECTED]
    decided = [said for said in (first, second) if said is not PENDING]
    expected = max(decided, key=order.index, default=PENDING)
    assert decide_review(statements).status is expected
    assert decide_review(reversed(statements)).status is expected


def test_order_of_statements_is_irrelevant() -> None:
    """All orders of the same statements end alike, down to the deciding one."""
    statements = [
        make_statement("ana", APPROVED, t=1, key="1"),
        make_statement("bo", REJECTED, t=2, key="2"),
        make_statement("dee", PENDING, t=3, key="3", whole=True),
        make_statement("bo", APPROVED, t=3, key="4"),
        make_statement("ana", APPROVED, t=4, key="5"),
    ]
    reviews = {decide_review(order) for order in itertools.permutations(statements)}
    assert len(reviews) == 1


def test_uncounted_statement_changes_nothing() -> None:
    """What editors say neither approves nor rejects nor clears."""
    spoken = [
        make_statement("ed", said, t=5, whole=whole, counts=False)
        for said in ReviewStatus
        for whole in (True, False)
    ]
    assert decide_review([make_statement("cleo", APPROVED), *spoken]).status is APPROVED
    assert decide_review([make_statement("cleo", REJECTED), *spoken]).status is REJECTED


def test_unknown_setter_never_approves() -> None:
    """A Status of Approved by somebody unknown leaves the video as it was."""
    unknown = make_statement("?", APPROVED, t=5, whole=True, known=False)
    assert decide_review([unknown]).status is PENDING
    assert decide_review([make_statement("cleo", REJECTED), unknown]).status is REJECTED


@pytest.mark.parametrize(
    ("said", "expected"), [(PENDING, PENDING), (REJECTED, REJECTED)], ids=["pending", "rejected"]
)
def test_unknown_setter_takes_approvals_back(said: ReviewStatus, expected: ReviewStatus) -> None:
    """Somebody unknown may make the review less approved: that is the safe side."""
    unknown = make_statement("?", said, t=5, whole=True, known=False)
    assert decide_review([make_statement("cleo", APPROVED), unknown]).status is expected


@pytest.mark.parametrize("said", [PENDING, REJECTED, APPROVED])
def test_unknown_setter_lifts_no_rejection(said: ReviewStatus) -> None:
    """After a change by somebody unknown, one approval is not enough while a rejection is open."""
    review = decide_review(
        [
            make_statement("bo", REJECTED, t=1),
            make_statement("?", said, t=2, whole=True, known=False),
            make_statement("cleo", APPROVED, t=3),
        ]
    )
    assert review.status is REJECTED
    assert "bo" in {s.who for s in review.open_rejections}


@pytest.mark.parametrize("whole", [True, False], ids=["status", "comment"])
@pytest.mark.parametrize("said", [PENDING, APPROVED], ids=["pending", "approved"])
def test_those_who_cannot_approve_lift_no_rejection(said: ReviewStatus, whole: bool) -> None:
    """Whatever a reject-only guest says, somebody else's rejection stays open."""
    guest = make_statement("gus", said, t=2, whole=whole, may_approve=False)
    later = make_statement("cleo", APPROVED, t=3)
    assert decide_review([make_statement("bo", REJECTED, t=1), guest, later]).status is REJECTED


@pytest.mark.parametrize("whole", [True, False], ids=["status", "comment"])
def test_reject_only_guest_lifts_own_rejection(whole: bool) -> None:
    """A guest takes the own rejection back, and that alone approves nothing."""
    said = PENDING if whole else APPROVED
    taken_back = [
        make_statement("gus", REJECTED, t=1, may_approve=False),
        make_statement("gus", said, t=2, whole=whole, may_approve=False),
    ]
    assert decide_review(taken_back).status is PENDING
    assert decide_review([*taken_back, make_statement("cleo", APPROVED, t=3)]).status is APPROVED


def test_word_about_the_whole_replaces_all() -> None:
    """The Status set by somebody entitled replaces approvals and rejections before it."""
    before = make_statement("bo", REJECTED, t=1), make_statement("cleo", APPROVED, t=1)
    assert decide_review([*before, make_statement("dee", APPROVED, t=2, whole=True)]).status is (
        APPROVED
    )
    cleared = decide_review([*before, make_statement("dee", PENDING, t=2, whole=True)])
    assert cleared.status is PENDING
    assert cleared.deciding is not None
    assert cleared.deciding.who == "dee"


def test_quorum_counts_different_people() -> None:
    """One person approving twice is still one approval."""
    twice = make_statement("ana", t=1), make_statement("ana", t=2)
    review = decide_review(twice, quorum=2)
    assert (review.status, review.note) == (PENDING, "1 of 2 approvals")
    assert decide_review([*twice, make_statement("bo", t=3)], quorum=2).status is APPROVED


def test_quorum_counts_only_approvers() -> None:
    """Approvals of people who may not approve do not fill the quorum."""
    statements = [make_statement("ana"), make_statement("gus", may_approve=False)]
    assert decide_review(statements, quorum=2).status is PENDING


def test_reached_quorum_does_not_outvote() -> None:
    """A quorum of approvals does not lift one open rejection."""
    approvals = [make_statement(who, t=2) for who in ("ana", "bo", "cy")]
    review = decide_review([*approvals, make_statement("dee", REJECTED, t=1)], quorum=2)
    assert review.status is REJECTED


def test_newest_open_rejection_is_named() -> None:
    """The outcome names the newest rejection, and lists all that are open."""
    statements: list[Statement] = [
        make_statement("ana", REJECTED, t=1),
        make_statement("bo", REJECTED, t=2),
    ]
    review = decide_review(statements)
    assert review.deciding is not None
    assert review.deciding.who == "bo"
    assert [s.who for s in review.open_rejections] == ["ana", "bo"]
