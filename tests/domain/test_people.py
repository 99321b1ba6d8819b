"""Whose word counts: accounts, guests who can type anything, editors and approvers."""

from __future__ import annotations

import pytest

from postflow.domain.people import GuestPolicy, Person, ReviewRules
from tests.factories import CLIENT, EDITOR, GUEST, REVIEWER

IMPOSTOR = Person(email=CLIENT.email, name=CLIENT.name)


def test_guest_with_approvers_address_stays_guest() -> None:
    """Typing the approver's address gives neither the right to approve nor the approver's key."""
    rules = ReviewRules(approvers=frozenset({"cleo@client.example"}))
    assert rules.may_approve(CLIENT)
    assert not rules.may_approve(IMPOSTOR)
    assert IMPOSTOR.key != CLIENT.key


@pytest.mark.parametrize("entry", ["user-client", "cleo@client.example", "@client.example"])
def test_approvers_are_ids_or_addresses(entry: str) -> None:
    """An approver is named by id, by address or by domain."""
    rules = ReviewRules(approvers=frozenset({entry}))
    assert rules.may_approve(CLIENT)
    assert not rules.may_approve(EDITOR)


def test_ids_are_compared_without_case() -> None:
    """Settings are folded to lower case, so an id with capitals still names its user."""
    person = Person(id="U-Anna", email="Anna@Client.Example")
    assert ReviewRules(approvers=frozenset({"u-anna"})).may_approve(person)
    assert ReviewRules(editors=frozenset({"@client.example"})).is_editor(person, uploader_id=None)


def test_anybody_approves_without_approvers() -> None:
    """With nobody named, every account and by default every guest may approve."""
    assert ReviewRules().may_approve(REVIEWER)
    assert ReviewRules().may_approve(GUEST)


@pytest.mark.parametrize(
    ("policy", "counts", "approves"),
    [
        (GuestPolicy.COUNT, True, True),
        (GuestPolicy.REJECT_ONLY, True, False),
        (GuestPolicy.IGNORE, False, False),
    ],
)
def test_guests_follow_the_policy(policy: GuestPolicy, counts: bool, approves: bool) -> None:
    """A guest counts fully, only for rejections, or not at all."""
    rules = ReviewRules(guests=policy)
    assert (rules.counts(GUEST), rules.may_approve(GUEST)) == (counts, approves)
    assert (rules.counts(CLIENT), rules.may_approve(CLIENT)) == (True, True)


def test_uploader_is_always_an_editor() -> None:
    """Whoever uploaded the version decides nothing about it, listed or not."""
    assert ReviewRules().is_editor(EDITOR, uploader_id=EDITOR.id)
    assert not ReviewRules().is_editor(CLIENT, uploader_id=EDITOR.id)


def test_unknown_uploader_makes_no_guest_editor() -> None:
    """Two missing ids are not the same person."""
    assert not ReviewRules().is_editor(GUEST, uploader_id=None)


@pytest.mark.parametrize("entry", ["ed@studio.example", "@studio.example"])
def test_guest_claiming_to_be_editor_is_believed(entry: str) -> None:
    """An editor who is not logged in must not approve the own work under a guest's hat."""
    guest = Person(email="ED@studio.example", name="Ed")
    assert ReviewRules(editors=frozenset({entry})).is_editor(guest, uploader_id=None)


def test_person_without_any_mark_cannot_approve() -> None:
    """A comment whose author nobody can name may be the editor's: it never approves."""
    nobody = Person(name="somebody")
    assert nobody.is_nobody_known
    assert not ReviewRules().may_approve(nobody)
    assert ReviewRules().counts(nobody)


def test_guests_are_told_apart_by_address() -> None:
    """One guest's later yes lifts only that guest's no."""
    other = Person(email="other@elsewhere.example")
    assert GUEST.key != other.key
    assert GUEST.key == Person(email=" GUS@elsewhere.example ", name="G.").key


def test_names_fall_back_to_what_is_known() -> None:
    """People are shown by name, else address, else id, else as somebody unknown."""
    assert Person(id="u", email="e@x", name="N").display_name == "N"
    assert Person(id="u", email="e@x").display_name == "e@x"
    assert Person(id="u").display_name == "u"
    assert Person().display_name == "somebody unknown"
