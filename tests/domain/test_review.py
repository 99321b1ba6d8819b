"""The ten rules that turn a thread of events into the status of a video, one example each."""

from __future__ import annotations

import pytest

from postflow.domain.review import Event, ReviewStatus, read_status_value, review_thread

YES = "Approved."
NO = "Rejected."
THANKS = "Received, thank you."


def said(
    comment_id: str,
    text: str,
    t: float,
    *,
    author: str = "Ines",
    role: str | None = "client",
    kind: str = "created",
) -> Event:
    """Return an event about a comment."""
    event = {"type": f"comment.{kind}", "comment_id": comment_id, "author": author, "t": t}
    if kind != "deleted":
        event["text"] = text
    return event | ({"role": role} if role else {})


def status(value: str, t: float, *, author: str = "Ines", field: str = "Status") -> Event:
    """Return a change of a metadata field."""
    return {
        "type": "metadata.value.updated",
        "field": field,
        "value": value,
        "author": author,
        "t": t,
    }


def version(number: int, t: float, *, author: str = "Ed") -> Event:
    """Return the arrival of a new version."""
    return {"type": "file.versioned", "version": number, "author": author, "t": t}


def outcome(*events: Event) -> ReviewStatus:
    """Return what the events make of the video."""
    return review_thread(events).status


def test_nothing_said_is_pending() -> None:
    """A video that nobody has spoken about is pending."""
    assert outcome() == "pending"


def test_time_counts_not_arrival() -> None:
    """Rule 1: a refusal that arrives late but was written first is replaced by what came after."""
    assert outcome(said("b", YES, 20), said("a", NO, 10)) == "approved"


def test_event_that_comes_twice_counts_once() -> None:
    """Rule 1: a repeated delivery of an old refusal does not bring it back."""
    refusal = said("a", NO, 10)
    assert outcome(refusal, said("b", YES, 20), refusal) == "approved"


def test_edit_replaces_the_text() -> None:
    """Rule 2: a comment says what its latest edit says."""
    assert outcome(said("a", NO, 10), said("a", YES, 30, kind="updated")) == "approved"


def test_edit_counts_when_it_was_made() -> None:
    """Rule 2: an old comment edited into a refusal outweighs a later approval of the author."""
    edited = said("a", NO, 30, kind="updated")
    assert outcome(said("a", THANKS, 10), said("b", YES, 20), edited) == "rejected"


def test_older_text_does_not_come_back() -> None:
    """Rule 2: an edit that arrives after a later edit changes nothing."""
    late, early = said("a", NO, 40, kind="updated"), said("a", YES, 30, kind="updated")
    assert outcome(said("a", THANKS, 10), late, early) == "rejected"


def test_edit_beats_creation_at_one_instant() -> None:
    """Rule 2: of two texts of the same second the edited one is the later one."""
    assert outcome(said("a", YES, 10, kind="updated"), said("a", NO, 10)) == "approved"


def test_two_edits_at_once_are_doubtful() -> None:
    """Two edits of the same second leave doubt, and doubt is not an approval."""
    edits = said("a", YES, 20, kind="updated"), said("a", NO, 20, kind="updated")
    assert outcome(said("a", YES, 10), *edits) == "rejected"


def test_deletion_puts_earlier_word_in_force() -> None:
    """Rule 3: with the approval deleted, what its author said before counts again."""
    events = said("a", NO, 10), said("b", YES, 20), said("b", "", 30, kind="deleted")
    assert outcome(*events) == "rejected"


def test_deletion_is_final() -> None:
    """Rule 3: creation and edit that arrive after the deletion do not undo it."""
    late = said("a", YES, 10), said("a", YES, 40, kind="updated")
    assert outcome(said("a", "", 30, kind="deleted"), *late) == "pending"


def test_new_version_starts_from_pending() -> None:
    """Rule 4: an approval of the first version says nothing about the second."""
    assert outcome(version(1, 0), said("a", YES, 10), version(2, 20)) == "pending"


def test_late_comment_stays_with_its_version() -> None:
    """Rule 4: a comment written about version 1 but arriving later never counts for version 2."""
    assert outcome(version(1, 0), version(2, 20), said("a", YES, 10)) == "pending"


def test_edit_does_not_move_to_new_version() -> None:
    """Rule 4: an old comment edited under the new version still belongs to the old one."""
    edit = said("a", YES, 30, kind="updated")
    assert outcome(version(1, 0), said("a", NO, 10), version(2, 20), edit) == "pending"


def test_comment_before_first_known_version_is_old() -> None:
    """Rule 4: what was said before a version arrived is not about it."""
    assert outcome(said("a", YES, 10), version(2, 20)) == "pending"


def test_editor_by_role_decides_nothing() -> None:
    """Rule 5: an editor's approval, even a reported one, is not an approval."""
    assert (
        outcome(said("a", "The client approved it.", 10, author="Ed", role="editor")) == "pending"
    )


def test_author_of_version_is_an_editor() -> None:
    """Rule 5: whoever uploaded the current version is its editor, role or not."""
    assert outcome(version(1, 0, author="Sam"), said("a", YES, 9, author="Sam", role=None)) == (
        "pending"
    )


