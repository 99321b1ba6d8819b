"""Claims on uploads: one holder at a time, and what it asked for without an answer."""

from __future__ import annotations

import pytest
from sqlmodel import Session

from postflow.errors import ClaimLostError
from postflow.store.claims import (
    AskedFor,
    check_claim,
    load_unanswered,
    record_answered,
    record_asking,
    record_lost_answer,
    release_claim,
    take_claim,
)
from postflow.store.database import Store
from tests.factories import NOW, after, make_upload

ASKED = AskedFor(folder_id="folder", name="clip.mp4", size=1, since=NOW)
LEASE = after(60) - NOW


def take(store: Store, holder: str, *, t: float = 0) -> bool:
    """Try to take the claim at a moment."""
    with store.writing() as session:
        return take_claim(session, "clip", holder=holder, now=after(t), lease=LEASE)


def ask(session: Session, holder: str) -> None:
    """Ask for a placeholder."""
    record_asking(session, "clip", holder=holder, asked=ASKED)


@pytest.fixture
def claimed(store: Store) -> Store:
    """Let one process hold the claim on an upload."""
    with store.writing() as session:
        make_upload(session, file_id=None)
    assert take(store, "one")
    return store


def test_second_process_does_not_get_the_claim(claimed: Store) -> None:
    """While the first one renews it, nobody else uploads."""
    assert not take(claimed, "two", t=59)
    assert take(claimed, "one", t=59)
    assert not take(claimed, "two", t=118)


def test_claim_of_a_silent_process_is_taken_over(claimed: Store) -> None:
    """After the lease another process goes on, and the first one may write nothing more."""
    assert take(claimed, "two", t=60)
    with claimed.reading() as session, pytest.raises(ClaimLostError, match="clip"):
        check_claim(session, "clip", holder="one")


def test_released_claim_is_free_at_once(claimed: Store) -> None:
    """Who ends in order keeps nobody waiting."""
    with claimed.writing() as session:
        release_claim(session, "clip", holder="one", now=after(1))
    assert take(claimed, "two", t=1)


def test_release_by_another_process_changes_nothing(claimed: Store) -> None:
    """A process that was replaced does not let go of what is no longer its own."""
    with claimed.writing() as session:
        release_claim(session, "clip", holder="two", now=after(1))
    assert not take(claimed, "two", t=1)


@pytest.mark.parametrize("ends", ["killed", "released", "lost"])
def test_question_without_answer_is_remembered(claimed: Store, ends: str) -> None:
    """However the process ends, the next one knows what may lie at Frame.io."""
    with claimed.writing() as session:
        ask(session, "one")
        if ends == "released":
            release_claim(session, "clip", holder="one", now=after(1))
        elif ends == "lost":
            record_lost_answer(session, "clip", holder="one")
    take(claimed, "two", t=60)
    with claimed.reading() as session:
        assert load_unanswered(session, "clip") == ASKED


def test_answered_question_is_forgotten(claimed: Store) -> None:
    """After an answer, or after its leftovers are deleted, there is nothing to look for."""
    with claimed.writing() as session:
        ask(session, "one")
        record_lost_answer(session, "clip", holder="one")
        record_answered(session, "clip", holder="one")
    with claimed.reading() as session:
        assert load_unanswered(session, "clip") is None
