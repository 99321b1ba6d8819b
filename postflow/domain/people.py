"""Who speaks in a review, and what their word is worth; see design decision 0003."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class GuestPolicy(StrEnum):
    """What the comments of people without a Frame.io account are worth."""

    COUNT = "count"
    """As much as anybody's."""
    REJECT_ONLY = "reject_only"
    """They can reject, and take their rejection back, but never approve."""
    IGNORE = "ignore"
    """Nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody who wrote a comment or set a status, as Frame.io names them.

    A guest has no id, and a guest's address is whatever the guest typed.
    """

    id: str | None = None
    email: str | None = None
    name: str = ""

    @property
    def is_guest(self) -> bool:
        """Whether no Frame.io account stands behind this person."""
        return self.id is None

    @property
    def is_nobody_known(self) -> bool:
        """Whether there is nothing by which to tell this person from another."""
        return not self.id and not (self.email or "").strip()

    @property
    def key(self) -> str:
        """The same for every word of one person; a guest never shares it with an account."""
        if self.id is not None:
            return self.id
        return f"guest:{(self.email or self.name).strip().lower()}"

    @property
    def display_name(self) -> str:
        """The name to show to people."""
        return self.name or self.email or self.id or "somebody unknown"

    def is_any_of(self, listed: frozenset[str]) -> bool:
        """Whether ids, addresses or `@domain` entries in `listed` (lower case) name this person.

        Addresses count only on people with an account: a guest can type any address.
        """
        return self.id is not None and bool({self.id.lower(), *self._addresses} & listed)

    def claims_to_be_any_of(self, listed: frozenset[str]) -> bool:
        """Whether addresses or `@domain` entries in `listed` fit the address, true or typed."""
        return bool(self._addresses & listed)

    @property
    def _addresses(self) -> frozenset[str]:
        email = (self.email or "").strip().lower()
        return frozenset({email, "@" + email.rpartition("@")[2]}) if email else frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewRules:
    """The settings of a review: who may say what, and how many must."""

    approvers: frozenset[str] = field(default=frozenset())
    editors: frozenset[str] = field(default=frozenset())
    guests: GuestPolicy = GuestPolicy.COUNT
    quorum: int = 1
    approved_names: frozenset[str] = frozenset({"approved"})
    rejected_names: frozenset[str] = frozenset({"rejected", "changes requested"})
    trust_unknown_status: bool = False

    def is_editor(self, person: Person, *, uploader_id: str | None) -> bool:
        """Whether this person made the version, or is listed as an editor: they never decide."""
        if person.id is not None and person.id == uploader_id:
            return True
        # A guest who claims to be an editor is believed: it only takes their word away.
        return person.is_any_of(self.editors) or person.claims_to_be_any_of(self.editors)

    def counts(self, person: Person) -> bool:
        """Whether this person's word changes anything."""
        return not (person.is_guest and self.guests is GuestPolicy.IGNORE)

    def may_approve(self, person: Person) -> bool:
        """Whether this person's yes approves."""
        if person.is_nobody_known:
            return False  # it may be an editor
        if self.approvers:
            return person.is_any_of(self.approvers)
        return not (person.is_guest and self.guests is not GuestPolicy.COUNT)