def test_author_of_older_version_may_review() -> None:
    """Rule 5: the author of an earlier version is no editor of the current one."""
    events = version(1, 0, author="Sam"), version(2, 5, author="Ed")
    assert outcome(*events, said("a", YES, 9, author="Sam", role=None)) == "approved"


def test_editor_cannot_set_the_status() -> None:
    """Rule 5: the Status field set by the editor changes nothing."""
    assert outcome(version(1, 0), status("Approved", 5, author="Ed")) == "pending"


def test_missing_role_counts_as_reviewer() -> None:
    """Rule 5: somebody without a role who is no author is a reviewer."""
    assert outcome(version(1, 0), said("a", YES, 5, author="Noor", role=None)) == "approved"


def test_last_decision_of_a_person_counts() -> None:
    """Rule 6: an approval taken back is no approval."""
    assert outcome(said("a", YES, 10), said("b", NO, 20)) == "rejected"


def test_thanks_take_nothing_away() -> None:
    """Rule 6: a pending comment neither gives nor takes a decision."""
    assert outcome(said("a", NO, 10), said("b", THANKS, 20)) == "rejected"


def test_one_rejection_outweighs_many_approvals() -> None:
    """Rule 7: one open rejection blocks, however many approve after it."""
    approvals = [said(name, YES, 20, author=name) for name in ("Ana", "Bo", "Cy")]
    assert outcome(said("x", NO, 10), *approvals) == "rejected"


def test_fixed_by_editor_lifts_no_rejection() -> None:
    """Rule 7: only the reviewer who refused can lift the refusal."""
    fixed = said("b", "Fixed, approved.", 20, author="Ed", role="editor")
    assert outcome(said("a", NO, 10), said("c", YES, 15, author="Bo"), fixed) == "rejected"


def test_same_reviewer_lifts_own_rejection() -> None:
    """Rules 7 and 8: once the refusal is lifted one approval is enough."""
    assert outcome(said("a", NO, 10), said("b", YES, 20)) == "approved"


def test_deleting_a_rejection_lifts_it() -> None:
    """Rules 7 and 8: a deleted refusal leaves the other reviewer's approval."""
    other = said("b", YES, 5, author="Bo")
    assert outcome(other, said("a", NO, 10), said("a", "", 20, kind="deleted")) == "approved"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Approved", "approved"),
        ("approved ", "approved"),
        ("In Progress", "pending"),
        ("Needs Review", "pending"),
        ("Rejected", "rejected"),
        ("Final-ish", "pending"),
    ],
)
def test_status_replaces_all_before_it(value: str, expected: str) -> None:
    """Rule 9: the Status field speaks for the whole video; an unknown option says pending."""
    before = said("a", NO, 10), said("b", YES, 11, author="Bo")
    assert outcome(*before, status(value, 20, author="Dee")) == expected


def test_comment_after_status_counts_again() -> None:
    """Rule 9: what is said after a change of Status counts as ever."""
    assert outcome(status("Approved", 10), said("a", NO, 20, author="Bo")) == "rejected"


def test_comment_before_status_arrives_late() -> None:
    """Rules 1 and 9: a refusal written before the Status was set is replaced by it."""
    assert outcome(status("Approved", 20), said("a", NO, 10, author="Bo")) == "approved"


def test_refusal_at_the_instant_of_status_counts() -> None:
    """Where the order cannot be known the less approving one is taken."""
    assert outcome(status("Approved", 10), said("a", NO, 10, author="Bo")) == "rejected"


def test_status_of_older_version_is_void() -> None:
    """Rules 4 and 9: a Status set before the new version says nothing about it."""
    assert outcome(version(1, 0), status("Approved", 10), version(2, 20)) == "pending"


def test_status_by_nobody_named_never_approves() -> None:
    """When it is not known who set the Status, nothing is approved."""
    assert outcome(status("Approved", 10, author="")) == "pending"


def test_other_fields_say_nothing() -> None:
    """Rule 9: only the field named Status is a verdict."""
    assert outcome(status("Approved", 10, field="Rating")) == "pending"


def test_reply_is_a_comment() -> None:
    """Rule 10: a reply decides like any comment."""
    assert outcome({**said("b", NO, 20), "parent_id": "a"}, said("a", YES, 10)) == "rejected"


def test_review_names_what_decided() -> None:
    """The outcome carries the comment, the person, the score and the reason."""
    deciding = review_thread([said("a", YES, 10), said("b", NO, 20, author="Bo")]).deciding
    assert deciding is not None
    assert (deciding.comment_id, deciding.display_name) == ("b", "Bo")
    assert deciding.score is not None
    assert deciding.score < 0
    assert deciding.reason


@pytest.mark.parametrize(
    ("value", "expected"),
    [("Signed Off", "approved"), ("Redo", "rejected"), ("Approved", "pending")],
)
def test_option_names_can_be_configured(value: str, expected: str) -> None:
    """Accounts rename the options; then only their own names count."""
    found = read_status_value(value, approved=["signed off"], rejected=["redo"])
    assert found == expected
