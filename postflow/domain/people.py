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
        """Whether ids, addresses or `@domain` entries in `listed` name this person.

        Addresses count only on people with an account: a guest can type any address.
        """
        if self.id is None:
            return False
        email = (self.email or "").lower()
        domain = "@" + email.rpartition("@")[2] if email else ""
        return bool({self.id, email, domain} & listed - {""})


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
        listed_guest = person.is_guest and (person.email or "").lower() in self.editors
        return listed_guest or person.is_any_of(self.editors)

    def counts(self, person: Person) -> bool:
        """Whether this person's word changes anything."""
        return not (person.is_guest and self.guests is GuestPolicy.IGNORE)

    def may_approve(self, person: Person) -> bool:
        """Whether this person's yes approves."""
        if self.approvers:
            return person.is_any_of(self.approvers)
        return not (person.is_guest and self.guests is not GuestPolicy.COUNT)
