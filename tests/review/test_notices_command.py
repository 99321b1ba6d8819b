"""The command that shows what people were told, and lets a person deal with what went wrong."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postflow.store.notices import (
    claim_notice,
    gather_notice,
    mark_unconfirmed,
    note_notice_refused,
)
from tests.factories import NOW, after
from tests.review.conftest import Postflow, Review


@pytest.fixture
def told(review: Review) -> Review:
    """Give a store with a notice that failed (1) and one that is unconfirmed (2)."""
    with review.store.writing() as session:
        for label in ("slack", "mail"):
            gather_notice(
                session,
                {"upload_id": "clip", "version": 1},
                receiver=label,
                label=label,
                kind="failed",
                batch_id=None,
                now=NOW,
                gather_for=timedelta(0),
            )
            assert claim_notice(session, now=NOW) is not None
        note_notice_refused(session, 1, error="refused", send_at=None, now=NOW)
        mark_unconfirmed(session, begun_before=after(1), now=after(1))
    return review


def test_notices_are_listed_with_their_status(told: Review, postflow: Postflow) -> None:
    """Newest first, as JSON with the keys of the API, or as a table."""
    listed = postflow("notices", "--problems", "--json").data
    assert [(each["id"], each["status"]) for each in listed] == [(2, "unconfirmed"), (1, "failed")]
    assert (listed[0]["receiver"], listed[0]["upload_ids"]) == ("mail", ["clip"])
    table = postflow("notices")
    assert (table.code, "unconfirmed" in table.out) == (0, True)


def test_dismissed_notice_is_off_the_list(told: Review, postflow: Postflow) -> None:
    """Taking note of it is all that is left to do; doing so twice is refused with a sentence."""
    assert postflow("notices", "--dismiss", "1").code == 0
    assert [each["id"] for each in postflow("notices", "--problems", "--json").data] == [2]
    again = postflow("notices", "--dismiss", "1")
    assert (again.code, "The notice 1 is dismissed" in again.err) == (1, True)


def test_resent_notice_is_due_again(told: Review, postflow: Postflow) -> None:
    """The running service sends it."""
    assert postflow("notices", "--resend", "2").code == 0
    (listed, _) = postflow("notices", "--json").data
    assert (listed["status"], listed["attempts"]) == ("waiting", 0)


def test_unknown_notice_is_refused(told: Review, postflow: Postflow) -> None:
    """A wrong number is answered with where the right ones are."""
    ran = postflow("notices", "--resend", "99")
    assert (ran.code, "There is no notice 99" in ran.err) == (1, True)
    assert postflow("notices", "--resend", "1", "--dismiss", "1").code == 2
