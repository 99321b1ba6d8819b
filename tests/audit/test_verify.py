"""`postflow audit verify` finds whatever was done to the record behind PostFlow's back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from postflow.auditing import Audit, verify
from postflow.domain.standing import ReviewStatus
from postflow.errors import UnknownUploadError
from postflow.store.database import Store
from tests.audit.conftest import Tamper, decide

APPROVED, REJECTED = ReviewStatus.APPROVED, ReviewStatus.REJECTED
HISTORY = (APPROVED, REJECTED, APPROVED)
TAMPERING = {
    "changed": (
        "UPDATE decisions SET who = 'Somebody else' WHERE verdict = 'rejected'",
        "Decision 2 of clip .* was changed after it was made",
    ),
    "removed in the middle": (
        "DELETE FROM decisions WHERE verdict = 'rejected'",
        "Decision 3 of clip .* does not follow the one before it",
    ),
    "removed at the start": (
        "DELETE FROM decisions WHERE previous_hash = ''",
        "Decision 2 of clip .* does not follow the one before it",
    ),
    "removed at the end": (
        "DELETE FROM decisions WHERE id = (SELECT max(id) FROM decisions)",
        "The newest decision of clip is not the one that was made last",
    ),
    "all removed": ("DELETE FROM decisions", "its decisions end with none"),
    "upload removed": ("DELETE FROM uploads", "is about clip, which was removed from the store"),
    "words changed": (
        "UPDATE comment_revisions SET text = 'Approved!' WHERE sequence = 3",
        "what comment comment-of-clip of clip said is not complete",
    ),
    "words removed": (
        "DELETE FROM comment_revisions WHERE sequence = 2",
        "what comment comment-of-clip of clip said is not complete",
    ),
    "all words removed": (
        "DELETE FROM comment_revisions",
        "what comment comment-of-clip of clip said is not complete",
    ),
}


def check(store: Store, folder: Path = Path("nowhere"), upload_id: str | None = None) -> Audit:
    """Verify the record."""
    with store.reading() as session:
        return verify(session, folder, upload_id=upload_id)


def only_sentence(audit: Audit) -> str:
    """Return the one thing that was found."""
    ((_, link),) = audit.broken
    return link.sentence


def test_untouched_record_holds(store: Store) -> None:
    """What PostFlow wrote itself is found complete."""
    decide(store, *HISTORY)
    decide(store, upload_id="undecided")
    audit = check(store)
    assert (audit.uploads, audit.decisions, audit.broken) == (2, 3, [])


@pytest.mark.parametrize(("statement", "sentence"), TAMPERING.values(), ids=TAMPERING.keys())
def test_tampering_is_named(store: Store, tamper: Tamper, statement: str, sentence: str) -> None:
    """One sentence says what does not fit, and where."""
    decide(store, *HISTORY)
    tamper(statement)
    assert re.search(sentence, only_sentence(check(store)))


def test_rewritten_chain_misses_its_head(store: Store, tamper: Tamper) -> None:
    """A whole chain with proper hashes, but another end, is not the one that was made."""
    decide(store, *HISTORY)
    decide(store, REJECTED, upload_id="other")
    tamper("DELETE FROM decisions WHERE upload_id = 'clip'")
    tamper("UPDATE uploads SET head_hash = NULL WHERE upload_id = 'clip'")
    assert check(store).broken == []  # nothing outside the database knew of it
    tamper("UPDATE uploads SET head_hash = 'abc' WHERE upload_id = 'clip'")
    assert "the upload names abc" in only_sentence(check(store))


def test_one_upload_can_be_checked(store: Store, tamper: Tamper) -> None:
    """What is wrong with another upload is not this one's."""
    decide(store, *HISTORY)
    decide(store, APPROVED, upload_id="other")
    tamper("UPDATE decisions SET who = 'X' WHERE upload_id = 'other'")
    assert check(store, upload_id="clip").broken == []
    assert check(store, upload_id="other").broken[0][0] == "other"
    with pytest.raises(UnknownUploadError):
        check(store, upload_id="nobody")


def test_every_broken_upload_is_listed(store: Store, tamper: Tamper) -> None:
    """One broken chain hides no other."""
    for name in ("a", "b", "c"):
        decide(store, APPROVED, upload_id=name)
    tamper("UPDATE decisions SET who = 'X' WHERE upload_id IN ('a', 'c')")
    assert [upload_id for upload_id, _ in check(store).broken] == ["a", "c"]
